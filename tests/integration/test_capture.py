"""What a data scientist's training leaves behind, on an embedded MLflow."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import aims_mlflow as aims
import support
from aims_mlflow.errors import AimsError, ConfigError, DataError, KeyUnavailable, Unreachable
from aims_mlflow.evidence import tracking as store
from support import trainings
from support.captured_runs import FEATURES, config, fit, kinds, last_run, one, records

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def frame():
    return trainings.table(600)


@pytest.fixture
def halves(frame):
    return frame[:360], frame[360:]


FULL = {
    "session-start", "dataset-record", "lineage", "data-quality", "training-provenance", "tooling-record", "compute-record",
    "performance", "fairness", "robustness", "drift", "drift-baseline", "model-card", "datasheet", "session",
}  # fmt: skip


def test_a_decorated_training_leaves_the_whole_of_it(halves):
    import mlflow

    @aims.trains("loans", config=config())
    def train(train, test, strength=2.5):
        return fit(train)

    model = train(*halves)
    assert hasattr(model, "predict")
    assert set(kinds()) >= FULL
    training = one("training-provenance")
    details = training.evidence.details
    assert details["parameters"] == {"strength": "2.5"}
    assert details["code"]["source_digest"]
    logged = mlflow.get_run(last_run()).outputs.model_outputs
    with store.model_folder(logged[0].model_id) as folder:
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


def as_numbers(frame):
    return frame.assign(granted=(frame["granted"] == "yes").astype(int))


def booster(train):
    import lightgbm

    return lightgbm.train(
        {"objective": "binary", "verbose": -1}, lightgbm.Dataset(train[FEATURES], train["granted"]), 20
    )


def xgb_booster(train):
    import xgboost

    return xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(train[FEATURES], train["granted"]), 20)


def lgbm(train):
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(train[FEATURES], train["granted"])


def xgb(train):
    import xgboost

    return xgboost.XGBClassifier(n_estimators=20).fit(train[FEATURES], train["granted"])


def python_model(train):
    import mlflow

    class Threshold(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return (model_input["income"] > 3000).astype(int)

    return Threshold()


class OnlyPredict:
    """No library's model: an object with predict."""

    def predict(self, features):
        return (features["income"] > 3000).astype(int)


@pytest.mark.parametrize("make", [lgbm, booster, xgb, xgb_booster, lambda _: OnlyPredict()])
def test_any_model_with_predict(halves, make):
    @aims.trains("loans", config=config(favourable=1))
    def train(train, test):
        return make(train)

    train(*map(as_numbers, halves))
    accuracy = next(c for c in one("performance").evidence.claims if c.metric == "accuracy" and not c.slice)
    assert float(accuracy.value) > 0.7
    assert one("training-provenance").evidence.details["models"]


def test_a_pyfunc_model_logged_by_the_function_is_evaluated_from_its_bytes(halves):
    import mlflow

    @aims.trains("loans", config=config(favourable=1))
    def train(train, test):
        mlflow.pyfunc.log_model(name="threshold", python_model=python_model(train))

    train(*map(as_numbers, halves))
    assert one("training-provenance").evidence.details["models"][0]["name"] == "threshold"
    assert float(next(c for c in one("performance").evidence.claims if c.metric == "accuracy").value) > 0.7


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


def test_a_sweep_leaves_small_trials_and_the_chosen_run_gets_it_all(halves):
    import mlflow

    @aims.trains("loans", config=(shared := config()))
    def train(train, test, strength):
        model = fit(train)
        mlflow.log_metric("test_accuracy", model.score(test[FEATURES], test["granted"]))
        return model

    runs = []
    with mlflow.start_run() as parent:
        for strength in (0.1, 1.0, 10.0):
            with mlflow.start_run(nested=True) as run:
                train(*halves, strength)
            runs.append(run.info.run_id)
    assert shared["system"]["id"] == "loans"
    assert kinds(runs[1]) == ["trial", "session"]
    assert "data-quality" in kinds(runs[0])
    assert one("trial", runs[2]).evidence.details["parent_run_id"] == parent.info.run_id
    aims.select(runs[1], metric="test_accuracy")
    training = one("training-provenance", runs[1])
    assert training.evidence.details["trials"] == 3
    assert training.evidence.details["parameters"]["strength"] == "1.0"
    assert training.evidence.details["selection_metric"]["name"] == "test_accuracy"
    assert training.evidence.result == "warned"
    assert training.evidence.claims[0].metric == "selected_on_test_data"
    assert {"performance", "fairness", "model-card", "data-quality"} <= set(kinds(runs[1]))
    with pytest.raises(ConfigError, match="did you mean 'test_accuracy'"):
        aims.select(runs[1], metric="test_acuracy")


