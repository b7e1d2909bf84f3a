"""`aims verify` and `aims ledger` on a registry with a history: what is whole verifies, and says what it looked at."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from aims_mlflow.audit.model import ModelCheck
from aims_mlflow.cli.main import cli
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.ledger.ledger import Ledger
from support.commands import run


def test_a_whole_ledger_verifies_from_an_outside_checkpoint(life):
    said = json.loads(run("ledger", "verify", "--ledger", life.uri, "--since", life.outside, "--json"))
    assert said["verified"]
    states = {s["step"]: s["state"] for s in said["steps"]}
    assert states == {
        "keyring": "ok", "envelope": "ok", "subject bytes": "absent", "inclusion": "ok", "checkpoint": "ok",
        "time stamp": "absent", "completeness": "ok",
    }  # fmt: skip
    text = run("verify", life.uri)
    assert "verified" in text.splitlines()[-1]
    assert "none from outside was given" in text
    first = min((life.outside / "checkpoints").iterdir())
    text = run("verify", "ledger", "--ledger", life.uri, "--since", first)
    assert f"the ledger continues the checkpoint over {int(first.stem)} leaves" in text


def test_a_version_and_its_run_verify(life):
    text = run("verify", "models:/loans/1", "--since", life.outside)
    assert "deployment decided again from the ledger: the same" in text
    assert "the bytes are those that were registered" in text
    assert "was begun after leaf" in text
    said = json.loads(run("verify", f"runs:/{life.run}", "--json"))
    assert said["verified"]
    assert "which evidence is required was not looked at" in said["steps"][-1]["not_checked"][0]
    assert "- completeness: which evidence is required was not looked at" in run("verify", f"runs:/{life.run}")
    assert json.loads(run("verify", "models:/loans@champion", "--at-load", "--json"))["verified"]


@pytest.mark.parametrize(
    ("named", "detected"),
    [("900:" + "0" * 64, True), ("1:" + "0" * 64, True), ("9" * 5000 + ":" + "0" * 64, False), ("x", False)],
)
def test_a_record_that_names_a_checkpoint_which_the_ledger_never_had_is_told(life, named, detected):
    """A larger one than the ledger has shows that its end was cut off; what no ledger can have had shows nothing."""
    check = ModelCheck(Ledger(life.uri), "x", None)
    check.checkpoint((), ())
    record = SimpleNamespace(evidence=SimpleNamespace(checkpoint=named))
    check._after_checkpoint(SimpleNamespace(name="s", records=[record]))
    assert bool(check.report["checkpoint"].problems) is detected


def test_a_result_says_that_nobody_named_the_root(life, monkeypatch):
    from aims_mlflow.audit.keyrings import history_of
    from aims_mlflow.audit.report import Step
    from aims_mlflow.audit.view import LedgerView
    from aims_mlflow.signing.keyring import roots_of

    monkeypatch.delenv("AIMS_KEYRING_ROOT", raising=False)
    for target in (("verify", "models:/loans/1"), ("ledger", "verify", "--ledger", life.uri)):
        assert run(*target).splitlines()[-1].startswith("verified as of an unpinned root: nobody named the root key")
        said = json.loads(run(*target, "--json"))
        assert (said["verified"], said["verdict"], said["root_pinned"]) == (
            True,
            "verified as of an unpinned root",
            False,
        )
    history = history_of(LedgerView(Ledger(life.uri)), Step("keyring"), None)
    monkeypatch.setenv("AIMS_KEYRING_ROOT", min(roots_of(history.newest)))
    for target in (("verify", "models:/loans/1"), ("ledger", "verify", "--ledger", life.uri)):
        assert run(*target).splitlines()[-1] == "verified"
        said = json.loads(run(*target, "--json"))
        assert (said["verdict"], said["root_pinned"]) == ("verified", True)


def test_a_proof_stands_alone(life):
    said = json.loads(run("ledger", "prove", "3", "--ledger", life.uri, "--json"))["proofs"][0]
    head = checkpoint.parse(said["checkpoint"].encode(), "proof")
    path = [bytes.fromhex(step) for step in said["path"]]
    assert merkle.verify_inclusion(bytes.fromhex(said["leaf_hash"]), 3, head.size, path, head.root)
    request = next(Ledger(life.uri).leaves(types=("decision",))).content["request"]
    assert run("ledger", "prove", request, "--ledger", life.uri).count("is proved") >= 2
    assert "no leaf 999" in run("ledger", "prove", "999", "--ledger", life.uri, status=1)


def test_watching_goes_on_from_the_last_look(life, tmp_path):
    from aims_mlflow.ledger.log import configured_log
    from support.entries import entry_of

    state = tmp_path / "seen.txt"
    ledger = Ledger(life.uri, configured_log())
    before = ledger.proofs.size()
    assert "checkpoint over" in run("ledger", "watch", "--ledger", life.uri, "--state", state)
    ledger.seal(entry_of("finding", {"about": "x"}))
    text = run("ledger", "watch", "--ledger", life.uri, "--state", state)
    assert f"continues {before}" in text
    assert checkpoint.parse(state.read_bytes(), "state").size == before + 1
    out = tmp_path / "now.txt"
    assert run("ledger", "checkpoint", "--ledger", life.uri, "--out", out).startswith("ai.example.org/loans\n")
    assert out.read_text() == state.read_text()


def test_evidence_that_never_met_a_gate_is_sealed_once(life, lived):
    from support import trainings

    frame = trainings.table(1000, seed=9)
    run_id, _ = trainings.train("loans", frame=frame)
    assert "no leaf of the ledger names it" in run("verify", f"runs:/{run_id}", "--ledger", life.uri, status=1)
    first = json.loads(
        run("ledger", "ingest", f"runs:/{run_id}", "--ledger", life.uri, "--reason", "trained before", "--json")
    )
    assert len(first["sealed"]) == 1
    again = json.loads(run("ledger", "ingest", f"runs:/{run_id}", "--ledger", life.uri, "--reason", "again", "--json"))
    assert again == {"sealed": {}, "known": list(first["sealed"])}
    assert "verified" in run("verify", f"runs:/{run_id}", "--ledger", life.uri)
    assert "verified" in run("verify", life.uri)


def test_wrong_use_is_told(life, tmp_path):
    assert "is about a model version" in run("verify", "ledger", "--at-load", "--ledger", life.uri, status=2)
    assert "cannot be read" in run("verify", life.uri, "--since", tmp_path / "none", status=3)
    (tmp_path / "junk").write_text("junk")
    assert "not a signed note" in run("verify", life.uri, "--since", tmp_path / "junk", status=1)
    assert "no checkpoint is here" in run("verify", life.uri, "--since", tmp_path, status=3)


@pytest.mark.parametrize("command", ["checkpoint", "verify", "watch", "ingest"])
def test_every_command_says_when_it_fails(command):
    assert "Exit status 1" in " ".join(CliRunner().invoke(cli, ["ledger", command, "--help"]).output.split())


@pytest.mark.parametrize("name", ["loans.zip", "loans.bundle", "handed over"])
def test_a_bundle_is_known_by_being_a_file(tmp_path, name):
    from aims_mlflow.exports.bundle.archive import write_archive
    from support.small_bundle import small_bundle

    with (tmp_path / name).open("wb") as stream:
        write_archive(small_bundle(f"sqlite:///{tmp_path}/l.db"), stream)
    assert "verified" in run("verify", tmp_path / name).splitlines()[-1]
    assert "is about a model version" in run("verify", tmp_path / name, "--at-load", status=2)


def test_the_states_of_a_version_know_its_alias_its_decisions_and_who_approved(life, monkeypatch):
    rows = json.loads(run("evidence", "controls", "models:/loans@champion", "--json"))
    approval = [c for r in rows for c in r["conditions"] if "olga" in c["sentence"]]
    assert approval, "the ledger beside the registry says who approved"
    assert any(c["outcome"] == "holds" for c in approval)
    assert not any("no policy is here" in c["sentence"] for r in rows for c in r["conditions"])
    by_bytes = json.loads(run("evidence", "controls", "models:/loans/1", "--json"))
    assert [r["state"] for r in by_bytes] == [r["state"] for r in rows], "alias and version are the same bytes in use"
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.delenv("AIMS_LEDGER_URI", raising=False)
    alone = CliRunner().invoke(cli, ["evidence", "controls", "models:/loans@champion"], standalone_mode=False)
    assert "decisions, approvals and waivers are not known here" in alone.output
