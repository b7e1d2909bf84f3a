"""Each bad table on every engine: a verdict, or one clear sentence; never a crash, and never a pass that was not earned."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.quality import expectations
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.suite import planned
from aims_mlflow.errors import AimsError
from aims_mlflow.operation.checking import Columns, dataset_from
from aims_mlflow.records.system import Data
from support import engine_tables as tables
from support.long_runs import full_but


def good(rows=300, task="binary-classification"):
    frame = tables.table(rows, task=task)
    return frame[["income", "purpose", "sex", *(c for c in ("y", "said", "score") if c in frame.columns)]]


def wide(columns=5000):
    rng = np.random.default_rng(0)
    many = pd.DataFrame(rng.normal(size=(60, columns - 4)).round(3), columns=[f"c{i}" for i in range(columns - 4)])
    return pd.concat([good(60)[["sex", "y", "said", "score"]], many], axis=1)


BAD = {
    "empty": lambda: good().iloc[:0],
    "one row": lambda: good().iloc[:1],
    "all null": lambda: good().assign(income=np.nan, purpose=None, sex=None),
    "one class": lambda: good().assign(y="yes"),
    "one group": lambda: good().assign(sex="F"),
    "a million categories": lambda: pd.concat([good(1000)] * 1000, ignore_index=True).assign(
        purpose=[f"p{i}" for i in range(1_000_000)]
    ),
    "mixed types": lambda: good().assign(purpose=[1, "two", 3.5] * 100),
    "NaN and inf": lambda: good().assign(income=[np.nan, np.inf, -np.inf] * 100),
    "timezone dates": lambda: good().assign(
        when=pd.date_range("2024-01-01", periods=300, freq="h", tz="Europe/Berlin")
    ),
    "duplicate columns": lambda: pd.concat([good(), good()[["income"]]], axis=1),
    "non-string names": lambda: good().rename(columns={"income": 7, "purpose": ("a", 1)}),
    "5,000 columns": wide,
}
ENGINES = ("pandas", "polars", "pyarrow", "parquet", "csv", "sqlite", "duckdb", "postgresql")
# What an engine itself cannot hold never reaches a check.
CANNOT = {
    "sqlite": ("duplicate columns", "5,000 columns"),
    "postgresql": ("duplicate columns", "5,000 columns"),
    "duckdb": ("duplicate columns",),
    "polars": ("duplicate columns", "mixed types"),
    "pyarrow": ("mixed types",),
    "parquet": ("duplicate columns", "mixed types"),
}
NEEDS = {"polars": "polars", "duckdb": "duckdb_engine"}
LARGE = {"a million categories": ("pandas",), "5,000 columns": ("duckdb",)}  # what each costs, once


PACKS = {
    "binary-classification": "tabular-classification",
    "multiclass-classification": "tabular-multiclass",
    "regression": "tabular-regression",
}


def verdicts(source, role, task="binary-classification"):
    """Run everything; return results by check, or the sentence."""
    two = task == "binary-classification"
    described = Data(target="y", favourable="yes" if two else None, sensitive=("sex",))
    pack = load_pack(PACKS[task])
    try:
        data = dataset_from(source, role, described, task, Columns("said", "score" if two else None))
    except AimsError as exc:
        return exc.sentence()
    found = {}
    for name in [*planned(data, pack, data), "drift_baseline"]:
        outcome = run_check(name, data, pack, data)
        found[name] = outcome.result
        if outcome.result == "not_evaluated":
            assert outcome.reason
            assert "could not run" not in outcome.reason, (name, outcome.reason)
    return found


def on(engine, frame, tmp_path, request):
    path = tmp_path / f"table.{engine}"
    if engine in ("polars", "pyarrow", "parquet", "duckdb", "sqlite", "postgresql"):
        frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    match engine:
        case "pandas":
            return frame
        case "polars":
            return pytest.importorskip("polars").from_pandas(frame)
        case "pyarrow":
            twice = [frame.iloc[:, i] for i in range(frame.shape[1])]
            return pa.table([pa.array(c, from_pandas=True) for c in twice], names=list(frame.columns))
        case "parquet":
            frame.to_parquet(path)
            return path
        case "csv":
            frame.to_csv(path, index=False)
            return path
        case "duckdb":
            import duckdb

            with duckdb.connect(path) as connection:
                connection.register(
                    "given", frame.astype({"purpose": str}) if frame.get("purpose") is not None else frame
                )
                connection.execute("CREATE TABLE t AS SELECT * FROM given")
            return f"duckdb:///{path}#t"
    url = request.getfixturevalue("postgres_uri") if engine == "postgresql" else f"sqlite:///{path}"
    database = sa.create_engine(url)
    frame.to_sql("t", database, index=False, if_exists="replace")
    database.dispose()
    return f"{url}#t"


@pytest.mark.parametrize("engine", full_but(["pandas", "postgresql"], ENGINES))
def test_a_bad_table_gives_a_verdict_or_one_sentence(engine, tmp_path, request):
    if engine in NEEDS:
        pytest.importorskip(NEEDS[engine], reason=f"{NEEDS[engine]} is not installed")
    for i, (name, make) in enumerate(BAD.items()):
        if name in CANNOT.get(engine, ()) or engine not in LARGE.get(name, ENGINES):
            continue
        folder = tmp_path / str(i)
        folder.mkdir()
        judge(name, verdicts(on(engine, make(), folder, request), "test"))


@pytest.mark.parametrize("name", [n for n in BAD if n not in ("a million categories", "5,000 columns")])
def test_a_bad_training_table_gives_a_verdict_or_one_sentence(name):
    found = verdicts(BAD[name](), "train")
    judge(name, found)
    assert name not in ("one row", "one class") or isinstance(found, str), (name, found)


SPOIL = {  # bad tables of any task: what is done to a good one
    "empty": lambda frame: frame.iloc[:0],
    "one row": lambda frame: frame.iloc[:1],
    "all null": lambda frame: frame.assign(income=np.nan, purpose=None, sex=None),
    "one class": lambda frame: frame.assign(y=frame["y"].dropna().iloc[0]),
    "one group": lambda frame: frame.assign(sex="F"),
    "NaN and inf": lambda frame: frame.assign(income=[np.nan, np.inf, -np.inf] * 100),
    "no label": lambda frame: frame.assign(y=None),
}


@pytest.mark.parametrize("engine", ["pandas", "sqlite"])
@pytest.mark.parametrize("task", ["multiclass-classification", "regression"])
def test_a_bad_table_of_another_task_gives_a_verdict_or_one_sentence(task, engine, tmp_path, request):
    for i, (name, spoil) in enumerate(SPOIL.items()):
        folder = tmp_path / str(i)
        folder.mkdir()
        found = verdicts(on(engine, spoil(good(task=task)), folder, request), "test", task)
        judge(name, found)
        assert name != "no label" or isinstance(found, str), found


@pytest.mark.full
def test_a_million_categories_in_a_database_give_a_verdict(tmp_path, request):
    pytest.importorskip("duckdb_engine", reason="duckdb-engine is not installed")
    name = "a million categories"
    judge(name, verdicts(on("duckdb", BAD[name](), tmp_path, request), "test"))


@pytest.mark.full
def test_5_000_columns_in_memory_give_a_verdict():
    judge("5,000 columns", verdicts(wide(), "test"))


def test_a_wide_table_is_shown_to_great_expectations_in_pieces(monkeypatch):
    data = tables.dataset(tables.table(200))
    whole = run_check("data_quality", data, tables.pack())
    monkeypatch.setattr(expectations, "WIDE", 2)
    monkeypatch.setattr(expectations, "PIECE", 2)
    assert run_check("data_quality", data, tables.pack()).claims == whole.claims


def judge(name, found):
    if name in ("empty", "all null", "duplicate columns"):
        assert isinstance(found, str), (name, found)
    if isinstance(found, str):
        assert "\n" not in found
    if isinstance(found, dict):
        assert set(found) >= {"data_quality", "performance", "fairness", "drift"}, (name, found)
        if name in ("one group", "one row"):
            assert found["fairness"] != "passed", (name, found)


QUICK = ("empty", "all null", "duplicate columns", "5,000 columns")  # refused before many jobs are started
NEVER = ("mixed types", "non-string names")  # Spark's types forbid them


@pytest.mark.full
@pytest.mark.parametrize("names", [QUICK, [n for n in BAD if n not in (*QUICK, *NEVER)]])
def test_a_bad_spark_frame_gives_a_verdict_or_one_sentence(names, spark, tmp_path):
    for name in names:
        frame = BAD[name]()
        if name == "duplicate columns":
            one = spark.createDataFrame(good(20))
            found = verdicts(one.select("*", "income"), "test")
        else:
            path = str(tmp_path / f"{name}.parquet")
            frame.to_parquet(path)
            found = verdicts(spark.read.parquet(path), "test")
        judge(name, found)
