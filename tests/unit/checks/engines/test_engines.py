"""The same table on every engine gives the same claims, and rows of a far table stay where they are."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from aims_mlflow.adapters.spark import PREDICTION, predicted_table
from aims_mlflow.checks.engines import remote_table as far_data
from aims_mlflow.checks.engines.remote_table import remote_table
from aims_mlflow.checks.engines.spark import SparkSource
from aims_mlflow.checks.engines.sql import SqlSource
from aims_mlflow.checks.engines.sql_address import address_of
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.errors import CheckError, ConfigError, DataError, Unreachable
from aims_mlflow.operation import checking
from aims_mlflow.operation.checking import Columns, dataset_from
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.system import Data
from support import engine_tables as tables
from support.long_runs import full_but

TASKS = ("binary-classification", "multiclass-classification", "regression")


def in_database(url, **frames):
    engine = sa.create_engine(url)
    for name, frame in frames.items():
        frame.to_sql(name, engine, index=False, chunksize=500)
    engine.dispose()


@pytest.fixture(scope="module")
def expected():
    """Claims of pandas frames, by task."""
    found = {}
    for task in TASKS:
        test, train = tables.table(seed=1, task=task), tables.table(seed=0, task=task)
        data = tables.dataset(test, task=task), tables.dataset(train, "train", task=task)
        found[task] = tables.claims(*data, task)
        assert all(check["result"] != "not_evaluated" for name, check in found[task].items() if name != "data_quality")
    return found


def assert_same(found, wanted):
    for check, mine in found.items():
        theirs = wanted[check]
        assert mine["result"] == theirs["result"], (check, mine["reason"], theirs["reason"])
        assert len(mine["claims"]) == len(theirs["claims"]), check
        for one, other in zip(mine["claims"], theirs["claims"], strict=True):
            for key in ("value", "ends"):
                number, wanted_number = one.pop(key), other[key]
                near = None if wanted_number is None else pytest.approx(wanted_number, rel=1e-9, abs=1e-9)
                assert number == near, (check, one, other)
            assert one == {k: v for k, v in other.items() if k not in ("value", "ends")}, check
        assert mine.get("counts") == theirs.get("counts")


DATABASES = ("sqlite", "duckdb", "postgresql")
# The others run in `tox -e full`: each takes many seconds.
POSTGRESQL = pytest.mark.parametrize("url", full_but(["postgresql"], DATABASES), indirect=True)


@pytest.fixture(params=DATABASES)
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_uri")
    if request.param == "duckdb":
        pytest.importorskip("duckdb_engine", reason="duckdb-engine is not installed")
    return f"{request.param}:///{tmp_path}/loans.db"


# The others run in `tox -e full`: each takes many seconds.
SOME_IN_DATABASES = (("postgresql", "binary-classification"),)


@pytest.mark.parametrize(("url", "task"), full_but(SOME_IN_DATABASES, DATABASES, TASKS), indirect=["url"])
def test_a_table_of_a_database_gives_the_claims_of_pandas(url, task, expected):
    in_database(url, test=tables.table(seed=1, task=task), train=tables.table(seed=0, task=task))
    test = tables.dataset(f"{url}#test", task=task)
    train = tables.dataset(f"{url}#train", "train", task=task)
    assert_same(tables.claims(test, train, task), json.loads(json.dumps(expected[task])))


KINDS = ("polars", "pyarrow", "dictionary", "parquet", "csv")


OTHER = [(kind, TASKS[0]) for kind in KINDS] + [("pyarrow", t) for t in TASKS[1:]]


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        pytest.param(*each, marks=() if each[0] in ("polars", "csv") or each == OTHER[-1] else pytest.mark.full)
        for each in OTHER
    ],
)
def test_other_frames_and_files_give_the_claims_of_pandas(kind, task, tmp_path, expected):
    assert_kind_is_same(kind, task, tmp_path, expected)


@pytest.mark.full
@pytest.mark.parametrize("task", TASKS[1:])
@pytest.mark.parametrize("kind", ["polars", "dictionary", "parquet", "csv"])
def test_every_frame_and_file_gives_the_claims_of_pandas_for_other_tasks(kind, task, tmp_path, expected):
    assert_kind_is_same(kind, task, tmp_path, expected)


def assert_kind_is_same(kind, task, tmp_path, expected):
    frames = {"test": tables.table(seed=1, task=task), "train": tables.table(seed=0, task=task)}
    sources = {}
    for name, frame in frames.items():
        path = tmp_path / f"{name}.{kind}"
        if kind == "polars":
            sources[name] = pytest.importorskip("polars", reason="polars is not installed").from_pandas(frame)
        elif kind in ("pyarrow", "dictionary"):
            arrow = pa.Table.from_pandas(frame)
            if kind == "dictionary":
                place = arrow.column_names.index("purpose")
                arrow = arrow.set_column(place, "purpose", arrow["purpose"].dictionary_encode())
            sources[name] = arrow
        else:
            frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
            sources[name] = path
    data = tables.dataset(sources["test"], task=task), tables.dataset(sources["train"], "train", task=task)
    assert_same(tables.claims(*data, task), json.loads(json.dumps(expected[task])))


def test_a_missing_truth_value_is_missing_where_the_table_is(url):
    frame = pd.DataFrame(
        {"x": range(50), "said": [True, False] * 25, "y": pd.array([True, None] * 25, dtype="boolean")}
    )
    in_database(url, t=frame)
    held = [
        dataset_from(source, "test", Data(target="y", favourable="1"), "binary-classification", Columns("said", None))
        for source in (frame, f"{url}#t")
    ]
    near, far = (run_check("performance", data, Pack(name="p", version="1", description="d")) for data in held)
    assert "25 of 50 rows have no label" in near.reason
    assert far.reason == near.reason
    assert held[1].column("y")[0].isna().sum() == 1


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")
    for name, seed in (("test", 1), ("train", 0)):
        tables.table(seed=seed).to_parquet(folder / f"{name}.parquet")
    return folder


SOME = ("data_quality", "fairness")


@pytest.mark.full
@pytest.mark.parametrize("task", TASKS[1:])
def test_a_spark_frame_gives_the_claims_of_pandas_for_other_tasks(task, spark, tmp_path, expected):
    frames = []
    for seed in (1, 0):
        tables.table(seed=seed, task=task).to_parquet(tmp_path / f"{seed}.parquet")
        frames.append(spark.read.parquet(str(tmp_path / f"{seed}.parquet")))
    test, train = tables.dataset(frames[0], task=task), tables.dataset(frames[1], "train", task=task)
    assert_same(tables.claims(test, train, task), json.loads(json.dumps(expected[task])))


@pytest.mark.parametrize("checks", [SOME, pytest.param(tables.CHECKS, marks=pytest.mark.full)], ids=["some", "all"])
def test_a_spark_frame_gives_the_claims_of_pandas(checks, spark, parquet, expected):
    frames = {name: spark.read.parquet(str(parquet / f"{name}.parquet")) for name in ("test", "train")}
    frames["train"].createOrReplaceTempView("train")
    found = tables.claims(tables.dataset(frames["test"]), tables.dataset("spark:train", "train"), checks=checks)
    assert_same(found, json.loads(json.dumps(expected["binary-classification"])))
    with pytest.raises(Unreachable, match="there is no such table in Spark"):
        tables.dataset("spark:nothing")


@pytest.mark.full
@pytest.mark.parametrize("checks", [SOME, tables.CHECKS], ids=["some", "all"])
def test_a_spark_connect_frame_gives_the_claims_of_pandas(checks, parquet, tmp_path, expected):
    tables.needs_spark()
    pytest.importorskip("grpc", reason="pyspark[connect] is not installed")
    out = tmp_path / "claims.json"
    asked = [sys.executable, tables.__file__, parquet / "test.parquet", parquet / "train.parquet", out, *checks]
    subprocess.run([str(a) for a in asked], check=True, timeout=600)
    assert_same(json.loads(out.read_text()), json.loads(json.dumps(expected["binary-classification"])))


def test_rows_of_a_database_are_read_in_pieces_as_a_file_gives_them(url):
    frame = tables.table(250)
    in_database(url, t=frame)
    found = pd.concat(SqlSource(address_of(f"{url}#t")).pieces(100), ignore_index=True)
    assert list(found.columns) == list(frame.columns)
    for name in ("age", "income", "children", "score"):
        pd.testing.assert_series_equal(found[name], frame[name])
    for name in ("purpose", "sex", "y", "member", "consent"):
        assert [None if pd.isna(v) else v for v in found[name]] == [None if pd.isna(v) else v for v in frame[name]]


@pytest.mark.full
@pytest.mark.parametrize("task", ["binary-classification", "regression"])
def test_sparks_workers_ask_a_model_and_give_the_claims_of_pandas(task, spark, tmp_path):
    """The model's own predictions in both places: what the table holds of `said` is not looked at."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    features = ["age", "children", "member"]
    frame = tables.table(seed=1, task=task).drop(columns=["said", "score"], errors="ignore").dropna(subset=["y"])
    model = (LinearRegression if task == "regression" else LogisticRegression)().fit(frame[features], frame["y"])
    near = frame.assign(said=model.predict(frame[features]))
    if task != "regression":
        near["score"] = model.predict_proba(frame[features])[:, list(model.classes_).index("yes")]
    frame.to_parquet(tmp_path / "t.parquet")
    described = Data(target="y", favourable=None if task == "regression" else "yes", sensitive=("sex",))
    far = SparkSource(spark.read.parquet(str(tmp_path / "t.parquet")))
    known = {} if task == "regression" else {"no": "no", "yes": "yes"}
    table, score = predicted_table(far, model, PredictionTask.of(described, task), known)
    assert (score is None) == (task == "regression")
    there = remote_table(
        "test",
        table,
        PredictionTask.of(described, task),
        sensitive=["sex"],
        prediction=PREDICTION,
        score=score,
    )
    here = dataset_from(near, "test", described, task, Columns("said", score and "score"))
    checks = ("data_quality", "fairness", "performance")
    assert_same(tables.claims(there, None, task, checks), tables.claims(here, None, task, checks))
    with pytest.raises(CheckError, match="lack columns it was fitted on"):
        predicted_table(SparkSource(far.handle.drop("age")), model, PredictionTask.of(described, task), known)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            tables.rules({"car"}, ValueError),
            "in Spark's workers the model could not predict (ValueError: unknown purpose …)",
        ),
        (tables.rules({"car"}, SystemExit), "the model could not predict in Spark's workers (SystemExit)"),
        (
            tables.Alone(),
            "the model could not predict in Spark's workers (ModuleNotFoundError: No module named 'support')",
        ),
    ],
    ids=["error", "exit", "no module"],
)
def test_what_a_worker_raises_is_one_sentence_without_data(model, said, spark, monkeypatch):
    """The rows that are looked at here are answered; a later one is not."""
    frame = tables.table(60).assign(purpose="car", y=lambda t: np.where(t["age"] > 40, "yes", "no"))
    frame.loc[59, "purpose"] = "Dreirad"
    monkeypatch.setattr("aims_mlflow.adapters.spark.LOOK", 20)
    source = SparkSource(spark.createDataFrame(frame).coalesce(1), "loans")
    with pytest.raises(CheckError) as refused:
        predicted_table(source, model, PredictionTask("binary-classification", "y", "yes"), {"no": "no", "yes": "yes"})
    assert refused.value.what == said
    assert refused.value.where == "loans"


