"""Google's and Azure's stores, as their own clients see them: each overwrite has another mark, so digests are remembered.

Google's emulator comes from PyPI, Azure's (azurite) from npm: without them the tests are skipped.
"""

import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.policy import Caps
from aims_mlflow.server import model_bytes, stored_files
from aims_mlflow.server.stored_files import StoredFiles
from aims_mlflow.server.stored_objects import lister_of

FILES = {"m/MLmodel": b"flavors: {}\n", "m/data/weights.bin": b"w" * 5000, "m/empty": b"", "m2/other": b"x"}
# The account that azurite has.
ACCOUNT, KEY = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def google(monkeypatch):
    """Yields (MLflow's repository of a model, what writes an object)."""
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed")
    storage = pytest.importorskip("google.cloud.storage", reason="google-cloud-storage is not installed")
    from google.auth.credentials import AnonymousCredentials
    from mlflow.store.artifact.gcs_artifact_repo import GCSArtifactRepository

    port = free_port()
    server = emulator.create_server("localhost", port, in_memory=True, default_bucket="models")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://localhost:{port}")
    client = storage.Client(project="p", credentials=AnonymousCredentials())

    def write(name, content):
        client.bucket("models").blob(name).upload_from_string(content)

    yield GCSArtifactRepository("gs://models/m", client=client), write
    server.stop()


@pytest.fixture
def azure(monkeypatch, tmp_path):
    blob = pytest.importorskip("azure.storage.blob", reason="azure-storage-blob is not installed")
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("azurite is not installed")
    from mlflow.store.artifact.azure_blob_artifact_repo import AzureBlobArtifactRepository

    port = free_port()
    place = f"http://127.0.0.1:{port}/{ACCOUNT}"
    told = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={place};"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told)
    options = ["--silent", "--location", str(tmp_path), "--blobPort", str(port), "--skipApiVersionCheck"]
    with subprocess.Popen([program, *options]) as server:
        try:
            for _ in range(300):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            container = blob.BlobServiceClient.from_connection_string(told).create_container("models")
            repository = AzureBlobArtifactRepository(f"wasbs://models@{ACCOUNT}.blob.core.windows.net/m")
            # A hierarchical namespace lists its folders as empty blobs.
            container.upload_blob("m/data", b"", overwrite=True)
            yield repository, lambda name, content: container.upload_blob(name, content, overwrite=True)
        finally:
            server.kill()


@pytest.fixture(params=["google", "azure"])
def store(request, monkeypatch):
    monkeypatch.setattr(stored_files, "SETTLED_SECONDS", -5.0)  # Azure tells whole seconds
    repository, write = request.getfixturevalue(request.param)
    for name, content in FILES.items():
        write(name, content)
    return StoredFiles(repository, ""), write


def test_each_overwrite_has_another_mark_also_with_the_same_bytes(store):
    files, write = store
    assert files.tells_every_change
    before = {f.name: f for f in files.walk(10)}
    assert {name: f.size for name, f in before.items()} == {"MLmodel": 12, "data/weights.bin": 5000, "empty": 0}
    write("m/data/weights.bin", FILES["m/data/weights.bin"])
    after = {f.name: f for f in files.walk(10)}
    assert before["data/weights.bin"].mark != after["data/weights.bin"].mark
    assert before["MLmodel"] == after["MLmodel"]
    with pytest.raises(EvidenceError, match="more than 2 files"):
        files.walk(2)


def test_a_digest_is_remembered_until_an_overwrite_and_one_that_is_taken_back_in_between_is_told(
    store, tmp_path, monkeypatch
):
    files, write = store
    hasher, hashed, real = model_bytes.ModelBytes(Ledger(f"sqlite:///{tmp_path}/ledger.db")), [], model_bytes.hash_files
    monkeypatch.setattr(model_bytes, "hash_files", lambda *a: hashed.append(1) or real(*a))
    first = hasher.digest("place", files, Caps())
    assert hasher.digest("place", files, Caps()) == first
    assert len(hashed) == 1
    assert hasher.is_unchanged("place", first, files)
    write("m/data/weights.bin", b"v" * 5000)
    write("m/data/weights.bin", FILES["m/data/weights.bin"])
    assert not hasher.is_unchanged("place", first, files)
    assert hasher.digest("place", files, Caps()) == first
    assert len(hashed) == 2


def test_a_large_model_is_hashed_in_the_background(store, tmp_path):
    files, _ = store
    hasher = model_bytes.ModelBytes(Ledger(f"sqlite:///{tmp_path}/ledger.db"))
    small = Caps(max_inline_bytes=100)
    with pytest.raises(Unreachable, match="bytes are being hashed"):
        hasher.digest("place", files, small)
    hasher._jobs["place"].result(timeout=60)
    assert hasher.digest("place", files, small) == hasher.digest("place", files, Caps())


def test_a_data_lake_lists_files_with_their_etags():
    def path(name, size, **more):
        written = datetime(2026, 11, 1, tzinfo=UTC)
        fields = {"is_directory": False, "last_modified": written, "etag": "0x1", **more}
        return SimpleNamespace(name=name, content_length=size, **fields)

    listed = [path("base/m/data", 0, is_directory=True), path("base/m/data/w", 5), path("base/m/MLmodel", 2, etag=None)]
    asked = []
    client = SimpleNamespace(get_paths=lambda **where: asked.append(where) or listed)
    lister = lister_of(SimpleNamespace(fs_client=client, base_data_lake_directory="base/"))
    whole, unmarked = lister("m")
    assert asked == [{"path": "base/m", "recursive": True}]
    assert (whole.name, whole.size, whole.mark) == ("data/w", 5, ("0x1", 5, "2026-11-01T00:00:00+00:00"))
    assert (unmarked.name, unmarked.mark) == ("MLmodel", None)


class Unmarked:
    """A repository of a kind whose listing tells sizes alone."""

    def __init__(self, folder):
        self.folder = folder

    def list_artifacts(self, _):
        names = sorted(path.name for path in self.folder.iterdir())
        return [SimpleNamespace(path=n, is_dir=False, file_size=(self.folder / n).stat().st_size) for n in names]

    def download_artifacts(self, name, folder):
        return shutil.copy(self.folder / name, folder)


def test_where_a_listing_tells_no_change_the_files_are_hashed_once_more(tmp_path):
    place = tmp_path / "model"
    place.mkdir()
    (place / "MLmodel").write_text("flavors: {}\n")
    (place / "weights.bin").write_bytes(b"w" * 50)
    files = StoredFiles(Unmarked(place), "")
    assert not files.tells_every_change
    hasher = model_bytes.ModelBytes(Ledger(f"sqlite:///{tmp_path}/ledger.db"))
    digest = hasher.digest("place", files, Caps())
    assert hasher.is_unchanged("place", digest, files)
    (place / "weights.bin").write_bytes(b"v" * 50)
    assert not hasher.is_unchanged("place", digest, files)
