"""A ledger that is gone, or another registry's: nothing begins anew without a word."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from aims_mlflow.errors import PolicyRefused
from support import trainings
from support.embedded_registry import UNKNOWN, restart, says_lost
from support.gated_registry import refused
from support.plain_registry import adopt


def lose(folder):
    place = folder / "mlflow.db.aims.db"
    for path in folder.glob("mlflow.db.aims.db*"):
        if path.is_file():
            path.rename(folder / f"kept-{path.name}")
    return place


@pytest.fixture
def lost(registry, client, use):
    """A registry with a version in use, started again without its ledger; returns the client."""
    use()
    lose(registry.folder)
    return restart(registry.folder)


def test_a_registry_without_its_ledger_refuses_and_says_so(registry, lost, capfd):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
    assert UNKNOWN in refused(mlflow.register_model, uri, "loans")
    for call, args in (
        (lost.set_registered_model_alias, ("loans", "production", "1")),
        (lost.delete_model_version, ("loans", "1")),
        (lost.delete_registered_model, ("loans",)),
        (lost.rename_registered_model, ("loans", "other")),
    ):
        text = refused(call, *args)
        assert "(as loans version 1)" in text
        assert "aims gate adopt --new-ledger" in text
    assert "FINDING: a gate decided about versions of this registry" in capfd.readouterr().err
    said = lost.get_registered_model("aims.status").tags
    assert said["aims.enforcement"] == "refuses all"
    assert UNKNOWN in said["aims.findings"]
    assert registry.leaves("decision", "outcome") == []
    with pytest.raises(Exception, match=UNKNOWN):
        registry.say("approve", "models:/loans/1", "--stage", "deployment")


def test_observe_mode_does_not_begin_a_new_ledger_either(registry, lost):
    import mlflow

    registry.change_policy(lambda p: p.update(enforcement=[{"models": "*", "stage": "*", "mode": "observe"}]))
    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
    refused(mlflow.register_model, uri, "loans")
    assert registry.leaves("decision") == []


def test_a_withdrawal_is_never_held_up(registry, lost):
    lost.delete_registered_model_alias("loans", "champion")
    assert lost.get_registered_model("loans").aliases == {}


def test_the_restored_ledger_opens_the_registry_again(registry, lost):
    import mlflow

    for path in registry.folder.glob("mlflow.db.aims.db*"):
        if path.is_file():
            path.unlink()
    for path in registry.folder.glob("kept-*"):
        path.rename(registry.folder / path.name.removeprefix("kept-"))
    client = restart(registry.folder)
    assert not says_lost(client)
    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
    assert mlflow.register_model(uri, "loans").version == 2


def test_a_new_ledger_is_begun_only_by_name_and_is_an_incident(registry, lost):
    import mlflow

    with pytest.raises(PolicyRefused, match="knows of none"):
        adopt(registry)
    status, out = adopt(registry, "--new-ledger", "--json")
    assert (status, [a["aliases"] for a in json.loads(out)["adopted"]]) == (0, [["champion"]])
    (incident,) = registry.leaves("incident")
    assert (incident["about"], incident["versions"]) == ("ledger-lost", 1)
    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
    assert mlflow.register_model(uri, "loans").version == 2  # without a restart
    assert not says_lost(restart(registry.folder))


def test_the_ledger_of_another_registry_is_not_taken(registry, client, use, tmp_path, monkeypatch):
    use()
    place = lose(registry.folder)
    other = tmp_path / "other.db"
    from aims_mlflow.ledger.ledger import Ledger
    from support.entries import entry_of

    Ledger(f"sqlite:///{other}").seal(entry_of("outcome", {"model_name": "theirs", "done": True}, request="r1"))
    shutil.copy(other, place)
    assert says_lost(restart(registry.folder))


def test_versions_from_before_the_gate_need_no_ledger(registry):
    """Only what a gate made shows that a ledger is missing."""
    import mlflow

    plain = mlflow.MlflowClient(registry_uri=f"sqlite:///{registry.folder}/mlflow.db")
    plain.create_registered_model("old")
    plain.create_model_version("old", "s3://somewhere/model")
    client = restart(registry.folder)
    assert not says_lost(client)


def test_the_table_that_is_read_over_all_workspaces_is_there(registry, client, use):
    use()
    with sqlite3.connect(Path(registry.folder) / "mlflow.db") as database:
        rows = database.execute("SELECT name, version FROM model_version_tags WHERE key = 'aims.request'").fetchall()
    assert rows == [("loans", 1)]
