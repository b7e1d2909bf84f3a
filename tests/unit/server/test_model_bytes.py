"""A model's digest is remembered only where no change goes unseen, and computed in the background where it is large."""

import mmap
import threading

import pytest
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.policy import Caps
from aims_mlflow.server import bounded_call, model_bytes
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


def counted(monkeypatch):
    hashed, real = [], model_bytes.hash_files
    monkeypatch.setattr(model_bytes, "hash_files", lambda *a: hashed.append(1) or real(*a))
    return hashed


def test_a_disk_hides_changes_so_each_decision_hashes_again(hasher, folder, monkeypatch):
    settled(monkeypatch)
    path = folder / "data" / "weights.bin"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"x"  # the page is dirty from here on: what is written next touches no time
        before, first = path.stat(), digest(hasher, folder)
        mapped[0:1] = b"y"
        after = path.stat()
        assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
        assert digest(hasher, folder) != first


@pytest.fixture
def bucket(monkeypatch):
    """A bucket with one model of two files, written some time ago."""
    import boto3
    from mlflow.store.artifact.s3_artifact_repo import _cached_get_s3_client
    from moto import mock_aws

    _cached_get_s3_client.cache_clear()  # MLflow keeps a client, with the credentials that an earlier test had
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("MLFLOW_S3_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        client.put_object(Bucket="models", Key="m/MLmodel", Body=b"flavors: {}\n")
        client.put_object(Bucket="models", Key="m/data/weights.bin", Body=b"w" * 5000)
        yield client


def test_s3_tells_every_overwrite_so_its_digests_are_remembered(hasher, bucket, monkeypatch):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    settled(monkeypatch)
    hashed = counted(monkeypatch)

    def digest_there():
        return hasher.digest("s3://models/m", StoredFiles(get_artifact_repository("s3://models/m"), ""), Caps())

    first = digest_there()
    assert digest_there() == first
    assert len(hashed) == 1
    bucket.put_object(Bucket="models", Key="m/data/weights.bin", Body=b"v" * 5000)
    assert digest_there() != first
    assert len(hashed) == 2


def test_another_worker_does_not_take_a_digest_from_the_database(hasher, bucket, monkeypatch, tmp_path):
    """Whoever has the database's password could put one there."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    settled(monkeypatch)
    hashed = counted(monkeypatch)
    for worker in (hasher, model_bytes.ModelBytes(Ledger(f"sqlite:///{tmp_path}/ledger.db"))):
        worker.digest("s3://models/m", StoredFiles(get_artifact_repository("s3://models/m"), ""), Caps())
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


def test_of_one_caller_few_large_models_wait_to_be_hashed_and_another_has_places_left(hasher, tmp_path, monkeypatch):
    settled(monkeypatch)
    people, begun, goes_on = ["eve"], [], threading.Event()
    monkeypatch.setattr(model_bytes, "caller_name", lambda: people[-1])
    monkeypatch.setattr(model_bytes, "hash_files", lambda *_: begun.append(1) or (goes_on.wait(60) and "a" * 64))

    def asked(number):
        place = tmp_path / f"large-{number}"
        place.mkdir(exist_ok=True)
        (place / "MLmodel").write_text("flavors: {}" + "\n" * 200)
        with pytest.raises(Unreachable) as told:
            digest(hasher, place, max_inline_bytes=100)
        return str(told.value)

    most = model_bytes.MAX_OF_CALLER
    assert all("are being hashed" in asked(number) for number in (*range(most), 0))
    assert f"{most} of them for eve, who may have {most}" in asked(most)
    assert len(hasher._jobs) == most
    people.append("ana")
    assert "are being hashed" in asked(most)
    people.append("eve")
    goes_on.set()
    for job in list(hasher._jobs.values()):
        job.result(timeout=60)
    assert "are being hashed" in asked(most + 1)


def test_a_large_models_digest_counts_for_the_time_that_the_policy_names(hasher, folder, monkeypatch):
    settled(monkeypatch)
    clock = [1000.0]
    monkeypatch.setattr(model_bytes, "monotonic", lambda: clock[0])
    caps = {"max_inline_bytes": 100, "max_hash_age_seconds": 60}
    with pytest.raises(Unreachable):
        digest(hasher, folder, **caps)
    hasher._jobs[str(folder)].result(timeout=60)
    clock[0] += 59
    assert digest(hasher, folder, **caps) == model_digest(folder)
    clock[0] += 2
    with pytest.raises(Unreachable, match="bytes are being hashed"):
        digest(hasher, folder, **caps)
    hasher._jobs[str(folder)].result(timeout=60)


def test_hashing_in_the_background_is_given_up_after_six_hours(hasher, folder, monkeypatch):
    """By a clock of the test: the store hangs, and whoever waits for it sees the time pass."""
    settled(monkeypatch)
    passed, ends = [], threading.Event()

    class Clocked(threading.Event):
        def wait(self, timeout=None):
            passed.append(timeout)
            return False

    class Slow(bounded_call._Call):
        def __init__(self, *args):
            super().__init__(*args)
            self.ended = Clocked()

    monkeypatch.setattr(bounded_call, "_Call", Slow)
    monkeypatch.setattr(model_bytes, "hash_files", lambda *_: ends.wait(60))
    try:
        with pytest.raises(Unreachable, match="bytes are being hashed"):
            digest(hasher, folder, max_inline_bytes=100)
        assert isinstance(hasher._jobs[str(folder)].exception(timeout=60), Unreachable)
        assert passed == [6 * 60 * 60]
        with pytest.raises(Unreachable, match="the artifact store did not answer within 21600 s"):
            digest(hasher, folder, max_inline_bytes=100)
    finally:
        ends.set()


def test_caps_and_unreadable_files_are_refused_with_the_reason(hasher, folder):
    with pytest.raises(EvidenceError, match="more than 1 files"):
        digest(hasher, folder, max_files=1)
    with pytest.raises(EvidenceError, match="more than the 10 that are hashed here"):
        digest(hasher, folder, max_bytes=10)
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises((EvidenceError, Unreachable)):
        digest(hasher, folder)