def test_out_of_fold_predictions_describe_the_procedure(frame):
    from sklearn.model_selection import cross_val_predict

    with aims.training("loans", config=config()) as t:
        t.data(train=frame)
        t.cross_validated(cross_val_predict(trainings.pipeline(), frame[FEATURES], frame["granted"]))
        t.model(fit(frame))
    found = [r.evidence for r in records() if r.evidence.kind == "performance"]
    assert {c.role for e in found for c in e.claims} == {"cross-validation"}
    assert any(e.result == "not_evaluated" and "no held-out data" in e.reason for e in found)


def test_evaluate_and_attach_add_evidence_to_a_logged_model(halves, tmp_path):
    import mlflow

    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(fit(halves[0]), name="model")
    assert aims.evaluate(info.model_uri, test=halves[1], config=config()) == run.info.run_id
    assert "training-provenance" not in kinds(run.info.run_id), "nobody saw it being trained"
    assert one("fairness", run.info.run_id).subjects[0].name == info.model_uri
    (tmp_path / "aiia.md").write_text("# Impact")
    aims.attach(
        "impact-assessment",
        tmp_path / "aiia.md",
        owner="o",
        version="1",
        approver="p",
        review_date="2027-01-01",
        model=info.model_uri,
        config=config(),
    )
    attached = one("impact-assessment", run.info.run_id)
    assert attached.evidence.result == "passed"
    assert attached.evidence.artifacts[0].size == len("# Impact")
    with pytest.raises(ConfigError, match="did you mean 'impact-assessment'"):
        aims.record("impact-asessment", model=info.model_uri, config=config())
    with pytest.raises(ConfigError, match=r"did you mean 'A\.6\.2\.8'"):
        aims.record("robustness", controls=["A.6.2.9"], model=info.model_uri, config=config())


def test_boosted_trees_are_not_written_twice(halves, monkeypatch):
    """skops refuses them, and says so after all trees are written."""
    import mlflow
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    formats, log_model = [], mlflow.sklearn.log_model

    def logging(*args, **options):
        formats.append(options.get("serialization_format"))
        return log_model(*args, **options)

    @aims.trains("loans", config=config())
    def train(train, test, piped):
        trees = HistGradientBoostingClassifier(max_iter=2)
        return (make_pipeline(trees) if piped else trees).fit(train[FEATURES], train["granted"])

    monkeypatch.setattr(mlflow.sklearn, "log_model", logging)
    for piped in (False, True):
        train(*halves, piped)
    assert formats == ["cloudpickle", "cloudpickle"]


def test_a_training_is_compared_with_the_model_in_production(halves):
    """The first model has no rival, and says so; the next one names the version that it was compared with."""
    import mlflow

    settings = config()
    settings["system"]["production_alias"] = "champion"

    @aims.trains("loans", config=settings, register=True)
    def train(train, test):
        return fit(train)

    def gain():
        (found,) = [c for c in one("performance").evidence.claims if c.metric == "accuracy_over_production"]
        return found

    train(*halves)
    assert gain().value is None
    assert gain().note.startswith("not compared with models:/loans@champion: ")
    mlflow.MlflowClient().set_registered_model_alias("loans", "champion", "1")
    train(*halves)
    assert gain().value == "0"  # the same model again
    assert gain().note == "accuracy minus that of models:/loans@champion (version 1), row by row"


def test_by_hand_inside_a_training_is_bound_to_its_model(halves):
    with aims.training("loans", config=config()) as t:
        t.data(train=halves[0], test=halves[1])
        t.model(fit(halves[0]))
        aims.record("robustness", claims=[{"metric": "noise", "value": "0.9"}])
    assert one("robustness").subjects == one("fairness").subjects


# -- lineage ---------------------------------------------------------------------------------


def test_an_undecorated_split_is_joined_by_rows(frame):
    import mlflow

    @aims.acquires(
        "loans-2024", config=config(), owner="o", licence="l", rights="r", subjects="s", selection_reason="x"
    )
    def load():
        return frame

    @aims.prepares(why="more than nine tenths is a typing error", config=config())
    def clean(table):
        return table[table["debt"] < 0.9]

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*train_test_split(clean(load()), random_state=0))
    links = one("lineage").evidence.details["links"]
    assert [(x["role"], x["link"]) for x in links] == [("train", "subset"), ("test", "subset")]
    assert [s["kind"] for s in links[0]["steps"]] == ["acquisition", "preparation"]
    prepared = one("preparation")
    assert prepared.evidence.details["rows_removed"] == int((frame["debt"] >= 0.9).sum())
    assert one("acquisition").evidence.result == "passed"
    sheet = mlflow.artifacts.load_text(f"runs:/{last_run()}/aims/datasheet.md")
    removed = prepared.evidence.details["rows_removed"]
    assert re.search(rf"clean: more than nine tenths is a typing error \({removed}\[\^e\d+\] rows removed", sheet)
    assert re.search(r"acquired: loans-2024, 600\[\^e\d+\] rows", sheet)
    assert f"evidence `{prepared.id}`, preparation" in sheet


