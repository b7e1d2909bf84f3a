"""Text tables: the form is found and told, a value is never another one, and a refusal names the option that settles it."""

import bz2
import gzip
import lzma
import zipfile

import pytest

from aims_mlflow.adapters.reading.files import read_table
from aims_mlflow.errors import AimsError, ConfigError, DataError
from aims_mlflow.records.system import ReadingOptions

BODY = "age,sex,paid\n30,F,yes\n40,M,no\n50,F,yes\n"
FRAME = {"age": [30, 40, 50], "sex": ["F", "M", "F"], "paid": ["yes", "no", "yes"]}


@pytest.fixture
def read(tmp_path):
    def read_it(content, name="t.csv", **reading):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        got = read_table(path, ReadingOptions(**reading))
        return got.frame.astype(object).where(got.frame.notna(), None).to_dict("list"), list(got.notes)

    return read_it


def refusal(read, content, error=DataError, **reading):
    with pytest.raises(error) as caught:
        read(content, **reading)
    text = caught.value.sentence()
    assert "\n" not in text
    assert "t.csv" in text
    return text


def test_an_ordinary_file_is_read_without_a_word(read):
    assert read(BODY) == (FRAME, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BODY.replace(",", ";"), "separated by semicolons, not commas"),
        (BODY.replace(",", "\t"), "separated by tabs, not commas"),
        (BODY.replace(",", "|"), "separated by vertical bars, not commas"),
        ("sep=;\n" + BODY.replace(",", ";"), "separated by semicolons, not commas"),
        ("# made by a tool\n# 2024\n" + BODY, "2 lines above the header with # are left out"),
        (
            BODY.replace("\n", ",\n").replace("paid,", "paid", 1),
            "rows end with a separator that the header does not have",
        ),
        (BODY.replace("\n", ",\n"), "the last column has neither a name nor a value"),
        (
            "age,sex,paid\n1,30,F,yes\n2,40,M,no\n3,50,F,yes\n",
            "rows begin with their number, which the header does not name, as R writes it",
        ),
    ],
)
def test_another_form_is_read_as_it_is_meant_and_told_once(read, content, said):
    values, notes = read(content)
    assert values == FRAME
    assert len(notes) == 1
    assert said in notes[0]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + BODY.encode(),
        BODY.encode("utf-16"),
        BODY.replace("\n", "\r\n"),
        "\n\n" + BODY + "\n",
        '"age","sex","paid"\n30,"F","yes"\n40,"M","no"\n50,"F","yes"\n',
    ],
)
def test_marks_of_encoding_line_ends_and_blank_lines_change_nothing(read, content):
    assert read(content) == (FRAME, [])


