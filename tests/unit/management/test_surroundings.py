"""What documents are judged beside: the registered models that a system names."""

from types import SimpleNamespace

import mlflow
import pytest

from aims_mlflow.management.surroundings import registered_versions


@pytest.mark.usefixtures("tracking")
def test_a_registered_model_may_have_an_apostrophe_in_its_name():
    client = mlflow.MlflowClient()
    client.create_registered_model("ana's loans")
    client.create_model_version("ana's loans", "s3://models/loans")
    around = SimpleNamespace(systems={"loans": SimpleNamespace(models=("ana's loans",))})
    assert registered_versions(around, "loans") == ["models:/ana's loans/1"]
