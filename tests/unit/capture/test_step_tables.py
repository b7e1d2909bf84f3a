"""The files that a step read, by names that tell them apart."""

import hashlib

from aims_mlflow.capture.step_tables import files_read


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_of_one_name_keep_both_their_digests(tmp_path):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "loans.csv").write_text(folder)
    north, south = (tmp_path / folder / "loans.csv" for folder in ("north", "south"))
    assert files_read([str(north), 3, "no file"]) == {"loans.csv": digest("north")}
    assert files_read([north, str(south), north]) == {
        "north/loans.csv": digest("north"), "south/loans.csv": digest("south"),
    }  # fmt: skip


def test_files_in_a_list_are_files_that_were_read(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert files_read([paths, None]) == {"a.csv": digest("a.csv"), "b.csv": digest("b.csv")}
    assert files_read([]) == {}