@pytest.mark.parametrize(("end", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_compressed_files_are_unpacked(read, end, pack):
    assert read(pack(BODY.encode()), "t.csv" + end) == (FRAME, [])


def test_an_archive_holds_one_table(tmp_path):
    for names in (["a.csv", "__MACOSX/._a.csv"], ["a.csv", "b.csv"]):
        with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
            for name in names:
                archive.writestr(name, BODY)
        if "b.csv" not in names:
            assert read_table(tmp_path / "t.csv.zip").frame.to_dict("list") == FRAME
    with pytest.raises(DataError, match="holds 2 files"):
        read_table(tmp_path / "t.csv.zip")


@pytest.mark.parametrize(
    ("content", "reading", "said"),
    [
        ("", {}, "no header"),
        ("x,x,y,y,z\n1,2,3,4,5\n", {}, "same name: 'x', 'y'"),
        ("a,b,c\n5,2,3,4\n4,5,6,7\n", {}, "line 2 has more fields than the header, which has 3"),
        ("name\nSmith, Jo\nLee, Al\n", {}, "line 2 has more fields than the header, which has 1"),
        ("a,b\n1,2\n1,2,3\n", {}, "line 3 has more fields"),
        ("a,b\n" + 300 * "1,2\n" + "1,2,3\n", {}, "line 302 has more fields than the header, which has 2"),
        ("a,b\n" + 300 * "1,x\n" + '7,"y\n8,z\n', {}, "a quotation mark opens in line 302, and none closes it"),
        ("Report of 2024\n\n" + BODY, {}, "--read skip=2"),
        ("Report of 2024,,\n,,\n" + BODY, {}, "--read skip=2"),
        ("age,city\n30,K\u00f6ln\n".encode("latin-1"), {}, "--read encoding=cp1252"),
        (BODY.encode("utf-16-le"), {}, "--read encoding=utf-16-le"),
    ],
)
def test_what_can_be_meant_in_several_ways_is_refused_with_the_option(read, content, reading, said):
    assert said in refusal(read, content, **reading)


def test_an_encoding_that_there_is_not_is_named(read):
    assert "'klingon'" in refusal(read, BODY, ConfigError, encoding="klingon")


def test_options_settle_it(read):
    assert read("age,city\n30,K\u00f6ln\n".encode("latin-1"), encoding="latin-1")[0]["city"] == ["K\u00f6ln"]
    assert read("Report of 2024\n\n" + BODY, skip=2)[0] == FRAME
    assert read("a:b\n1:2\n", separator=":")[0] == {"a": [1], "b": [2]}


@pytest.mark.parametrize(
    ("content", "reading", "values"),
    [
        ("n;v\n1;1,5\n2;2,75\n", {}, [1.5, 2.75]),
        ("n;v\n1;1.234,5\n2;NA\n", {}, [1234.5, None]),
        ('n,v\n1,"1,234.50"\n2,"2,755"\n', {}, [1234.5, 2755.0]),
        ('n,v\n1,"1,234"\n2,"2,755"\n', {"thousands": ","}, [1234, 2755]),
        ('n,v\n1,"1,234"\n2,"2,755"\n', {"decimal": ","}, [1.234, 2.755]),
        ("n;v\n1;1,5\n2;2,5\n", {"decimal": "."}, ["1,5", "2,5"]),
        ("n;v\n1;1.234.567\n2;2.500\n", {}, [1234567, 2500]),
        ("n,v\n1,1.234.567\n2,2.500\n", {}, ["1.234.567", "2.500"]),  # codes: a comma separates the columns
        ('n,v\n1,"0,123"\n2,"0,456"\n', {}, [0.123, 0.456]),  # no number between thousands begins with 0
        ("n;v\n1,5;0.123\n2,5;0.456\n", {}, [0.123, 0.456]),
        ("n;v\n1;1 234,5\n2;980\n", {}, [1234.5, 980]),
        ("n;v\n1;1\u202f234\u202f567\n2;980\n", {}, [1234567, 980]),
        ("n,v\n1,1'234.50\n2,980\n", {}, [1234.5, 980]),
        ("n;v\n12,5;1 234\n7,25;980\n", {}, [1234, 980]),  # the other column shows the decimal comma
        ("n;v\n1;1\u00a0234\n2;980\n", {"thousands": " "}, [1234, 980]),
        ("n;v\n1;12 34\n2;980\n", {}, ["12 34", "980"]),
    ],
)
def test_numbers_with_other_marks_are_numbers(read, content, reading, values):
    assert read(content, **reading)[0]["v"] == values


def test_a_column_of_thousands_beside_decimal_commas_is_not_a_thousandth(read):
    values, notes = read("n;v;w\n1;1,5;1.234\n2;2,75;2.500\n")
    assert values["w"] == [1234, 2500]
    assert any("'.' between thousands in 'v', 'w'" in note for note in notes)


def test_whole_numbers_beside_decimal_commas_are_not_told_as_numbers_with_marks(read):
    values, notes = read("n;v;age\n1;1,5;40\n2;2,75;\n3;3,5;61\n")
    assert (values["v"], values["age"][::2]) == ([1.5, 2.75, 3.5], [40, 61])
    assert [note for note in notes if "before decimals" in note and "in 'v'" in note]
    assert not any("'age'" in note for note in notes)


def test_a_comma_that_may_mean_two_things_leaves_text_and_says_so(read):
    values, notes = read('n,v\n1,"1,234"\n2,"2,755"\n')
    assert values["v"] == ["1,234", "2,755"]
    assert "--read decimal=," in notes[0]
    assert "--read thousands=," in notes[0]


def test_groups_of_three_digits_may_be_a_code_which_is_said_once(read):
    values, notes = read("n;v\n1;1 234\n2;980\n3;1\n")
    assert values["v"] == ["1 234", "980", "1"]
    (note,) = notes[1:]
    assert "'v' has texts such as 1 234, which may be numbers or codes, and is read as text" in note
    assert "--read 'thousands= '" in note


NA = "race,income,born,member,paid\nNA,1.5,2001-01-01,True,yes\nW,NA,NA,NA,NA\nNone,3,2002-02-02,False,no\nnan,4,null,,yes\n"


def test_na_is_a_value_among_texts_and_missing_among_numbers_dates_and_truth_values(read):
    values, notes = read(NA)
    assert values["race"] == ["NA", "W", "None", "nan"]
    assert values["income"] == [1.5, None, 3, 4]
    assert values["born"] == ["2001-01-01", None, "2002-02-02", None]
    assert values["member"] == [True, None, False, None]
    assert values["paid"] == ["yes", "NA", "no", "yes"]
    assert [note.split()[0] for note in notes] == ["NA", "None", "nan"]
    assert "'race', 'paid'" in notes[0]
    assert "--read missing=NA" in notes[0]


def test_missing_says_which_texts_mean_missing(read):
    values, notes = read(NA, missing=("NA", "nan", "null"))
    assert values["race"] == [None, "W", "None", None]
    assert values["income"] == [1.5, None, 3, 4]
    assert notes == []
    assert read("age,n\n30,1\n-999,2\n", missing=("-999",))[0]["age"] == [30, None]


def test_quotation_marks_tell_a_text_from_a_missing_one_as_r_writes_them(read):
    values, notes = read('"race","n"\n"W",1\nNA,2\n"A",3\n')
    assert values["race"] == ["W", None, "A"]
    assert "--read missing=" in notes[0]
    assert read('"race","n"\n"W",1\n"NA",2\n"A",3\n')[0]["race"] == ["W", "NA", "A"]


def test_a_placeholder_among_numbers_is_told(read):
    values, notes = read("age,n\n30,1\n?,2\n40,3\n")
    assert values["age"] == ["30", "?", "40"]
    assert "--read 'missing=?'" in notes[0]


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 2**64 - 1])
def test_large_whole_numbers_stay_exact_beside_gaps(read, number):
    assert read(f"id,n\n{number},1\n,2\n")[0]["id"] == [number, None]