def test_processes_are_joined_by_the_file_between_them(frame, tmp_path):
    frame.to_parquet(tmp_path / "raw.parquet")
    script = tmp_path / "first.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(support.__file__).parents[1])!r})\n"
        "from support import trainings\nimport aims_mlflow as aims, pandas as pd, mlflow\n"
        f"mlflow.set_tracking_uri('sqlite:///{tmp_path}/mlflow.db')\n"
        "@aims.prepares(why='less', config=trainings.config())\n"
        "def clean(frame):\n    out = frame[frame['debt'] < 0.9]\n    out[:400].to_parquet('train.parquet')\n    return 'train.parquet'\n"
        "clean(pd.read_parquet('raw.parquet'))\n"
    )
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, timeout=200)

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(pd.read_parquet(train))

    train(tmp_path / "train.parquet", frame[450:])
    links = {x["role"]: x for x in one("lineage").evidence.details["links"]}
    assert links["train"]["link"] == "same-file"
    assert links["train"]["steps"][0]["kind"] == "preparation"
    assert links["test"]["link"] == "unlinked"
    assert "no recorded origin for test data" in one("lineage").evidence.reason


def test_overlap_of_train_and_test_is_a_leakage_claim(frame):
    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(frame[:400], frame[300:])
    claim = next(c for c in one("lineage").evidence.claims if c.metric == "train_test_overlap")
    assert float(claim.value) == pytest.approx(100 / 300)
    assert claim.passed is False


# -- what goes wrong -------------------------------------------------------------------------


def test_a_failing_function_leaves_its_failure_but_not_its_message(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        raise ZeroDivisionError("Mrs Smith owes 12 pounds")

    with pytest.raises(ZeroDivisionError, match="Mrs Smith"):
        train(*halves)
    body = one("training-provenance").evidence
    assert body.result == "failed"
    assert body.details["failure"]["type"] == "ZeroDivisionError"
    assert "test_capture.py" in body.details["failure"]["where"]
    assert b"Smith" not in b"".join(store.session_files(last_run()).values())


def test_a_model_that_cannot_predict_is_returned_and_said(halves, capsys):
    class Broken:
        def predict(self, features):
            raise RuntimeError("no")

    @aims.trains("loans", config=config())
    def train(train, test):
        return Broken()

    assert isinstance(train(*halves), Broken)
    assert one("performance").evidence.result == "not_evaluated"
    assert "the model could not predict (RuntimeError)" in capsys.readouterr().err


def test_a_store_that_goes_away_during_fitting_loses_nothing(halves, tracking, capsys):
    artifacts = tracking / "mlruns"

    @aims.trains("loans", config=config())
    def train(train, test):
        artifacts.rename(tracking / "gone")
        artifacts.write_text("not a folder")
        return fit(train)

    model = train(*halves)
    assert hasattr(model, "predict")
    said = capsys.readouterr().err
    assert "The evidence was kept in" in said
    kept = list((tracking / "aims-unsent").rglob("*.jsonl"))
    assert kept
    assert b"payload" in kept[0].read_bytes()


def test_a_read_only_store_is_found_before_fitting(halves, tracking):
    (tracking / "mlruns").write_text("not a folder")
    entered = []

    @aims.trains("loans", config=config())
    def train(train, test):
        entered.append(1)

    with pytest.raises(Unreachable, match="MLflow could not write evidence into the run"):
        train(*halves)
    assert not entered


def test_on_failure_raise_raises_after_everything_is_logged():
    from mlflow.exceptions import MlflowException

    frame = trainings.table(600, fair=False)

    @aims.trains("loans", config=config(), on_failure="raise")
    def train(train, test):
        return fit(train)

    with pytest.raises(aims.GateRefused) as caught:
        train(frame[:360], frame[360:])
    error = caught.value
    assert isinstance(error, AimsError)
    assert isinstance(error, MlflowException)
    assert error.model_uri.startswith("models:/m-")
    assert any("selection rate ratio for sex=f" in text for text in error.unmet)
    assert set(kinds(error.run_id)) >= FULL


def test_blocking_data_stop_a_training_before_it_starts(halves, tmp_path):
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "pack.yaml").write_text(
        "name: strict\nversion: 1\ndescription: d\ndata_quality:\n  expectations:\n"
        "    - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 10000}, severity: blocking, why: too few}\n"
    )
    entered = []

    @aims.trains("loans", config={**config(), "pack": str(folder)})
    def train(train, test):
        entered.append(1)

    with pytest.raises(aims.GateRefused, match=r"Training refused: loans\. A\.7\.4: expect_table_row_count"):
        train(*halves)
    assert not entered
    assert one("data-quality").evidence.result == "failed"