@POSTGRESQL
def test_a_threshold_is_applied_where_the_table_is(url):
    frame = tables.table(seed=1)
    in_database(url, test=frame)
    near, far = (tables.dataset(source, threshold="0.7") for source in (frame, f"{url}#test"))
    checks = ("fairness", "performance")
    assert_same(tables.claims(far, None, checks=checks), tables.claims(near, None, checks=checks))


@POSTGRESQL
def test_above_the_cells_bins_stand_in_and_are_named(url, monkeypatch, value_of):
    frame = tables.table(seed=1)
    in_database(url, test=frame, train=tables.table(seed=0))
    monkeypatch.setattr(far_data, "MAX_CELLS", 2000)
    monkeypatch.setattr(far_data, "BINS", 400)
    far, train = tables.dataset(f"{url}#test"), tables.dataset(f"{url}#train", "train")
    found, exact = tables.claims(far, train), tables.claims(tables.dataset(frame), tables.dataset(tables.table(seed=0)))
    for check, metric in (("performance", "roc_auc"), ("drift", "drift"), ("fairness", "selection_rate")):
        mine, theirs = (
            [c for c in f[check]["claims"] if c["metric"] == metric and (metric != "roc_auc" or not c["slice"])]
            for f in (found, exact)
        )
        assert [c["value"] for c in mine] == pytest.approx([c["value"] for c in theirs], abs=0.02)
    areas = {str(c["slice"]): c for c in found["performance"]["claims"] if c["metric"] == "roc_auc"}
    assert "in 400 bins" in areas["{}"]["note"]
    women = areas["{'sex': 'F'}"]
    (wanted,) = [c for c in exact["performance"]["claims"] if c["metric"] == "roc_auc" and c["slice"] == women["slice"]]
    assert women["note"].startswith("scores in ")
    assert women["value"] == pytest.approx(wanted["value"], abs=0.02)
    assert areas["{'age': '*'}"]["value"] is None
    assert areas["{'age': '*'}"]["note"].startswith("not evaluated: age, y, score have over 2,000 combinations")
    assert "income" in far.part(("income",)).binned


