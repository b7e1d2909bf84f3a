"""`aims.load_model` loads what was verified, and nothing else."""

from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

import aims_mlflow as aims
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence.digests import model_digest
from support import commands, trainings
from support.embedded_registry import files_of
from support.faulty_gate import failing
from support.plain_registry import ungated


@pytest.fixture
def ledger(registry, monkeypatch):
    monkeypatch.setenv("AIMS_LEDGER_URI", f"sqlite:///{registry.folder}/mlflow.db.aims.db")


def test_what_the_gate_allowed_is_loaded_and_what_changed_since_is_not(
    registry, client, plain, use, ledger, monkeypatch
):
    _, uri = use()
    answers = aims.load_model("models:/loans@champion").predict(trainings.table(10)[["income", "debt"]])
    assert set(answers) <= {"yes", "no"}
    native = aims.load_model("models:/loans/1", load=mlflow.sklearn.load_model)
    assert list(native.classes_) == ["no", "yes"]

    for raised, said in (
        (ModuleNotFoundError("No module named 'skops'", name="skops"), "needs skops to be loaded"),
        (MlflowException("Unrecognized serialization format: skops."), "does not load models in the format skops"),
    ):
        with monkeypatch.context() as lacking:
            lacking.setattr(mlflow.pyfunc, "load_model", failing(raised))
            with pytest.raises(ConfigError, match=f"the model verifies, and .*{said}"):
                aims.load_model("models:/loans@champion")

    number, _ = ungated(plain, "loans", alias="champion")
    with pytest.raises(EvidenceError, match="it is not loaded"):
        aims.load_model("models:/loans@champion")
    with pytest.raises(EvidenceError, match="no registration"):
        aims.load_model(f"models:/loans/{number}")

    path = files_of(uri) / "MLmodel"
    path.write_bytes(path.read_bytes() + b"# changed\n")
    with pytest.raises(EvidenceError, match="the model was exchanged after its approval"):
        aims.load_model("models:/loans/1")


def test_a_revocation_is_asked_at_every_load(registry, use, ledger):
    use()
    registry.say("gate", "revoke", "models:/loans/1", "--reason", "a fault was found")
    with pytest.raises(EvidenceError, match="its approval was taken back"):
        aims.load_model("models:/loans@champion")


def test_a_model_of_another_workspace_is_not_vouched_for_by_this_ones(registry, use, ledger, monkeypatch):
    """Two workspaces may have one name, one number and even one digest: each has decisions of its own."""
    use()
    assert aims.load_model("models:/loans@champion", load=Path)
    monkeypatch.setattr("mlflow.utils.workspace_context.get_request_workspace", lambda: "team-b")
    with pytest.raises(EvidenceError, match="team-b/loans version 1: the ledger knows of no registration"):
        aims.load_model("models:/loans@champion")
    for more in ((), ("--at-load",)):
        status, text = commands.command("verify", "models:/loans/1", "--ledger", registry.ledger.uri, *more)
        assert (status, "the ledger knows of no registration of it" in text) == (1, True), text


def test_without_a_ledger_the_training_must_be_about_these_files(registry, client, plain, monkeypatch):
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    mlflow.set_registry_uri(f"sqlite:///{registry.folder}/mlflow.db")
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    plain.create_registered_model("loans")
    plain.create_model_version("loans", uri, model_id=uri.removeprefix("models:/"))
    assert aims.load_model("models:/loans/1")
    (Path(files_of(uri)) / "extra.py").write_text("pass\n")
    with pytest.raises(EvidenceError, match="no training record is about these files"):
        aims.load_model("models:/loans/1")
    with pytest.raises(ConfigError, match="no registered version"):
        aims.load_model(uri)


def test_the_ledger_that_is_named_is_asked_and_the_files_are_fetched_once(registry, use, monkeypatch):
    monkeypatch.delenv("AIMS_LEDGER_URI", raising=False)
    _, uri = use()
    fetched, fetch = [], mlflow.artifacts.download_artifacts
    monkeypatch.setattr(
        mlflow.artifacts, "download_artifacts", lambda *a, **k: fetched.append(k.get("artifact_uri")) or fetch(*a, **k)
    )
    folder = aims.load_model("models:/loans@champion", ledger=registry.ledger.uri, load=Path)
    assert fetched == ["models:/loans/1"]
    assert folder != files_of(uri)
    assert model_digest(folder) == model_digest(files_of(uri)), "what was verified is what is loaded"

    registry.say("gate", "revoke", "models:/loans/1", "--reason", "a fault was found")
    with pytest.raises(EvidenceError, match="its approval was taken back"):
        aims.load_model("models:/loans@champion", ledger=registry.ledger.uri)
    assert aims.load_model("models:/loans@champion", load=Path), "without a ledger it verifies less"


def test_without_a_keyring_the_keys_in_files_are_trusted_and_no_others(registry, plain, tmp_path, monkeypatch):
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    plain.create_registered_model("loans")
    plain.create_model_version("loans", uri, model_id=uri.removeprefix("models:/"))
    public = {}
    for name, key in (("ana", registry.office.scientist), ("olga", registry.office.approver)):
        public[name] = tmp_path / f"{name}.pub.pem"
        public[name].write_text(commands.aims("keys", "export", "--key", f"file:{key}"))
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    mlflow.set_registry_uri(f"sqlite:///{registry.folder}/mlflow.db")
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "no-policy"))
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{tmp_path}/no-key.pem")
    for keys in ([], [str(public["olga"])]):
        with pytest.raises(EvidenceError, match="it is not loaded"):
            aims.load_model("models:/loans/1", keys=keys)
    assert aims.load_model("models:/loans/1", keys=[str(public["ana"])], load=Path)
