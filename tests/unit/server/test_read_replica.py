"""MLflow may read from a replica that is behind: what the gate rests on is read from the primary database."""

import sqlite3

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.server.constants import READ_REPLICA_BACKEND_STORE_URI_ENV_VAR
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as PlainRegistry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

from aims_mlflow.server.stored_evidence import reading_primary
from support.embedded_registry import restart
from support.gated_registry import refused


@pytest.fixture
def behind(registry, client, use, monkeypatch):
    """A registry with a champion, a second version, and a replica from before all of that; returns (client, URIs)."""
    replica = registry.folder / "replica.db"
    with sqlite3.connect(registry.folder / "mlflow.db") as primary, sqlite3.connect(replica) as copy:
        primary.backup(copy)
    use(seed=0)
    use(seed=1)
    monkeypatch.setenv(READ_REPLICA_BACKEND_STORE_URI_ENV_VAR, f"sqlite:///{replica}")
    return restart(registry.folder), f"sqlite:///{registry.folder}/mlflow.db", f"sqlite:///{replica}"


def test_mlflows_own_store_reads_the_replica(behind):
    _, primary, replica = behind
    with pytest.raises(MlflowException, match="not found"):
        PlainRegistry(primary, read_db_uri=replica).get_registered_model("loans")


def test_a_withdrawal_of_what_the_replica_does_not_show_is_sealed(registry, behind):
    client = behind[0]
    client.delete_registered_model_alias("loans", "champion")
    assert [leaf["version"] for leaf in registry.leaves("withdrawn")] == ["2"]
    assert registry.leaves("outcome")[-1]["done"] is True
    assert client.get_registered_model("loans").aliases == {}


def test_an_interrupted_change_that_took_place_is_recovered_as_done(registry, behind, monkeypatch):
    client = behind[0]
    from aims_mlflow.server.announced_change import AnnouncedChanges

    class Killed(BaseException):
        """The server ends after MLflow's commit."""

    def dies(self, what, past, change, commit):
        commit()
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(AnnouncedChanges, "carry_out", dies)
        with pytest.raises(Killed):
            client.set_registered_model_alias("loans", "champion", "1")
    assert client.get_registered_model("loans").aliases == {"champion": 1}
    client.delete_registered_model_alias("loans", "champion")
    (outcome,) = [leaf for leaf in registry.leaves("outcome") if leaf.get("closed_by") == "the next change"]
    assert (outcome["done"], outcome["version"]) == (True, "1")
    assert registry.leaves("withdrawn")[-1]["version"] == "1"


def test_a_deletion_needs_the_retirement_record_of_a_version_that_the_replica_does_not_show(behind):
    assert "has no retirement record" in refused(behind[0].delete_model_version, "loans", "1")


def test_evidence_of_a_run_that_the_replica_does_not_show_is_found(registry, behind):
    _, primary, replica = behind
    store = Tracking(primary, str(registry.folder / "artifacts"), read_db_uri=replica)
    run_id = mlflow.MlflowClient().get_model_version("loans", "1").run_id
    with pytest.raises(MlflowException, match="not found"):
        store.get_run(run_id)
    assert reading_primary(store).get_run(run_id).info.run_id == run_id
    plain = Tracking(primary, str(registry.folder / "artifacts"))
    assert reading_primary(plain) is plain
