"""A model's digest is computed once for each state of its files, and in the background where it is large."""

import os

import pytest
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.policy import Caps
from aims_mlflow.server import model_bytes
from aims_mlflow.server.stored_files import StoredFiles


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "model"
    (place / "data").mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}\n")
    (place / "data" / "weights.bin").write_bytes(b"w" * 5000)
    return place


@pytest.fixture
def hasher(tmp_path):
    return model_bytes.ModelBytes(Ledger(f"sqlite:///{tmp_path}/ledger.db"))


def digest(hasher, folder, **caps):
    return hasher.digest(str(folder), StoredFiles(LocalArtifactRepository(str(folder)), ""), Caps(**caps))


def settled(monkeypatch):
    import aims_mlflow.server.stored_files as files

    monkeypatch.setattr(files, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(model_bytes, "SETTLED_SECONDS", 0.0)


def test_it_is_the_digest_that_the_trainer_signed(hasher, folder):
    assert digest(hasher, folder) == model_digest(folder)
    (folder / "registered_model_meta").write_text("model_name: m\n")
    assert digest(hasher, folder) == model_digest(folder)


def test_unchanged_files_are_hashed_once_and_changed_ones_again(hasher, folder, monkeypatch):
    settled(monkeypatch)
    hashed = []
    real = model_bytes.hash_files
    monkeypatch.setattr(model_bytes, "hash_files", lambda *a: hashed.append(1) or real(*a))
    first = digest(hasher, folder)
    assert digest(hasher, folder) == first
    assert len(hashed) == 1
    path = folder / "data" / "weights.bin"
    stat = path.stat()
    path.write_bytes(b"v" * 5000)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the time of writing can be forged, that of change not
    assert digest(hasher, folder) != first
    assert len(hashed) == 2


def test_files_written_a_moment_ago_are_not_remembered(hasher, folder, monkeypatch):
    monkeypatch.setattr(model_bytes, "hash_files", lambda *_: "a" * 64)
    digest(hasher, folder)
    monkeypatch.setattr(model_bytes, "hash_files", lambda *_: "b" * 64)
    assert digest(hasher, folder) == "b" * 64


def test_large_models_are_hashed_in_the_background(hasher, folder, monkeypatch):
    settled(monkeypatch)
    with pytest.raises(Unreachable, match="bytes are being hashed"):
        digest(hasher, folder, max_inline_bytes=100)
    hasher._jobs[str(folder)].result(timeout=60)
    assert digest(hasher, folder, max_inline_bytes=100) == model_digest(folder)


def test_caps_and_unreadable_files_are_refused_with_the_reason(hasher, folder):
    with pytest.raises(EvidenceError, match="more than 1 files"):
        digest(hasher, folder, max_files=1)
    with pytest.raises(EvidenceError, match="more than the 10 that are hashed here"):
        digest(hasher, folder, max_bytes=10)
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises((EvidenceError, Unreachable)):
        digest(hasher, folder)
