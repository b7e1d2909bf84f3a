"""Each kind of finding and incident is opened by the real thing, and closed by the real thing."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.records.leaves.others import FindingLeaf
from aims_mlflow.registers.findings import Finding, open_findings
from aims_mlflow.registers.kinds import KINDS, RECONCILED
from support import commands, document_findings, trainings
from support.embedded_registry import files_of, restart
from support.gated_registry import refused
from support.long_runs import full_but
from support.plain_registry import adopt, reconcile, run, ungated


@pytest.fixture
def world(registry, client, use, plain, person, monkeypatch):
    return SimpleNamespace(registry=registry, client=client, use=use, plain=plain, person=person, patch=monkeypatch)


def policy(world):
    world.client.get_registered_model("aims.status")
    path = world.registry.office.policy / "policy.yaml"
    before = path.read_bytes()
    path.write_text("systems: [")
    world.client.get_registered_model("aims.status")
    yield
    path.write_bytes(before)
    world.client.get_registered_model("aims.status")


def retirement_due(world):
    version, _ = world.use()
    world.client.delete_registered_model_alias("loans", "champion")
    yield
    world.registry.say("gate", "retire", f"models:/loans/{version}", "--reason", "replaced")


def changed_model(world):
    version, uri = world.use()
    path = files_of(uri) / "MLmodel"
    before = path.read_bytes()
    path.write_bytes(before + b"# changed\n")
    for alias in ("production", "production", "Production"):
        assert "files changed" in refused(world.client.set_registered_model_alias, "loans", alias, version)
    assert [leaf["state"] for leaf in leaves(world.registry, "changed-model")] == ["open"], "once, however often tried"
    yield
    path.write_bytes(before)
    refused(world.client.set_registered_model_alias, "loans", "production", version)  # nobody approved that


def ungated_version(world):
    world.client.get_registered_model("aims.status")
    version, _ = ungated(world.plain)
    reconcile(world.registry)
    yield
    world.plain.delete_model_version("old", version)
    reconcile(world.registry)


def ungated_alias(world):
    world.client.get_registered_model("aims.status")
    ungated(world.plain, alias="champion")
    reconcile(world.registry)
    yield
    world.plain.delete_registered_model_alias("old", "champion")
    reconcile(world.registry)


def changed_bytes(world):
    _, uri = world.use()
    path = files_of(uri) / "MLmodel"
    before = path.read_bytes()
    path.write_bytes(before + b"# changed\n")
    reconcile(world.registry)
    yield
    path.write_bytes(before)
    reconcile(world.registry)


def unreadable_bytes(world):
    _, uri = world.use()
    place = files_of(uri)
    place.rename(place.with_name("elsewhere"))
    reconcile(world.registry)
    yield
    place.with_name("elsewhere").rename(place)
    reconcile(world.registry)


def lost_alias(world):
    version, _ = world.use()
    world.plain.delete_registered_model_alias("loans", "champion")
    reconcile(world.registry)
    yield
    world.client.set_registered_model_alias("loans", "champion", version)
    reconcile(world.registry)


def lost_version(world):
    version, _ = world.use()
    world.plain.delete_model_version("loans", version)
    reconcile(world.registry)
    yield
    run(world.registry, "gate", "reconcile", "--restored", "the backup of Monday", "--json")


def legacy_over(world):
    ungated(world.plain, alias="champion")
    adopt(world.registry)
    reconcile(world.registry)
    yield
    world.registry.change_policy(lambda p: p.update(legacy={"until": "2099-01-01"}))
    world.client.get_registered_model("aims.status")
    reconcile(world.registry)


def measure_due(world):
    import mlflow

    import aims_mlflow.registry.reconcile as module

    other = world.person("mia", "approver")
    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    world.registry.say(
        "waive", uri, "--name", "loans", "--stage", "registration", "--control", "A.6.2.4", "--reason", "pilot",
        "--until", until, "--measure", "each refusal is reviewed by a person",
    )  # fmt: skip
    version = mlflow.register_model(uri, "loans")
    assert "Measure promised" in version.tags["aims.waivers"]
    reconcile(world.registry)
    assert world.registry.leaves("incident") == []

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=5)

    world.patch.setattr(module, "datetime", Later)
    reconcile(world.registry)
    reconcile(world.registry)
    yield
    close = close_command(world.registry)
    with pytest.raises(EvidenceError, match="signed a waiver that it is about"):
        world.registry.say(*close)
    other(*close)
    reconcile(world.registry)


def authority_ended(world):
    version, _ = world.use()
    world.registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "a leak was found")
    reconcile(world.registry)
    yield
    world.registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--comment", "no leak after all")
    world.client.set_registered_model_alias("loans", "champion", version)
    reconcile(world.registry)


def rules_put_back(world):
    def ask(count):
        world.registry.change_policy(lambda p: p["stages"]["deployment"].update(approvals={"count": count}))
        world.client.get_registered_model("aims.status")

    ask(1)
    ask(0)
    version, _ = world.use()
    ask(1)
    world.client.delete_registered_model_alias("loans", "champion")
    world.client.set_registered_model_alias("loans", "champion", version)  # restored: by what the other rules allowed
    reconcile(world.registry)
    yield
    world.registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "nobody approved it")
    world.registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--comment", "looked at it")
    world.client.set_registered_model_alias("loans", "champion", version)
    reconcile(world.registry)


def exchanged_rules(world):
    world.use()
    policy, other = (world.registry.ledger.in_force()[kind] for kind in ("policy", "keyring"))

    def exchange(digest):
        with closing(sqlite3.connect(f"{world.registry.folder}/mlflow.db.aims.db")) as connection, connection:
            connection.execute("UPDATE aims_active SET digest = ? WHERE kind = 'policy'", (digest,))

    exchange(other)
    assert "someone exchanged the policy" in world.client.get_registered_model("aims.status").tags["aims.findings"]
    reconcile(world.registry)
    yield
    exchange(policy)
    reconcile(world.registry)


def waiver_over(world):
    import mlflow

    import aims_mlflow.registry.reconcile as module

    registry = world.registry
    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot", "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    version = mlflow.register_model(uri, "loans").version
    registry.say("waive", f"models:/loans/{version}", "--stage", "deployment", *waiver)
    world.person("rosa", "approver")("approve", f"models:/loans/{version}", "--stage", "deployment")
    world.client.set_registered_model_alias("loans", "champion", version)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=10)

    world.patch.setattr(module, "datetime", Later)
    reconcile(registry)
    yield
    world.client.delete_registered_model_alias("loans", "champion")
    reconcile(registry)


def open_change(world):
    """The server dies between announcing and sealing, and the reconciler dies once before it closes the change."""
    import aims_mlflow.registry.reconcile as module
    from aims_mlflow.ledger.ledger import Ledger

    world.use()
    seal = Ledger.seal

    def die(self, *entries):
        if entries[0].content.type == "outcome":
            raise KeyboardInterrupt
        return seal(self, *entries)

    with world.patch.context() as dying:
        dying.setattr(Ledger, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            world.client.delete_registered_model_alias("loans", "champion")
        with pytest.raises(KeyboardInterrupt):
            module.reconcile(world.registry.ledger, world.plain, policy_of(world))
    yield
    reconcile(world.registry)


def observed_alias(world):
    mode = {"models": "*", "stage": "*", "mode": "observe"}
    world.registry.change_policy(lambda p: p.update(enforcement=[mode]))
    _, uri = ungated(world.plain)
    adopt(world.registry)
    made = world.client.create_model_version("old", uri, model_id=uri.removeprefix("models:/")).version
    world.client.set_registered_model_alias("old", "champion", made)
    assert reconcile(world.registry)[1]["findings"] == [], "it was to pass"
    world.registry.change_policy(lambda p: p.update(enforcement=[{**mode, "mode": "enforce"}]))
    world.client.get_registered_model("aims.status")
    reconcile(world.registry)
    yield
    world.client.delete_registered_model_alias("old", "champion")
    reconcile(world.registry)


def policy_of(world):
    from aims_mlflow.registry.reading import policy_in_force

    return policy_in_force(world.registry.ledger)


def late_delivery(world):
    registry, outside = world.registry, world.registry.folder / "outside"
    outside.write_text("a file where the folder belongs")
    world.patch.setenv("AIMS_ANCHORS", f"file://{outside}")
    world.use()
    deliverer = world.client._get_registry_client().store.gate.ledger.proofs.deliverer

    def set_time(column):
        with closing(sqlite3.connect(f"{registry.folder}/mlflow.db.aims.db")) as connection, connection:
            connection.execute(f"UPDATE aims_deliveries SET {column} = '2026-01-01T00:00:00.000000Z'")

    set_time("queued")
    reconcile(registry)
    yield
    outside.unlink()
    set_time("next_try")
    deliverer.deliver_due()
    reconcile(registry)
    deliverer.stop()


def break_glass(world):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    emergency = ["waive", uri, "--name", "loans", "--stage", "registration", "--break-glass", "--reason", "outage"]
    world.registry.say(*emergency)
    second, third = world.person("mia", "approver"), world.person("noor", "approver")
    auditor = world.person("aud", "auditor")
    second(*emergency)
    mlflow.register_model(uri, "loans")
    yield
    close = close_command(world.registry)
    for signer in (world.registry.say, second):
        with pytest.raises(EvidenceError, match="signed a waiver that it is about"):
            signer(*close)
    with pytest.raises(EvidenceError, match="role approver"):
        auditor(*close)
    assert "is closed" in third(*close)
    with pytest.raises(EvidenceError, match="is open"):
        third(*close)


def ledger_lost(world):
    world.use()
    for path in [p for p in world.registry.folder.glob("mlflow.db.aims.db*") if p.is_file()]:
        path.rename(path.with_name(f"kept-{path.name}"))
    restart(world.registry.folder).get_registered_model("aims.status")
    adopt(world.registry, "--new-ledger")
    yield
    world.registry.say(*close_command(world.registry))


def close_command(registry):
    (key,) = (k for k, c in open_findings(registry.ledger).items() if KINDS[c.content.about].closer == "review")
    return ["gate", "close", key, "--reason", "looked into", "--registry", f"sqlite:///{registry.folder}/mlflow.db"]


SCENARIOS = {
    **document_findings.SCENARIOS,
    "policy": policy,
    "retirement-due": retirement_due,
    "changed-model": changed_model,
    "ungated-version": ungated_version,
    "ungated-alias": ungated_alias,
    "changed-bytes": changed_bytes,
    "unreadable-bytes": unreadable_bytes,
    "lost-alias": lost_alias,
    "lost-version": lost_version,
    "legacy-over": legacy_over,
    "observed-alias": observed_alias,
    "authority-ended": authority_ended,
    "rules-put-back": rules_put_back,
    "exchanged-rules": exchanged_rules,
    "waiver-over": waiver_over,
    "measure-due": measure_due,
    "open-change": open_change,
    "late-delivery": late_delivery,
    "break-glass": break_glass,
    "ledger-lost": ledger_lost,
}


def leaves(registry, kind):
    return [leaf for leaf in registry.leaves("finding", "incident") if leaf["about"] == kind]


def test_every_kind_is_walked():
    assert set(SCENARIOS) == set(KINDS)


@pytest.mark.parametrize("name", full_but(list(KINDS)[::3], KINDS))
def test_a_kind_is_opened_and_closed(world, name):
    from aims_mlflow.audit.whole_ledger import verify_ledger

    kind, steps = KINDS[name], SCENARIOS[name](world)
    next(steps)
    assert {c.content.about for c in open_findings(world.registry.ledger, [name]).values()} == {name}
    told = json.loads(commands.command("gate", "findings", "--json", *place(world))[1])["open"]
    shown = [s for s in told if s["about"] == name]
    closes = [kind.closes.replace("close ID", f"close {s['id']}") for s in shown]
    assert [(s["control"], s["kind"], s["closes"]) for s in shown] == [(kind.control, kind.leaf, *closes)]
    next(steps, None)
    assert open_findings(world.registry.ledger, [name]) == {}
    found = leaves(world.registry, name)
    assert (found[0]["state"], found[-1]["state"]) == ("open", "closed")
    assert {leaf["control"] for leaf in found} == {kind.control}
    assert verify_ledger(world.registry.ledger, "ledger").problems == []


def place(world):
    return ["--registry", f"sqlite:///{world.registry.folder}/mlflow.db"]


def test_no_place_opens_a_kind_that_the_table_lacks():
    with pytest.raises(KeyError):
        Finding(FindingLeaf(about="unheard-of"), "something").entry()
    assert not issubclass(KeyError, AimsError)
    assert len(RECONCILED) == 14
