"""Erasing a body: the text is gone from the file, and everything else still verifies."""

import json

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.erasure import erase
from aims_mlflow.signing.keys import ephemeral_key
from support.authority_world import AuthorityWorld
from support.commands import run


def test_a_body_goes_for_good_and_all_else_verifies(life, monkeypatch):
    ledger = Ledger(life.uri)
    decision = next(ledger.leaves(types=("decision",)))
    waiting = next(ledger.leaves(types=("approval",)))
    text = "reviewed by Olga at her desk"
    assert "nothing is erased: the key of ana has no role" in run(
        "evidence", "erase", decision.sequence, "--reason", "asked for", "--ledger", life.uri, status=1
    )
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{life.office.approver}")
    body = ledger.bodies([decision.sequence])[decision.sequence][1]
    # A body may fill several pages of the file, so a part that no other decision has is looked for, and its numbers.
    told = json.loads(body)
    part = f'"time":"{told["decision"]["time"]}","unmet"'.encode()
    assert part in body
    assert part in _files(life.copy)
    assert "selection_rate_ratio" not in json.dumps(told["beside"]), "numbers alone stand beside a record"
    assert all('"value"' in text for text in told["beside"].values())
    said = json.loads(
        run("evidence", "erase", decision.content["request"], "--reason", "asked for", "--ledger", life.uri, "--json")
    )
    assert str(decision.sequence) in said["erased"]
    run("evidence", "erase", waiting.sequence, "--reason", text, "--ledger", life.uri)
    assert part not in _files(life.copy), "the bytes are no longer in the database's files"
    assert ledger.body(decision.sequence) is None
    whole = run("verify", life.uri, "--since", life.outside)
    assert "verified" in whole.splitlines()[-1]
    assert "erased with a reason" in whole
    version = run("verify", "models:/loans/1", "--ledger", life.uri)
    assert f"the texts of decision {decision.content['request']} were erased" in version
    assert "no body (any more)" in run(
        "evidence", "erase", decision.sequence, "--reason", "x", "--ledger", life.uri, status=1
    )
    assert "needs a reason" in run("evidence", "erase", 0, "--reason", " ", "--ledger", life.uri, status=2)
    (record,) = [r for r in ledger.leaves(types=("erased",)) if r.content["sequence"] == waiting.sequence]
    assert text.encode() in json.dumps(json.loads(_payload(ledger, record))).encode()


def _payload(ledger, leaf):
    from aims_mlflow.signing.dsse import parse

    return parse(ledger.envelope(leaf.content["envelope"]), "erasure").payload


def _files(database):
    return b"".join(p.read_bytes() for p in database.parent.glob(f"{database.name}*") if p.is_file())


def test_an_envelope_goes_by_command_once_nothing_in_use_rests_on_it(life, monkeypatch):
    ledger, options = Ledger(life.uri), ("--reason", "asked for", "--ledger", life.uri)
    used, free = (x.content["evidence"][0] for x in [*ledger.leaves(types=("decision",))][1:])
    raw = json.loads(ledger.envelope(free))["signatures"][0]["sig"][:40].encode()
    assert raw in _files(life.copy)
    assert "the key of ana has no role" in run("evidence", "erase", free, *options, status=1)
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{life.office.approver}")
    refused = run("evidence", "erase", used, *options, status=1)
    assert "nothing is erased: loans version 1 holds champion, and rests on it" in refused
    said = json.loads(run("evidence", "erase", free, *options, "--json"))
    (by,) = said["erased"].values()
    assert raw not in _files(life.copy), "the bytes are no longer in the database's files"
    whole = run("verify", life.uri, "--since", life.outside)
    assert "verified" in whole.splitlines()[-1]
    assert f"was not made again: its envelope was erased by leaf {by}" in whole


def test_the_gate_goes_on_after_an_erasure(life, monkeypatch):
    import mlflow

    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{life.office.approver}")
    monkeypatch.setenv("AIMS_LEDGER_URI", life.uri)
    ledger = Ledger(life.uri)
    for leaf in list(ledger.leaves(types=("decision", "outcome", "approval"))):
        run("evidence", "erase", leaf.sequence, "--reason", "all of them", "--ledger", life.uri)
    mlflow.set_registry_uri(life.env["MLFLOW_REGISTRY_URI"])
    from aims_mlflow.server.change import RegistryChange
    from aims_mlflow.server.opening import open_gate

    gate = open_gate(f"sqlite:///{life.folder}/mlflow.db", life.env["MLFLOW_TRACKING_URI"])
    owner = lambda: gate.evidence.stored.owner_of(life.model)  # noqa: E731
    decided = gate.decide(RegistryChange("deployment", "loans", None, "champion", "1"), owner).decision
    assert decided.allowed, decided
    assert "champion" in run("gate", "history", "loans", "--ledger", life.uri)


@pytest.mark.parametrize(
    ("role", "may"),
    [("approver", True), ("auditor", True), ("trainer", False), ("top-management", False), ("risk-officer", False)],
)
def test_an_approver_or_an_auditor_erases_and_nobody_else(tmp_path, role, may):
    log = Log(ephemeral_key(), "ai.example.org/erasing")
    world = AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db", log), default_policy_text())
    files, key = world.train(world.person("ana", "trainer")), world.person("aud", role)
    world.ask("income", files, "registration")
    leaf = next(world.ledger.leaves(types=("decision",)))
    if may:
        erase(world.ledger, leaf, "asked for", key, "aud")
    else:
        with pytest.raises(EvidenceError, match=f"nothing is erased: the key of aud has no role .*it has {role}"):
            erase(world.ledger, leaf, "asked for", key, "aud")
    assert (world.ledger.body(leaf.sequence) is None) is may
