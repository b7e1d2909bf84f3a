"""Files that have types: parquet (folders too), Feather, Arrow, ORC, JSON and workbooks."""

import datetime as dt
import decimal
import zipfile

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aims_mlflow.adapters.reading.files import file_digest, is_table_file, read_table
from aims_mlflow.errors import ConfigError, DataError, Unreachable
from aims_mlflow.records.system import ReadingOptions

FRAME = pd.DataFrame(
    {
        "race": ["NA", "W", None, "nan"],
        "income": [1.5, None, 2, 3],
        "id": [1, 2, 3, 4],
        "member": [True, False, True, True],
        "code": ["01", "02", "03", "04"],
    }
)
LARGE = pa.table({"id": pa.array([2**53 + 1, None], pa.int64()), "u": pa.array([2**64 - 1, None], pa.uint64())})


def written(frame, path):
    kind = path.suffix
    if kind == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == ".json":
        frame.to_json(path, orient="columns")
    elif kind == ".xlsx":
        frame.to_excel(path, index=False)
    elif kind == ".arrow":
        pl.from_pandas(frame).write_ipc(path)
    else:
        {".parquet": frame.to_parquet, ".feather": frame.to_feather, ".orc": frame.to_orc}[kind](path)
    return path


@pytest.mark.parametrize("kind", [".parquet", ".feather", ".orc", ".arrow", ".jsonl", ".json", ".xlsx"])
def test_each_kind_gives_the_same_values(tmp_path, kind):
    read = read_table(written(FRAME, tmp_path / f"t{kind}"))
    got = read.frame.astype(object).where(read.frame.notna(), None)
    want = FRAME.astype(object).where(FRAME.notna(), None)
    assert got.to_dict("list") == want.to_dict("list")


@pytest.mark.parametrize("kind", [".parquet", ".feather", ".jsonl", ".xlsx"])
def test_missing_holds_for_each_kind(tmp_path, kind):
    read = read_table(written(FRAME, tmp_path / f"t{kind}"), ReadingOptions(missing=("NA", "nan", "4")))
    assert read.frame["race"].isna().tolist() == [True, False, True, True]
    assert read.frame["id"].isna().tolist() == [False, False, False, True]


def test_large_whole_numbers_stay_exact_beside_gaps(tmp_path):
    pq.write_table(LARGE, tmp_path / "t.parquet")
    with pa.ipc.new_stream(str(tmp_path / "t.arrow"), LARGE.schema) as stream:
        stream.write_table(LARGE)
    (tmp_path / "t.jsonl").write_text('{"id": 9007199254740993, "u": 18446744073709551615}\n{"id": null}\n')
    for name in ("t.parquet", "t.arrow"):
        frame = read_table(tmp_path / name).frame
        assert (frame["id"][0], frame["u"][0]) == (2**53 + 1, 2**64 - 1)
        assert frame.isna().sum().tolist() == [1, 1]
    assert read_table(tmp_path / "t.jsonl").frame["id"][0] == 2**53 + 1


def test_a_folder_of_parquet_files_is_one_table_with_its_partitions(tmp_path):
    folder = tmp_path / "loans.parquet"
    FRAME.assign(year=[2023, 2023, 2024, 2024]).to_parquet(folder, partition_cols=["year"])
    (folder / "_SUCCESS").write_text("")
    (folder / ".part.crc").write_bytes(b"\x00")
    frame = read_table(folder).frame
    assert sorted(frame["id"]) == [1, 2, 3, 4]
    assert sorted(map(int, frame["year"])) == [2023, 2023, 2024, 2024]
    assert is_table_file(folder)
    before = file_digest(folder)
    assert list(before) == ["dirHash1"]
    (folder / "_SUCCESS").write_text("again")
    assert file_digest(folder) != before


def test_a_folder_without_parquet_files_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="holds no parquet file"):
        read_table(tmp_path)
    with pytest.raises(Unreachable, match="no such file"):
        read_table(tmp_path / "gone.parquet")


def test_an_index_that_is_left_out_is_told(tmp_path):
    FRAME.set_index("id").to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert "id" not in read.frame
    assert "the index 'id' is left out" in read.notes[0]


