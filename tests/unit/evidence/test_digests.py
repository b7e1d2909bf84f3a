"""Digests of models and of tables."""

import hashlib
import os

import pandas as pd
import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.digests import arrow_digest, dir_hash1, is_load_mark, model_digest


def test_dir_hash1_is_gos_h1(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_bytes(b"hello")
    (tmp_path / "MLmodel").write_bytes(b"flavors: {}\n")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("MLmodel", b"flavors: {}\n"), ("b/x.txt", b"hello"))
    )
    assert model_digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    (tmp_path / "registered_model_meta").write_text("model_name: m")
    assert model_digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    (tmp_path / "b" / "registered_model_meta").write_text("elsewhere it counts")
    assert model_digest(tmp_path) != hashlib.sha256(lines.encode()).hexdigest()


def test_the_load_mark_is_left_out_only_where_it_can_be_no_part_of_the_model(tmp_path):
    assert is_load_mark("registered_model_meta", 100, b"")
    assert not is_load_mark("registered_model_meta", 5000, b"")
    assert not is_load_mark("registered_model_meta", 100, b"data: registered_model_meta")
    assert not is_load_mark("sub/registered_model_meta", 100, b"")


def test_links_and_odd_names_are_refused(tmp_path):
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to(tmp_path / "f")
    with pytest.raises(EvidenceError, match="a link stands"):
        model_digest(tmp_path)
    (tmp_path / "l").unlink()
    os.mkfifo(tmp_path / "p")
    with pytest.raises(EvidenceError, match="pipe, socket or device"):
        model_digest(tmp_path)
    with pytest.raises(EvidenceError, match="line break"):
        dir_hash1([("a\nb", "0" * 64)])
    with pytest.raises(EvidenceError, match="two files"):
        dir_hash1([("a", "0" * 64), ("a", "1" * 64)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvidenceError, match="is empty"):
        model_digest(tmp_path / "empty")


def test_the_arrow_digest_is_about_columns_types_and_values_alone():
    frame = pd.DataFrame({"n": range(20_000), "t": ["a", "b"] * 10_000})
    digest = arrow_digest(frame)
    assert arrow_digest(frame.set_index(pd.Index(range(5, 20_005)))) == digest
    assert arrow_digest(frame.astype({"t": object})) == digest
    assert arrow_digest(pd.concat([frame[:7000], frame[7000:]])) == digest
    changed = frame.copy()
    changed.loc[15_000, "n"] = -1
    assert arrow_digest(changed) != digest
    assert arrow_digest(frame.rename(columns={"n": "m"})) != digest
    assert arrow_digest(frame.astype({"n": "int32"})) != digest
    assert len(arrow_digest(pd.DataFrame({"mixed": [1, "a", None, 2.5]}))) == 64


@pytest.mark.parametrize("dtype", ["str", "string[pyarrow]", "bool[pyarrow]", "boolean", "Int64", "object"])
@pytest.mark.parametrize("rows", [slice(0, 600), slice(0, 1001), slice(5, 700), slice(3, 3)])
def test_a_part_of_a_table_has_the_digest_of_the_same_rows_alone(dtype, rows):
    values = ("a", "bcd", None) if dtype in ("str", "string[pyarrow]", "object") else (True, False, None)
    whole = pd.DataFrame({"c": pd.Series([values[i * i % 3] for i in range(1003)], dtype=dtype)})
    alone = pd.DataFrame({"c": pd.Series(whole["c"].tolist()[rows], dtype=dtype)})
    assert arrow_digest(whole.iloc[rows]) == arrow_digest(alone)
