"""What a data scientist's training leaves behind, on an embedded MLflow."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import aims_mlflow as aims
import support
from aims_mlflow.evidence.model_files import model_folder
from support import trainings
from support.captured_runs import FEATURES, FULL, config, fit, kinds, last_run, one, records

pytestmark = pytest.mark.usefixtures("tracking")


def test_a_decorated_training_leaves_the_whole_of_it(halves):
    import mlflow

    @aims.trains("loans", config=config())
    def train(train, test, strength=2.5):
        return fit(train)

    model = train(*halves)
    assert hasattr(model, "predict")
    assert set(kinds()) >= FULL
    (pack,) = (a for a in one("session-start").evidence.artifacts if a.path.endswith("/pack.json"))
    assert pack.sha256 == one("session-start").evidence.pack_digest, "the limits of before the training can be read"
    training = one("training-provenance")
    details = training.evidence.details
    assert details["parameters"] == {"strength": "2.5"}
    (settings,) = details["hyperparameters"].values()
    assert {k for k in settings if k.endswith("max_iter")}, "those of the fitted model, the parts of its pipeline too"
    assert details["code"]["source_digest"]
    logged = mlflow.get_run(last_run()).outputs.model_outputs
    with model_folder(logged[0].model_id) as folder:
        from aims_mlflow.evidence.digests import model_digest

        assert training.has_subject(model_digest(folder))
        assert not [p for p in folder.rglob("*") if "aims" in p.name]
    paths = {f.path for f in mlflow.MlflowClient().list_artifacts(last_run(), "aims")}
    assert {"aims/index.html", "aims/model_card.md", "aims/datasheet.md", "aims/sessions", "aims/reports"} <= paths
    assert float(one("performance").evidence.claims[0].value) > 0.5


def test_scikit_learns_four_arguments_with_sensitive_columns_beside(halves):
    train_, test_ = halves

    @aims.trains("loans", config=config())
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        return LogisticRegression(max_iter=2000).fit(X_train, y_train)

    train(
        train_[FEATURES].to_numpy() / [1000, 1], train_["granted"].to_numpy(), test_[FEATURES].to_numpy() / [1000, 1],
        test_["granted"].to_numpy(), train_["sex"], test_["sex"],
    )  # fmt: skip
    groups = {c.slice["sex"]: c for c in one("fairness").evidence.claims if c.metric == "selection_rate"}
    assert set(groups) == {"f", "m"}
    assert sum(c.n for c in groups.values()) == len(test_)


def test_personal_columns_and_model_files_are_looked_at_without_held_out_data(halves):
    frame = halves[0].assign(email=[f"p{i}@example.org" for i in range(len(halves[0]))])
    stated = config(sources={"bank": {"personal_data": False}})

    @aims.trains("loans", config=stated)
    def train(train):
        return fit(train)

    train(frame)
    private = next(r.evidence for r in records() if r.evidence.claims and r.evidence.claims[0].metric.startswith("und"))
    assert (private.kind, private.result, private.claims[0].value) == ("data-quality", "warned", "1")
    assert "the source is said to hold no personal data" in private.reason
    steady = {c.metric: c for c in one("robustness").evidence.claims}
    assert steady["unsafe_model_files"].n > 1
    assert steady["agreement_under_noise"].passed is None


def test_personal_columns_that_the_acquisition_names_are_declared(halves):
    @aims.acquires("bank", config=config(), personal_data=["email"])
    def load():
        return halves[0].assign(email=[f"p{i}@example.org" for i in range(len(halves[0]))])

    @aims.trains("loans", config=config())
    def train(train):
        return fit(train)

    train(load())
    private = next(r.evidence for r in records() if r.evidence.claims and r.evidence.claims[0].metric.startswith("und"))
    assert (private.result, private.claims[0].value) == ("passed", "0")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_paths_are_read_and_their_files_digested(halves, tmp_path, ending):
    for name, part in zip(("train", "test"), halves, strict=True):
        path = tmp_path / f"{name}.{ending}"
        part.to_csv(path, index=False) if ending == "csv" else part.to_parquet(path)

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(pd.read_csv(train) if ending == "csv" else pd.read_parquet(train))

    train(tmp_path / f"train.{ending}", str(tmp_path / f"test.{ending}"))
    from aims_mlflow.evidence.digests import sha256_file

    data = one("training-provenance").evidence.details["data"]["train"]
    assert data["digest"]["sha256"] == sha256_file(tmp_path / f"train.{ending}")
    assert data["path"] == f"train.{ending}"


def test_a_predict_function_stands_in(halves):
    @aims.trains(
        "loans", config=config(), predict=lambda model, features: np.where(features["income"] > model, "yes", "no")
    )
    def train(train, test):
        class Cut(float):
            predict = None

        return Cut(3000.0)

    train(*halves)
    assert float(next(c for c in one("performance").evidence.claims if c.metric == "accuracy").value) > 0.7


def test_nested_in_an_active_run_and_with_autolog(halves):
    import mlflow

    mlflow.autolog(silent=True)

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    with mlflow.start_run() as run:
        train(*halves)
        assert mlflow.active_run().info.run_id == run.info.run_id
    logged = mlflow.get_run(run.info.run_id).outputs.model_outputs
    models = one("training-provenance", run.info.run_id).evidence.details["models"]
    assert [m["model_id"] for m in models] == [o.model_id for o in logged], "what autolog logged is not logged again"


def test_several_models_of_one_run(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        return {"small": fit(train[:100]), "large": fit(train)}

    train(*halves)
    found = records()
    assert {m["name"] for m in one("training-provenance").evidence.details["models"]} == {"small", "large"}
    assert sum(r.evidence.kind == "fairness" for r in found) == 2
    assert sum(r.evidence.kind == "model-card" for r in found) == 2


def test_the_same_without_decorators_and_across_notebook_cells(halves, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    for name, part in zip(("train", "test"), halves, strict=True):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    cells = [
        (
            f"import aims_mlflow as aims, pandas as pd, mlflow, sys\nsys.path.insert(0, {str(Path(support.__file__).parents[1])!r})\n"
            f"from support import trainings\nmlflow.set_tracking_uri('sqlite:///{tmp_path}/mlflow.db')\n"
            "train, test = pd.read_csv('train.csv'), pd.read_csv('test.csv')"
        ),
        "t = aims.training('loans', config=trainings.config())\nt.start()\nt.data(train=train, test=test)",
        "model = trainings.pipeline().fit(train[['income', 'debt']], train['granted'])\nt.model(model)",
        "t.finish()\nprint(t.run_id)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    done = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    run_id = (
        "".join(o.get("text", "") for o in done.cells[-1].outputs if o.get("name") == "stdout").strip().splitlines()[-1]
    )
    assert set(kinds(run_id)) >= FULL


def test_out_of_fold_predictions_describe_the_procedure(frame):
    from sklearn.model_selection import cross_val_predict

    with aims.training("loans", config=config()) as t:
        t.data(train=frame)
        t.cross_validated(cross_val_predict(trainings.pipeline(), frame[FEATURES], frame["granted"]))
        t.model(fit(frame))
    found = [r.evidence for r in records() if r.evidence.kind == "performance"]
    assert {c.role for e in found for c in e.claims} == {"cross-validation"}
    assert any(e.result == "not_evaluated" and "no held-out data" in e.reason for e in found)


def test_the_data_scientists_numbers_do_not_leak_people(halves):
    """No raw cell of a column with many values may stand in any record."""

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    named = [part.assign(name=[f"Person {i}" for i in part.index]) for part in halves]
    train(*named)
    everything = b"".join(r.envelope.payload for r in records())
    assert b"Person 1" not in everything
    assert os.environ["AIMS_HOME"].encode() not in everything
