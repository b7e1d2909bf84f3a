"""Where a training failed: the place in the user's own code."""

import importlib.util
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from aims_mlflow.canonical import canonical
from aims_mlflow.capture.evaluation import training_result
from aims_mlflow.capture.failures import failure_of
from aims_mlflow.capture.fit import Fit
from aims_mlflow.capture.parameters import Settings


def test_a_file_of_the_user_is_theirs_whatever_its_folder_is_called(tmp_path):
    path = tmp_path / "aims_mlflow_demo" / "train_it.py"
    path.parent.mkdir()
    path.write_text("def train(call):\n    call(object())\n")
    spec = importlib.util.spec_from_file_location("train_it", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(Exception, match="object") as raised:
        module.train(canonical)  # the error comes from within the package
    assert failure_of(raised.value).where == "train_it.py:2 in train"


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("Registration refused: loans. A.6.2.4: no\nNext: train again.", "passed"),
        ("Registration refused: loans. A.6.2.4: no.\nUnchanged: no version was made.", "passed"),
        ("Permission denied", "failed"),
        ("API request failed with error code 403 != 200. Response body: 'Next please'", "failed"),
    ],
)
def test_only_a_gates_refusal_leaves_the_training_passed(said, result):
    models: list[Any] = [object()]
    error = MlflowException(said, error_code=PERMISSION_DENIED)
    fit = Fit(models=(), out_of_fold=None, settings=Settings(), seconds=1, error=error, began=True)
    assert training_result(fit, models)[0] == result
