"""Adopting what was there, comparing registry and ledger, and telling what was in production."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aims_mlflow.errors import AimsError
from support import commands, trainings
from support.embedded_registry import files_of
from support.gated_registry import refused
from support.long_runs import full_but
from support.plain_registry import adopt, kinds, reconcile, run, ungated


def test_what_the_gate_allowed_is_no_finding(registry, client, use):
    use(seed=1)
    use(seed=2)
    client.delete_registered_model_alias("loans", "champion")
    assert reconcile(registry) == (0, {"checked": 1, "findings": [], "new": 0, "closed": [], "settled": []})


def test_what_came_in_past_the_gate_is_found_once_and_closed(registry, plain, client):
    ungated(plain, alias="champion")
    status, found = reconcile(registry)
    assert (status, kinds(found), found["new"]) == (1, ["ungated-alias", "ungated-version"], 2)
    assert found["findings"][0]["control"] == "A.6.2.5"
    assert reconcile(registry)[1]["new"] == 0
    plain.delete_registered_model_alias("old", "champion")
    status, found = reconcile(registry)
    assert (kinds(found), len(found["closed"])) == (["ungated-version"], 1)


def test_what_changes_while_it_is_compared_is_no_finding(registry, plain, client, use, monkeypatch):
    """The registry was listed, and then a version and an alias came in through the gate."""
    import aims_mlflow.registry.reconcile as module

    use(seed=1)
    stale = list(module.models(plain))
    use(seed=2)
    use(name="newer", seed=3)
    monkeypatch.setattr(module, "models", lambda _: iter(stale))
    assert reconcile(registry)[1]["findings"] == []


def test_an_alias_moved_or_taken_past_the_gate_is_found(registry, plain, client, use):
    first, _ = use(seed=1)
    _second, _ = use(seed=2)
    plain.set_registered_model_alias("loans", "champion", first)
    assert kinds(reconcile(registry)[1]) == ["ungated-alias"]
    plain.delete_registered_model_alias("loans", "champion")
    assert kinds(reconcile(registry)[1]) == ["lost-alias"]


def test_a_version_deleted_past_the_gate_is_found(registry, plain, client, use):
    first, _ = use(seed=1)
    use(seed=2)
    plain.delete_model_version("loans", first)
    assert kinds(reconcile(registry)[1]) == ["lost-version"]
    plain.delete_registered_model("loans")
    assert kinds(reconcile(registry)[1]) == ["lost-version", "lost-version"]


def test_changed_and_vanished_files_of_an_aliased_version_are_found(registry, client, use):
    _, uri = use()
    path = files_of(uri) / "MLmodel"
    before = path.read_bytes()
    path.write_bytes(before + b"# changed\n")
    _, found = reconcile(registry)
    assert kinds(found) == ["changed-bytes"]
    assert found["findings"][0]["registered"] != found["findings"][0]["found"]
    path.write_bytes(before)
    assert reconcile(registry)[0] == 0
    for file in sorted(files_of(uri).rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    assert kinds(reconcile(registry)[1])[0] in ("unreadable-bytes", "changed-bytes")


def test_an_ended_waiver_under_an_alias_is_found(registry, client, person, monkeypatch):
    import mlflow

    import aims_mlflow.registry.reconcile as module

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot", "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    version = mlflow.register_model(uri, "loans").version
    registry.say("waive", f"models:/loans/{version}", "--stage", "deployment", *waiver)
    person("rosa", "approver")("approve", f"models:/loans/{version}", "--stage", "deployment")
    client.set_registered_model_alias("loans", "champion", version)
    assert reconcile(registry)[0] == 0

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=10)

    monkeypatch.setattr(module, "datetime", Later)
    assert kinds(reconcile(registry)[1]) == ["waiver-over"]


def test_an_emergency_waiver_whose_hours_are_over_is_found_and_the_alias_stays(registry, client, person, monkeypatch):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    both = (registry.say, person("piet", "approver"))
    emergency = ["--break-glass", "--reason", "outage", "--hours"]
    for say in both:
        say("waive", uri, "--name", "loans", "--stage", "registration", *emergency, "9")
    version = mlflow.register_model(uri, "loans").version
    for say in both:
        say("waive", f"models:/loans/{version}", "--stage", "deployment", *emergency, "5")
    client.set_registered_model_alias("loans", "champion", version)
    for hours, found in ((4, []), (6, ["waiver-over"])):
        set_clock(monkeypatch, datetime.now(UTC) + timedelta(hours=hours))
        assert kinds(reconcile(registry)[1]) == found
    assert client.get_registered_model("loans").aliases == {"champion": version}


def set_clock(monkeypatch, moment):
    """Let the gate and its reconciler read this time."""
    import aims_mlflow.registry.reconcile as module
    from aims_mlflow.server import gate

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    for place in (module, gate):
        monkeypatch.setattr(place, "datetime", Clock)


def test_the_last_day_of_adopted_versions_counts_whole(registry, plain, client, monkeypatch):
    version, _ = ungated(plain, alias="champion")
    adopt(registry)
    last = datetime.now(UTC).replace(hour=23, minute=59, second=58) + timedelta(days=1)
    registry.change_policy(lambda p: p.update(legacy={"until": f"{last:%Y-%m-%d}"}))
    client.get_registered_model("aims.status")
    for moment, found in ((last, []), (last + timedelta(seconds=3), ["legacy-over"])):
        set_clock(monkeypatch, moment)
        assert kinds(reconcile(registry)[1]) == found
    client.delete_registered_model_alias("old", "champion")
    set_clock(monkeypatch, last)
    client.set_registered_model_alias("old", "champion", version)
    for moment, found in ((last, []), (last + timedelta(seconds=3), ["legacy-over"])):
        set_clock(monkeypatch, moment)
        assert kinds(reconcile(registry)[1]) == found, "it is in use as adopted, whoever set its alias again"
    client.delete_registered_model_alias("old", "champion")
    refused(client.set_registered_model_alias, "old", "champion", version)


@pytest.mark.parametrize("committed", [True, False])
def test_a_change_without_outcome_is_settled_by_what_the_registry_shows(registry, client, use, monkeypatch, committed):
    """As after a SIGKILL: the decision is sealed, the outcome is not."""
    from aims_mlflow.ledger.ledger import Ledger

    use(seed=1)
    append = Ledger.seal

    def die(self, *entries):
        if entries[0].content.type == "outcome":
            raise KeyboardInterrupt
        return append(self, *entries)

    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=3))
    import mlflow
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "seal", die)
        if not committed:
            dying.setattr(
                SqlAlchemyStore, "create_model_version", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
            )
        with pytest.raises(KeyboardInterrupt):
            mlflow.register_model(uri, "loans")
    status, found = reconcile(registry)
    assert (status, found["findings"]) == (0, [])
    assert [(s["of"], s["done"], s.get("version"), s["about"], s["control"]) for s in found["settled"]] == [
        ("decision", committed, "2" if committed else None, "open-change", "A.6.2.8")
    ]
    assert found["closed"] == [found["settled"][0]["text"]]
    states = [(x["about"], x["control"], x["state"], x["of"]) for x in registry.leaves("finding")]
    assert states == [("open-change", "A.6.2.8", state, "decision") for state in ("open", "closed")]
    assert reconcile(registry)[1]["settled"] == []


def test_the_next_change_settles_what_was_left_open(registry, client, use, monkeypatch):
    from aims_mlflow.ledger.ledger import Ledger

    version, _ = use(seed=1)
    append = Ledger.seal

    def die(self, *entries):
        if entries[0].content.type == "outcome":
            raise KeyboardInterrupt
        return append(self, *entries)

    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            client.delete_registered_model_alias("loans", "champion")
    client.set_registered_model_alias("loans", "champion", version)
    outcomes = registry.leaves("outcome")
    assert [(o["of"], o["done"], o.get("closed_by")) for o in outcomes[-2:]] == [
        ("withdrawn", True, "the next change"),
        ("decision", True, None),
    ]


SETTLED_BY = ("the next change", "aims gate reconcile", "a failed commit")


@pytest.mark.parametrize(
    ("in_stage", "settled_by"),
    full_but([(False, "aims gate reconcile"), (True, "a failed commit")], [False, True], SETTLED_BY),
)
def test_what_a_settled_move_took_is_superseded(registry, client, use, monkeypatch, settled_by, in_stage):
    """The move took place and its outcome was not sealed: what it took is told from the decision's own leaf."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    from aims_mlflow.ledger.ledger import Ledger

    def move(version):
        if in_stage:
            client.transition_model_version_stage("loans", version, "Production", archive_existing_versions=True)
        else:
            client.set_registered_model_alias("loans", "champion", version)

    first, _ = use(seed=1)
    second, _ = use(seed=2)
    for version in (first, second):
        registry.say("approve", f"models:/loans/{version}", "--stage", "deployment")
    move(first)
    before = len(registry.leaves("superseded"))
    append = Ledger.seal

    def die(self, *entries):
        if entries[0].content.type == "outcome":
            raise KeyboardInterrupt
        return append(self, *entries)

    name = "transition_model_version_stage" if in_stage else "set_registered_model_alias"
    plain = getattr(SqlAlchemyStore, name)

    def committed_and_failed(*args, **kwargs):
        plain(*args, **kwargs)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as dying:
        if settled_by == "a failed commit":
            dying.setattr(SqlAlchemyStore, name, committed_and_failed)
            refused(move, second)
        else:
            dying.setattr(Ledger, "seal", die)
            with pytest.raises(KeyboardInterrupt):
                move(second)
    if settled_by == "aims gate reconcile":
        assert reconcile(registry)[0] == 0
    else:
        client.delete_registered_model_alias("loans", "champion")
    (leaf,) = registry.leaves("superseded")[before:]
    assert (leaf["version"], leaf["by"], leaf["alias"]) == (first, second, "production" if in_stage else "champion")
    settled = [x for x in registry.leaves("outcome") if x["request"] == leaf["request"]]
    assert [(x["done"], x["closed_by"]) for x in settled] == [(True, settled_by)]


