"""A folder of files beside a table: one digest of all of them, in data sheet and lineage, and no name in evidence."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aims_mlflow.capture.files import Manifest, file_manifest
from aims_mlflow.errors import AimsError, DataError, Unreachable
from aims_mlflow.records.system import Data


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_the_digest_is_of_paths_bytes_and_sizes_and_of_nothing_else(tmp_path):
    one = file_manifest(write(tmp_path / "one", b=b"2", a__c=b"1"))
    sha = [hashlib.sha256(content).hexdigest() for content in (b"1", b"2")]
    assert one.entries == (("a/c", sha[0], 1), ("b", sha[1], 1))
    listed = json.dumps([["a/c", sha[0], 1], ["b", sha[1], 1]], separators=(",", ":"))
    assert one.digest == hashlib.sha256(listed.encode()).hexdigest()
    assert one.size == 2
    assert file_manifest(write(tmp_path / "two", a__c=b"1", b=b"2")) == one
    for name, more in (("changed", {"b": b"3"}), ("renamed", {"B": b"2"}), ("more", {"d": b""})):
        files = {"a__c": b"1", **({} if name == "renamed" else {"b": b"2"}), **more}
        assert file_manifest(write(tmp_path / name, **files)).digest != one.digest


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no fault of the digest
@given(st.lists(st.tuples(st.text(min_size=1), st.text("0123456789abcdef", min_size=4), st.integers(0, 9)), max_size=5))
def test_a_digest_tells_lists_apart(entries):
    found = Manifest(tuple(entries))
    assert found.digest == Manifest(tuple(entries)).digest
    assert found.digest != Manifest((*entries, ("new", "00", 1))).digest


def test_no_folder_and_an_empty_one_are_one_sentence(tmp_path):
    with pytest.raises(Unreachable, match="no such folder"):
        file_manifest(tmp_path / "none")
    with pytest.raises(DataError, match="holds no file"):
        file_manifest(tmp_path)


def test_a_folder_is_named_alone_or_with_the_column_of_its_files():
    read = Data.model_validate({"target": "y", "files": {"a": "images", "b": {"folder": "texts", "column": "text"}}})
    assert [(f.folder, f.column) for f in read.files.values()] == [("images", None), ("texts", "text")]


def config(**files):
    return {
        "system": {"id": "s", "owner": "o@example.org", "intended_use": "test", "affected_groups": ["people"]},
        "data": {"target": "y", "favourable": "yes", "files": files},
    }


def labelled(names):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"path": names, "x": rng.normal(size=len(names)), "y": np.where(rng.random(len(names)) < 0.5, "yes", "no")}
    )


def trained(table, stated):
    import mlflow
    from sklearn.dummy import DummyClassifier

    import aims_mlflow as aims
    from aims_mlflow.evidence import statement
    from aims_mlflow.evidence import tracking as store

    with aims.training("s", config=stated) as session:
        session.data(train=table[:60], test=table[60:])
        session.model(DummyClassifier().fit(table[["x"]], table["y"]))
    run = mlflow.search_runs(output_format="list", max_results=1)[0].info.run_id
    files = store.session_files(run).items()
    return [statement.read(line, name) for name, data in files for line in data.splitlines()]


def test_the_files_of_a_training_are_subjects_of_its_data_sheet_and_lineage(tracking):
    names = [f"patient-{i}.txt" for i in range(100)]
    write(tracking / "notes", **{name: name.encode() for name in names})
    table = labelled([*names[:98], "lost.txt", None]).assign(path=lambda t: [n and f"notes/{n}" for n in t["path"]])
    records = trained(table, config(notes={"folder": "notes", "column": "path"}))
    manifest = file_manifest(tracking / "notes")
    (found,) = [r for r in records if r.evidence.kind == "dataset-record" and r.evidence.details["role"] == "files"]
    assert [(s.name, s.digest) for s in found.subjects] == [("files:notes", {"sha256": manifest.digest})]
    told = found.evidence.details["files"]
    assert (told["count"], told["bytes"], told["folder"]) == (100, manifest.size, "notes")
    claims = {c.role: c for c in found.evidence.claims}
    assert (claims["train"].value, claims["train"].passed) == ("0", True)
    assert (claims["test"].value, claims["test"].passed, found.evidence.result) == ("2", False, "failed")
    assert found.evidence.reason == "2 of 40 rows of test data name no file in notes"
    (lineage,) = [r for r in records if r.evidence.kind == "lineage"]
    assert ("files:notes", {"sha256": manifest.digest}) in [(s.name, s.digest) for s in lineage.subjects]
    assert "patient-" not in repr(found)


@pytest.mark.parametrize(
    ("files", "said"),
    [({"a": "nowhere"}, "no such folder"), ({"a": {"folder": ".", "column": "pth"}}, "there is no column 'pth'")],
)
def test_what_cannot_be_digested_stops_a_training_before_it_starts(tracking, files, said):
    with pytest.raises(AimsError, match=said):
        trained(labelled([f"{i}" for i in range(100)]), config(**files))


def test_files_that_changed_after_the_first_trial_are_digested_again_for_the_chosen_run(tracking):
    import mlflow
    from sklearn.dummy import DummyClassifier

    import aims_mlflow as aims
    from aims_mlflow.evidence import statement
    from aims_mlflow.evidence import tracking as store

    folder = write(tracking / "notes", **{f"{i}.txt": b"old" for i in range(100)})
    table = labelled([f"notes/{i}.txt" for i in range(100)])
    stated = config(notes="notes")

    @aims.trains("s", config=stated)
    def train(train, test):
        return DummyClassifier().fit(train[["x"]], train["y"])

    def digests(run):
        found = [statement.read(line, "s") for data in store.session_files(run).values() for line in data.splitlines()]
        return {s.digest["sha256"] for r in found for s in r.subjects if s.name == "files:notes"}

    runs = []
    with mlflow.start_run():
        for _ in range(2):
            with mlflow.start_run(nested=True) as run:
                train(table[:60], table[60:])
            runs.append(run.info.run_id)
    old = file_manifest(folder).digest
    aims.select(runs[0])
    assert digests(runs[0]) == {old}
    write(folder, **{"0.txt": b"new"})
    aims.select(runs[1])
    assert digests(runs[1]) == {file_manifest(folder).digest} != {old}