@pytest.mark.parametrize("broken", ["config", "columns", "key"])
def test_observe_never_raises(halves, monkeypatch, broken):
    settings = config(sensitive=["nobody"]) if broken == "columns" else config()
    if broken == "key":
        monkeypatch.delenv("AIMS_HOME")
        monkeypatch.setenv("CI", "true")

    @aims.trains("loans", config=None if broken == "config" else settings, mode="observe")
    def train(train, test):
        return fit(train)

    assert hasattr(train(*halves), "predict")


def test_no_git_leaves_the_source_digest_with_the_reason(halves, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*halves)
    code = one("training-provenance").evidence.details["code"]
    assert "git is not installed" in code["reason"]
    assert len(code["source_digest"]) == 64


def trains(**more):
    @aims.trains("loans", **{"config": config(), **more})
    def train(train, test):
        raise AssertionError("entered")

    return train


@pytest.mark.parametrize(
    ("settings", "change", "error", "text"),
    [
        ({"data": {"target": "grantd"}}, None, DataError, "did you mean 'granted'"),
        ({"data": {"sensitive": ["sx"]}}, None, DataError, "did you mean 'sex'"),
        ({"data": {"favourable": "ja"}}, None, DataError, "does not occur in 'granted'"),
        ({}, lambda f: f[:0], DataError, "the table has no rows"),
        ({}, lambda f: f.assign(debt=np.nan), DataError, "'debt' has no value in any of its"),
        ({}, lambda f: f.assign(granted=["yes", "no", "maybe"] * (len(f) // 3)), DataError, "outside the two expected"),
        ({"system": {"intended_use": None, "affected_groups": []}}, None, ConfigError, "intended_use"),
        ({"pack": "tabular-clasification"}, None, ConfigError, "did you mean 'tabular-classification'"),
        ({"system": {"ownr": "x"}}, None, ConfigError, "unknown key 'system.ownr', did you mean 'owner'?"),
        ({"system": {"objectives": {"fairnes": "high"}}}, None, ConfigError, "did you mean 'fairness'"),
    ],
)
def test_bad_input_gets_one_clear_sentence_before_fitting(frame, settings, change, error, text):
    found = config()
    for section, values in settings.items():
        found[section] = {**found[section], **values} if isinstance(values, dict) else values
    frame = change(frame[:600]) if change else frame
    with pytest.raises(error, match=re.escape(text)):
        trains(config=found)(frame[:360], frame[360:])


def test_no_aims_yaml_names_the_command_that_writes_one(halves, tmp_path, monkeypatch):
    monkeypatch.setenv("AIMS_CONFIG", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(ConfigError, match="AIMS_CONFIG names"):
        trains(config=None)(*halves)
    monkeypatch.delenv("AIMS_CONFIG")
    with pytest.raises(ConfigError, match=r"run `aims init DATA\.csv"):
        trains(config=None)(*halves)


def test_errors_in_a_file_name_file_and_line(halves, tmp_path):
    path = tmp_path / "aims.yaml"
    path.write_text("system: {id: loans, owner: o}\ndata:\n  target: granted\n  favorable: yes\n")
    with pytest.raises(ConfigError, match=r"aims\.yaml:4: unknown key 'data\.favorable', did you mean 'favourable'\?"):
        trains(config=path)(*halves)


def test_a_pack_with_a_wrong_control_names_the_nearest(halves, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "pack.yaml").write_text("name: p\nversion: 1\ndescription: d\nfairness:\n  controls: [A.6.2.9]\n")
    with pytest.raises(ConfigError, match=r"pack\.yaml:5: unknown control 'A\.6\.2\.9', did you mean 'A\.6\.2\.8'"):
        trains(config={**config(), "pack": str(tmp_path / "p")})(*halves)


def test_one_group_is_not_evaluated_and_never_a_pass(halves, capsys):
    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*(part.assign(sex="f") for part in halves))
    body = one("fairness").evidence
    assert body.result == "not_evaluated"
    assert "only one group" in body.reason or any("only one group" in (c.note or "") for c in body.claims)
    assert "unmet: fairness" in capsys.readouterr().err


def test_no_server_and_no_key_are_found_at_once(halves, monkeypatch):
    import mlflow

    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(KeyUnavailable, match="AIMS_SIGNING_KEY"):
        trains()(*halves)
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"no MLflow server answers .* Next: start it, or correct"):
        trains()(*halves)


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