def test_adopted_versions_keep_and_regain_their_aliases_until_a_day(registry, plain, client, use):
    version, _uri = ungated(plain, alias="champion")
    status, out = adopt(registry, "--json")
    (adopted,) = json.loads(out)["adopted"]
    assert (status, adopted["name"], adopted["aliases"], len(adopted["digest"])) == (0, "old", ["champion"], 64)
    assert json.loads(adopt(registry, "--json")[1])["adopted"] == []
    assert kinds(reconcile(registry)[1]) == ["legacy-over"]

    registry.change_policy(lambda p: p.update(legacy={"until": "2099-01-01"}))
    client.get_registered_model("aims.status")
    assert reconcile(registry)[0] == 0
    client.delete_registered_model_alias("old", "champion")
    client.set_registered_model_alias("old", "champion", version)
    assert registry.leaves("decision")[-1]["basis"] == "legacy"
    refused(client.set_registered_model_alias, "old", "production", version)

    registry.change_policy(lambda p: p.update(legacy={"until": "2020-01-01"}))
    client.delete_registered_model_alias("old", "champion")
    refused(client.set_registered_model_alias, "old", "champion", version)


def test_adopted_versions_whose_files_changed_do_not_regain(registry, plain, client):
    version, uri = ungated(plain, alias="champion")
    adopt(registry)
    registry.change_policy(lambda p: p.update(legacy={"until": "2099-01-01"}))
    path = files_of(uri) / "MLmodel"
    path.write_bytes(path.read_bytes() + b"# changed\n")
    assert "changed since version 1" in refused(client.set_registered_model_alias, "old", "champion", version)
    assert kinds(reconcile(registry)[1]) == ["changed-bytes"]


