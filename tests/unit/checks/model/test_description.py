"""A description that lets code run makes a model unsafe, whatever its files are."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from aims_mlflow.adapters.log_model import log_model
from aims_mlflow.checks.model import storage
from aims_mlflow.checks.model.description import LOADERS, described

SKLEARN = (
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    serialization_format: skops\n"
)


class OnLoad:
    """What skops makes again by calling its class: a type that only its author trusts."""


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (SKLEARN, "safe", ""),
        (SKLEARN + "    skops_trusted_types: [numpy.dtype]\n", "safe", ""),
        (SKLEARN + "    skops_trusted_types: [numpy.dtype, builtins.eval]\n", "code", "MLmodel trusts builtins.eval"),
        (SKLEARN + "    skops_trusted_types: os.system\n", "code", "MLmodel trusts os.system"),
        (SKLEARN + "    skops_trusted_types: [[a]]\n", "code", "MLmodel trusts a list"),
        (SKLEARN.replace("mlflow.sklearn", "evil"), "code", "MLmodel loads by evil"),
        (SKLEARN.replace("mlflow.sklearn", "mlflow.langchain"), "unknown", "MLmodel loads by mlflow.langchain"),
        (SKLEARN + "  tensorflow: {keras_module: tensorflow.keras}\n", "safe", ""),
        (SKLEARN + "  tensorflow: {keras_module: evil}\n", "code", "MLmodel loads by evil"),
        (SKLEARN + "  transformers: {source_model_name: a/b, model_binary: model}\n", "safe", ""),
        (
            SKLEARN + "  transformers: {source_model_name: a/b, source_model_revision: main}\n",
            "unknown",
            "MLmodel loads a/b from elsewhere, and not what was registered",
        ),
        ("flavors: {}\n", "safe", ""),
        ("flavors: []\n", "unknown", ""),
        ("[", "unknown", ""),
        ("a: !!python/object/apply:os.system [id]\n", "unknown", ""),
        ("#" * (9 << 20), "unknown", ""),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_a_description_lets_run_is_told(content, state, words):
    assert described(content.encode())[:2] == (state, words)


def test_a_reference_that_grows_without_end_is_not_written_out():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    found = described("\n".join([*lines, "flavors: {sklearn: {skops_trusted_types: *a11}}"]).encode())
    assert found == ("code", "MLmodel trusts a list", False)


def test_each_loader_is_one_of_mlflow():
    root = Path(mlflow.__file__).parent
    at = [root.joinpath(*name.split(".")[1:]) for name in LOADERS]
    assert [str(p) for p in at if not (p.is_dir() or p.with_suffix(".py").is_file())] == []


def test_a_type_that_mlflow_trusts_because_the_model_says_so_is_counted_and_named(tmp_path):
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    fitted.extra_ = OnLoad()
    name = f"{__name__}.OnLoad"
    mlflow.sklearn.save_model(fitted, str(tmp_path / "m"), serialization_format="skops", skops_trusted_types=[name])
    (claim,) = storage.storage_claims(tmp_path / "m", "test")
    assert claim.value == "1"
    assert "loading runs code: MLmodel" in claim.note
    assert f"MLmodel trusts {name}" in claim.note


def test_encoders_and_imputers_of_texts_go_without_a_pickle_and_answer_again(tracking):
    table = pd.DataFrame({"area": pd.Categorical(["x", "y"] * 10), "years": np.arange(20.0)})
    encoder = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    model = make_pipeline(
        make_column_transformer((encoder, ["area"]), remainder="passthrough"), LogisticRegression()
    ).fit(table, [0, 1] * 10)
    plain = table.astype({"area": object})
    with mlflow.start_run():
        found = log_model(model, "model", plain, model.predict(plain))
    folder = mlflow.artifacts.download_artifacts(f"models:/{found}")
    (claim,) = storage.storage_claims(Path(folder), "test")
    assert claim.value == "0", claim.note
    again = mlflow.pyfunc.load_model(folder).predict(plain)
    assert list(again) == list(model.predict(plain))
