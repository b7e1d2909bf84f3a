"""Where a training failed: the place in the user's own code."""

import importlib.util

import pytest

from aims_mlflow.canonical import canonical
from aims_mlflow.capture.failures import failure_of


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
