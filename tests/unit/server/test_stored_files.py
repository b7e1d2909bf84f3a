"""The server's own store on a disk: a volume that is away is nobody's refusal, and missing files are one."""

import shutil
import tracemalloc

import pytest
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.policy import Caps
from aims_mlflow.server.model_bytes import ModelBytes
from aims_mlflow.server.stored_files import StoredFiles

MODEL = f"1/models/m-{'a' * 32}/artifacts"


@pytest.fixture
def store(tmp_path):
    """The server's artifact root, with one model of experiment 1 and something of experiment 2."""
    root = tmp_path / "store"
    for name in (f"{MODEL}/MLmodel", "2/some/artifacts/x"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("flavors: {}\n")
    return root


def read(root):
    """What reads files of a model through the server's own repository, as its artifact proxy has it."""
    files = StoredFiles(LocalArtifactRepository(str(root)), MODEL)
    ledger = Ledger(f"sqlite:///{root.parent}/ledger.db")
    return (
        lambda: files.walk(10),
        files.folder,
        lambda: ModelBytes(ledger).digest(MODEL, files, Caps()),
    )


@pytest.mark.parametrize("how", ["missing", "an empty mount point"])
def test_a_store_whose_folder_is_missing_or_empty_is_away(store, how):
    shutil.rmtree(store)
    if how != "missing":
        store.mkdir()
    for call in read(store):
        with pytest.raises(Unreachable, match="the artifact store is away: its folder is missing or empty"):
            call()


@pytest.mark.parametrize("gone", [MODEL, "1"])
def test_a_model_whose_files_alone_are_missing_is_refused(store, gone):
    shutil.rmtree(store / gone)
    walk, folder, digest = read(store)
    assert walk() == folder() == []
    with pytest.raises(EvidenceError, match="the model has no files"):
        digest()


def test_a_file_is_streamed_and_not_held_in_memory(store):
    with (store / MODEL / "weights.bin").open("wb") as weights:
        weights.truncate(128 * 2**20)
    _, _, digest = read(store)
    tracemalloc.start()
    try:
        assert digest()
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