def test_infinite_numbers_of_a_sensitive_column_in_bins_are_refused_in_one_sentence(tmp_path, monkeypatch):
    frame = tables.table(3000, seed=1)
    frame["income"] = np.where(np.arange(3000) % 3 == 0, np.inf, np.linspace(1, 2, 3000))
    url = f"sqlite:///{tmp_path}/t.db"
    in_database(url, test=frame)
    monkeypatch.setattr(far_data, "MAX_CELLS", 500)
    described = Data(target="y", favourable="yes", sensitive=("income",))
    far = dataset_from(f"{url}#test", "test", described, "binary-classification", Columns("said", None))
    with pytest.raises(DataError, match="'income' has 1,000 infinite numbers"):
        far.part(("income",))


def test_a_password_is_never_shown(postgres_uri):
    shown = sa.make_url(postgres_uri).set(password="s3cret").render_as_string(hide_password=False)
    in_database(postgres_uri, test=tables.table(50))
    found = SqlSource(address_of(f"{shown}#test"))
    assert "s3cret" not in found.name
    with pytest.raises(DataError, match="there is no table 'tset', did you mean 'test'") as refused:
        SqlSource(address_of(f"{shown}#tset"))
    assert "s3cret" not in refused.value.sentence()


def test_an_address_that_leads_nowhere_is_one_sentence(tmp_path):
    with pytest.raises(Unreachable, match="there is no such database file"):
        tables.dataset(f"sqlite:///{tmp_path}/none.db#t")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(ConfigError, match="names no table of a database"):
        tables.dataset("sqlite:///loans.db")
    with pytest.raises(ConfigError, match="the driver for oracle is not installed"):
        tables.dataset("oracle://host/base#t")
    with pytest.raises(Unreachable, match="cannot be reached"):
        tables.dataset("postgresql://127.0.0.1:1/base?connect_timeout=2#t")
    empty = pd.DataFrame({"y": []})
    with pytest.raises(DataError, match="no rows"):
        tables.dataset(empty.assign(said=[], score=[], sex=[], age=[]))


def test_what_only_memory_can_do_is_said(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/loans.db"
    in_database(url, test=tables.table(100))
    monkeypatch.setattr(checking, "MAX_READ", 99)
    described = Data(target="y", favourable="yes")
    with pytest.raises(DataError, match="the table has 100 rows, and up to 99 are read"):
        dataset_from(f"{url}#test", "test", described, "binary-classification", model="models:/m/1")
    far = tables.dataset(f"{url}#test")
    evidently = tables.pack().model_copy(
        update={"drift": tables.pack().drift.model_copy(update={"method": "evidently"})}
    )
    outcome = run_check("drift", far, evidently, far)
    assert outcome.result == "not_evaluated"
    assert "tables in memory" in outcome.reason