def test_what_pandas_does_in_silence_is_told(read):
    assert "codes with leading zeros are read as numbers in 'zip'" in read("zip,n\n01067,1\n80331,2\n")[1]
    assert "1 row has fewer fields than the header" in read("a,b,c\n1,2,3\n4,5\n")[1][0]
    assert "called 'Unnamed: 0'" in read(",a\n0,5\n1,6\n")[1][0]


def test_names_that_differ_by_a_blank_or_a_case_are_two_columns(read):
    assert list(read("x, x,X,x.1\n1,2,3,4\n")[0]) == ["x", " x", "X", "x.1"]


@pytest.mark.parametrize(
    "name", ["t.csv.gz", "t.csv.zip", "t.parquet", "t.feather", "t.orc", "t.json", "t.xlsx", "t.pkl"]
)
def test_nonsense_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(AimsError, match=name) as caught:
        read_table(tmp_path / name)
    assert "\n" not in caught.value.sentence()


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_the_least_whole_number_beside_a_gap_is_a_number(read, name):
    text = f"word,code\na,0\nb,{-(2**63)}\nc,\n".encode()
    values, _ = read(gzip.compress(text) if name.endswith("gz") else text, name)
    assert values["code"] == [0, -(2**63), None]


def test_numbers_that_may_have_points_between_thousands_are_told_where_no_comma_separates_columns(read):
    content = "n;v;w\n1;1.234;0.123\n2;2.500;0.456\n"
    values, notes = read(content)
    assert (values["v"], values["w"]) == ([1.234, 2.5], [0.123, 0.456])
    assert "'v' has numbers such as 1.234, which may mean 1234" in notes[1]
    assert "--read thousands=." in notes[1]
    assert read(content, thousands=".")[0]["v"] == [1234, 2500]
    assert len(read(content, decimal=".")[1]) == 1
    assert read(content.replace(";", ","))[1] == []


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["12%", "5.5 %", "1"], []),
        (["12%", "5.5 %"], ["'v' is read as text: its numbers carry a sign, such as a currency or %"]),
        (["$1200", "-$3.50"], ["'v' is read as text: its numbers carry a sign"]),
        (["1", "2", "3", "?", "x"], ["'v' is read as text: its numbers have 2 different texts between them"]),
        (["1", "not stated at all"], ["'v' is read as text: its numbers have a text between them"]),
        (["a", "b", "3"], []),
    ],
)
def test_numbers_that_are_read_as_text_are_told(read, cells, said):
    notes = read("n,v\n" + "".join(f"1,{cell}\n" for cell in cells))[1]
    assert [note.startswith(start) for note, start in zip(notes, said, strict=True)] == [True] * len(said)