def test_history_says_who_held_what_when_and_why(registry, client, use):
    first, _ = use(seed=1)
    import time

    time.sleep(1.1)
    between = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    second, _ = use(seed=2)
    client.delete_registered_model_alias("loans", "champion")
    rows = json.loads(run(registry, "gate", "history", "loans", "--json")[1])["history"]
    assert [(r["version"], r["ended_by"]) for r in rows] == [(first, f"version {second}"), (second, "withdrawn")]
    assert rows[0]["until"] <= rows[1]["since"]
    assert rows[0]["approvals"] == ["olga"]
    assert len(rows[0]["evidence"]) > 5
    (row,) = json.loads(run(registry, "gate", "history", "loans", "--at", between, "--json")[1])["history"]
    assert row["version"] == first
    shown = run(registry, "gate", "history", "loans")[1]
    assert "champion: version 1 from " in shown
    assert "approved by olga" in shown
    assert "knows of no gated alias" in run(registry, "gate", "history", "nobody")[1]


def test_a_decision_is_made_again_from_the_ledger(registry, client, use):
    use(seed=1)
    _, bad = trainings.train("loans", frame=trainings.table(3000, fair=False))
    import mlflow

    refused(mlflow.register_model, bad, "loans")
    registry.change_policy(lambda p: p["stages"]["registration"].update(require=[]))
    client.get_registered_model("aims.status")
    for leaf in registry.leaves("decision"):
        status, out = run(registry, "gate", "replay", leaf["request"])
        assert status == 0, out
        assert "decided again from the ledger: the same" in out


def test_a_decision_whose_evidence_was_altered_in_the_database_cannot_be_made_again(registry, client, use):
    use(seed=1)
    request = registry.leaves("decision")[-1]["request"]
    with sqlite3.connect(Path(registry.folder) / "mlflow.db.aims.db") as database:
        database.execute("UPDATE aims_envelopes SET envelope = CAST(replace(CAST(envelope AS TEXT), 'A', 'B') AS BLOB)")
    database.close()
    with pytest.raises(AimsError, match="that the decision rests on is missing or was changed"):
        run(registry, "gate", "replay", request)
    with sqlite3.connect(Path(registry.folder) / "mlflow.db.aims.db") as database:
        database.execute("DELETE FROM aims_envelopes")
    database.close()
    with pytest.raises(AimsError, match="that the decision rests on is missing or was changed"):
        run(registry, "gate", "replay", request)


def test_without_a_ledger_the_commands_say_what_to_give(registry, monkeypatch):
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    with pytest.raises(AimsError, match="AIMS_LEDGER_URI"):
        commands.aims("gate", "history", "loans")