def test_decimals_and_dates_come_as_they_are(tmp_path):
    table = pa.table(
        {"d": pa.array([decimal.Decimal("1.50")], pa.decimal128(10, 2)), "t": pa.array([dt.date(2024, 1, 1)])}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame.iloc[0].tolist() == [decimal.Decimal("1.50"), dt.date(2024, 1, 1)]


def test_a_workbook_is_read_by_sheet_and_says_which(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        FRAME.to_excel(book, sheet_name="2024", index=False)
        FRAME.head(1).to_excel(book, sheet_name="2023", index=False, startrow=2)
    read = read_table(path)
    assert len(read.frame) == 4
    assert "2 sheets, and the first, '2024', is read; another: --read sheet=2023" in read.notes[0]
    assert len(read_table(path, ReadingOptions(sheet="2023")).frame) == 1
    with pytest.raises(DataError, match="no sheet '2022', did you mean"):
        read_table(path, ReadingOptions(sheet="2022"))


def test_a_workbook_with_two_columns_of_one_name_is_refused(tmp_path):
    pd.DataFrame([["a", "b", "a", "b"], [1, 2, 3, 4]]).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    with pytest.raises(DataError, match="same name: 'a', 'b'"):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("cells", "values", "notes"),
    [
        ([30, "40", 50.5], [30, 40, 50.5], 0),  # Excel's "number stored as text"
        ([30, "041", "x"], [30, "041", "x"], 1),
        (["041", 7], ["041", 7], 0),  # a code
        ([True, "1"], [True, "1"], 0),
        (["1.234,5", "2,5"], [1234.5, 2.5], 1),
        (["1.234.567", "2.345.678"], ["1.234.567", "2.345.678"], 0),  # a number would be no text
        (["1,234", "2,345"], ["1,234", "2,345"], 1),
    ],
)
def test_texts_of_a_workbook_that_are_numbers_are_numbers(tmp_path, cells, values, notes):
    pd.DataFrame({"v": pd.Series(cells, dtype=object)}).to_excel(tmp_path / "t.xlsx", index=False)
    read = read_table(tmp_path / "t.xlsx")
    assert read.frame["v"].astype(object).where(read.frame["v"].notna(), None).tolist() == values
    assert len(read.notes) == notes


def test_a_formula_without_a_value_is_no_missing_one(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "c"])
    book.active.append([1, "=A2+1", None])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="1 cell has a formula without a value, such as B2"):
        read_table(tmp_path / "t.xlsx")


def test_an_empty_text_that_a_formula_gave_is_missing(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, '=IF(A2>5,1,"")'])
    book.active.append([2, 3])
    book.save(tmp_path / "unsaved.xlsx")
    with zipfile.ZipFile(tmp_path / "unsaved.xlsx") as unsaved, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as saved:
        for name in unsaved.namelist():
            saved.writestr(name, unsaved.read(name).replace(b'<c r="B2">', b'<c r="B2" t="str">'))  # as Excel writes it
    assert read_table(tmp_path / "t.xlsx").frame["b"].isna().tolist() == [True, False]


def test_the_mark_before_decimals_holds_for_texts_of_a_workbook(tmp_path):
    pd.DataFrame({"v": ["1,234", "2,345"]}).to_excel(tmp_path / "t.xlsx", index=False)
    assert read_table(tmp_path / "t.xlsx", ReadingOptions(decimal=",")).frame["v"].tolist() == [1.234, 2.345]


def test_a_title_above_the_header_of_a_workbook_is_refused_with_the_option(tmp_path):
    rows = [["Report", None, None], [None] * 3, ["age", "sex", "paid"], [30, "F", True], [40, "M", False]]
    pd.DataFrame(rows).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    with pytest.raises(DataError, match="1 cell that is not empty") as refused:
        read_table(tmp_path / "t.xlsx")
    assert "--read skip=2" in refused.value.sentence()
    assert read_table(tmp_path / "t.xlsx", ReadingOptions(skip=2)).frame["age"].tolist() == [30, 40]


def test_without_openpyxl_a_workbook_says_what_to_install(tmp_path, monkeypatch):
    path = written(FRAME, tmp_path / "t.xlsx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[excel\]' in the checkout"):
        read_table(path)


@pytest.mark.parametrize("content", ['{"a": 1}', "[1, 2]", '{"a": 1, "a": 2}\n{"a": 3}', "[{]"])
def test_json_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=r"t\.json"):
        read_table(tmp_path / "t.json")
