"""A registration prints what happened, once, and never that a refused model is registered."""

import mlflow
import pytest
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from aims_mlflow.capture import registration
from aims_mlflow.capture.completion import without_repeats
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.errors import Unreachable
from support.trainings import plain_model

pytestmark = pytest.mark.usefixtures("tracking")
RATIO = "selection-rate ratio for sex=f"


def test_a_limit_that_the_refusal_names_is_not_repeated():
    refusal = f"Registration refused: loans. A.6.2.4: {RATIO} is 0.31, limit 0.80 (policy.yaml:41)"
    other = "performance: accuracy is 0.5, limit >= 0.7"
    assert without_repeats([f"fairness: {RATIO} is 0.31, limit >= 0.8", other, refusal]) == [other, refusal]
    assert without_repeats([f"fairness: {RATIO} is 0.31", other]) == [f"fairness: {RATIO} is 0.31", other]


def test_a_refused_model_is_never_called_registered(monkeypatch, capsys):
    uri = plain_model()

    def refuse(*_, **__):
        raise mlflow.MlflowException(
            "PERMISSION_DENIED: Registration refused: no. Next: x", error_code=PERMISSION_DENIED
        )

    def said():
        captured = capsys.readouterr()
        return captured.out + captured.err

    said()
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "create_model_version", refuse)
        with pytest.raises(GateRefused):
            registration.register_model(uri, "loans")
        with pytest.raises(GateRefused):
            registration.register_model(uri, "ana's loans")
    assert "uccessfully registered" not in said()
    assert not mlflow.search_registered_models()
    assert registration.register_model(uri, "loans") == "1"
    assert registration.register_model(uri, "loans") == "2"
    assert "uccessfully registered" not in said()


def test_mlflows_own_permissions_are_no_gates_refusal(monkeypatch):
    def forbid(*_, **__):
        raise mlflow.MlflowException("Permission denied", error_code=PERMISSION_DENIED)

    uri = plain_model()
    monkeypatch.setattr(mlflow.MlflowClient, "create_model_version", forbid)
    with pytest.raises(Unreachable, match="Permission denied"):
        registration.register_model(uri, "loans")
