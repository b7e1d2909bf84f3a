"""Laws of reading: a table that was written and read back is the same table to every check, whatever holds it."""

import tempfile
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aims_mlflow.adapters.reading.files import read_table
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.labels import NAME_LENGTH, short_name
from aims_mlflow.checks.suite import planned
from aims_mlflow.operation.checking import Columns, dataset_from
from aims_mlflow.records.system import Data

TEXTS = st.one_of(
    st.sampled_from(
        ["NA", "None", "nan", "null", "N/A", "yes", "a,b", 'say "x"', "line\nbreak", "01", "é", "?", "x" * 90]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip),
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def frames(draw):
    rows = draw(st.integers(2, 12))
    texts = draw(st.lists(st.one_of(TEXTS, st.none()), min_size=rows, max_size=rows))
    whole = draw(st.lists(st.one_of(NUMBERS, st.none()), min_size=rows, max_size=rows))
    frame = pd.DataFrame({"row": range(rows), "text": pd.Series(texts, dtype=object), "anchor": "a word"})
    # One text that nothing takes for a number, a date or a truth value: the column holds texts.
    frame.loc[0, "text"] = "a word"
    frame["whole"] = pd.array(whole, dtype="Int64")
    frame.loc[0, "whole"] = 0
    return frame


def values(frame):
    out = {}
    for name in frame.columns:
        column = frame[name]
        gone = column.isna()
        out[name] = [None if g else (v if isinstance(v, str) else int(v)) for v, g in zip(column, gone, strict=True)]
    return out


@FEW
@given(frames())
def test_a_table_written_as_text_is_read_back_with_each_value(frame):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        for separator in ",;\t|":
            frame.to_csv(path, index=False, sep=separator)
            assert values(read_table(path).frame) == values(frame)


@FEW
@given(frames())
def test_a_table_in_typed_files_and_of_other_libraries_has_each_value(frame):
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder, "t.parquet"))
        frame.to_feather(Path(folder, "t.feather"))
        frame.to_json(Path(folder, "t.jsonl"), orient="records", lines=True)
        for name in ("t.parquet", "t.feather", "t.jsonl"):
            assert values(read_table(Path(folder, name)).frame) == values(frame)
    table = pa.Table.from_pandas(frame)
    for value in (
        table,
        pl.from_arrow(table),
        pl.from_arrow(table).lazy(),
        frame.convert_dtypes(dtype_backend="pyarrow"),
    ):
        assert values(as_frame(value, "t")) == values(frame)


@given(st.text(max_size=200), st.text(max_size=200))
def test_short_names_are_short_and_never_run_together(one, other):
    assert len(short_name(one)) <= NAME_LENGTH
    assert (short_name(one) == short_name(other)) == (one == other)


def claims_of(source):
    pack = load_pack("tabular-classification")
    described = Data(target="paid", favourable="yes", sensitive=("race",))
    data = dataset_from(source, "test", described, pack.task, Columns("said"))
    found = {}
    for name in planned(data, pack, None):
        found[name] = [c.model_dump(mode="json") for c in run_check(name, data, pack).claims]
    return found


@pytest.mark.parametrize(
    "kind", ["csv", "semicolon", "parquet", "feather", "xlsx", "jsonl", "polars", "arrow-backed", "nullable"]
)
def test_every_way_to_hold_a_table_gives_equal_checks(tmp_path, kind):
    rows = 240
    frame = pd.DataFrame(
        {
            "income": [None if i % 7 == 0 else 1000 + 37.5 * (i % 41) for i in range(rows)],
            "age": [20 + i % 50 for i in range(rows)],
            "member": [i % 3 == 0 for i in range(rows)],
            "race": [["NA", "None", "White"][i % 3] for i in range(rows)],
            "paid": [["yes", "no"][i % 5 > 2] for i in range(rows)],
            "said": [["yes", "no"][i % 4 > 2] for i in range(rows)],
        }
    )
    path = tmp_path / f"t.{kind}"
    write = {"parquet": frame.to_parquet, "feather": frame.to_feather}
    if kind in ("csv", "semicolon"):
        path = tmp_path / "t.csv"
        frame.to_csv(path, index=False, sep=";" if kind == "semicolon" else ",")
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind in write:
        write[kind](path)
    held = {
        "polars": lambda: pl.from_pandas(frame),
        "arrow-backed": lambda: frame.convert_dtypes(dtype_backend="pyarrow"),
        "nullable": frame.convert_dtypes,
    }
    assert claims_of(held[kind]() if kind in held else path) == claims_of(frame)
