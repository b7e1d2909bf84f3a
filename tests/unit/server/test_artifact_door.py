"""The server writes and deletes nothing that a registered version relies on."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from aims_mlflow.gates.rules_in_force import RulesInForce
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.records.policy import Caps
from aims_mlflow.server import artifact_door, artifact_repositories
from aims_mlflow.server.artifact_door import ArtifactDoor
from aims_mlflow.server.stored_rows import RegistryRows
from aims_mlflow.signing.keys import ephemeral_key
from support.embedded_registry import files_of
from support.plain_registry import ungated
from support.signed_sessions import entry, session

KEY, UNKNOWN = ephemeral_key(), ephemeral_key()
MODEL, RUN = "m-" + "a" * 32, "b" * 32
OTHER = "m-" + "c" * 32
SESSIONS = f"1/{RUN}/artifacts/aims/sessions"


def door(rows, keyring=Keyring(version=1, keys=(entry(KEY),))):  # noqa: B008 - nothing changes it
    """A door in front of what a registry's rows rely on, with one known key."""
    force = RulesInForce(SimpleNamespace(policy=SimpleNamespace(caps=Caps()), roles=()), keyring, "")
    return ArtifactDoor(rows, lambda: force)


@pytest.fixture(params=["mlflow-artifacts:/", "", "file://"])
def proxy(request, tmp_path, monkeypatch):
    """The repository of the server's artifact proxy, and one registered version in its store."""
    root = tmp_path / "store"
    monkeypatch.setenv("_MLFLOW_SERVER_ARTIFACT_DESTINATION", str(root))
    for name in (f"1/models/{MODEL}/artifacts/MLmodel", f"1/models/{OTHER}/artifacts/MLmodel", f"{SESSIONS}/x.jsonl"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("before")
    start = request.param or f"{root}/"
    location = f"{start}{root}/" if request.param == "file://" else start
    relied = [(f"{location}1/models/{MODEL}/artifacts", RUN)]
    rows = SimpleNamespace(relied_on=lambda ids: [r for r in relied if not ids or any(i in r[0] + r[1] for i in ids)])
    repositories = SimpleNamespace(get_artifact_repository=get_artifact_repository)
    artifact_repositories.close(repositories, lambda: door(rows))
    return repositories.get_artifact_repository(str(root)), root


def new_file(tmp_path, name):
    (tmp_path / name).write_text("after")
    return str(tmp_path / name)


def session_file(tmp_path, name, key=KEY, **more):
    (tmp_path / name).write_bytes(session(key, **more).jsonl())
    return str(tmp_path / name)


def refused(call, *args, why="relies on these files"):
    with pytest.raises(MlflowException, match=why) as caught:
        call(*args)
    assert caught.value.get_http_status_code() == 403


def test_files_of_a_registered_version_stay(proxy, tmp_path):
    repository, root = proxy
    for name in ("MLmodel", "new.bin"):
        refused(repository.log_artifact, new_file(tmp_path, name), f"1/models/{MODEL}/artifacts")
    for place in (f"1/models/{MODEL}/artifacts/MLmodel", f"1/models/{MODEL}", "1/models", "1"):
        refused(repository.delete_artifacts, place)
    assert (root / f"1/models/{MODEL}/artifacts/MLmodel").read_text() == "before"


def test_a_stream_is_refused_before_its_first_byte(proxy):
    repository, _ = proxy
    local: Any = type(repository).__mro__[1]

    class Streaming(local):
        async def log_artifact_from_async_stream(self, chunks, artifact_file_name, artifact_path=None):
            raise AssertionError("it was written")

    streaming = artifact_repositories.guarded(
        Streaming(repository.artifact_uri),
        lambda: door(SimpleNamespace(relied_on=lambda _: [(repository.artifact_uri, None)])),
    )
    with pytest.raises(MlflowException, match="relies on these files"):
        asyncio.run(streaming.log_artifact_from_async_stream(None, "MLmodel", "1"))


@pytest.mark.parametrize(
    ("asked", "passes"), [({}, True), ({"expiration": 900}, True), ({"expiration": 604_800}, False)]
)
def test_an_upload_link_works_for_a_quarter_of_an_hour_at_most(proxy, asked, passes):
    """MLflow signs one for as long as the client asks: it would write past the server after the registration."""
    repository, _ = proxy
    local: Any = type(repository).__mro__[1]

    class Signing(local):
        def create_presigned_upload_url(self, artifact_path, expiration=900):
            return artifact_path, expiration

    signing = artifact_repositories.guarded(
        Signing(repository.artifact_uri), lambda: door(SimpleNamespace(relied_on=lambda _: []))
    )
    place = f"1/models/{OTHER}/artifacts/new.bin"
    if passes:
        assert signing.create_presigned_upload_url(place, **asked) == (place, 900)
    else:
        with pytest.raises(MlflowException, match="would work for 604,800 s, after a registration too") as caught:
            signing.create_presigned_upload_url(place, **asked)
        assert caught.value.get_http_status_code() == 403


@pytest.mark.parametrize(("store", "passes"), [("wasbs://c@a.blob.core.windows.net/x", False), ("s3://bucket/x", True)])
def test_links_for_parts_that_write_the_whole_file_are_not_signed(store, passes):
    """Azure's are a signature for the blob; S3 joins parts when the server is asked, and so the door."""

    class Signing:
        artifact_uri = store

        def create_multipart_upload(self, local_file, num_parts=1, artifact_path=None):
            return local_file, num_parts, artifact_path

    signing = artifact_repositories.guarded(Signing(), lambda: door(SimpleNamespace(relied_on=lambda _: [])))
    if passes:
        assert signing.create_multipart_upload("new.bin", 3, "1/models") == ("new.bin", 3, "1/models")
    else:
        with pytest.raises(MlflowException, match="would overwrite the whole file for an hour"):
            signing.create_multipart_upload("new.bin", 3, "1/models")


def test_mlflow_signs_an_upload_link_for_as_long_as_the_door_lets_pass_where_nobody_says():
    import inspect

    from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

    asked = inspect.signature(S3ArtifactRepository.create_presigned_upload_url).parameters["expiration"]
    assert asked.default == artifact_door.LONGEST_LINK_SECONDS


def test_sessions_of_its_run_are_added_and_never_changed(proxy, tmp_path):
    repository, root = proxy
    refused(repository.log_artifact, new_file(tmp_path, "x.jsonl"), SESSIONS)
    for place in (f"{SESSIONS}/x.jsonl", f"1/{RUN}", f"1/{RUN}/artifacts/aims"):
        refused(repository.delete_artifacts, place)
    whole = session_file(tmp_path, "y.jsonl")
    repository.log_artifact(whole, SESSIONS)
    repository.log_artifact(whole, SESSIONS)  # the same bytes once more
    refused(repository.log_artifact, session_file(tmp_path, "y.jsonl", group="Other"), SESSIONS)
    repository.log_artifact(new_file(tmp_path, "model_card.md"), f"1/{RUN}/artifacts/aims")
    assert {p.name for p in (root / SESSIONS).iterdir()} == {"x.jsonl", "y.jsonl"}


@pytest.mark.parametrize("by", ["file", "stream"])
def test_what_would_speak_against_a_version_for_good_is_not_added_to_its_run(proxy, tmp_path, by):
    """Junk, what nobody known signed, and a session before its manifest; a stream is judged when it has ended."""
    repository, root = proxy

    def add(path):
        if by == "file":
            return repository.log_artifact(path, SESSIONS)

        async def chunks():
            yield Path(path).read_bytes()

        return asyncio.run(repository.log_artifact_from_async_stream(chunks(), Path(path).name, SESSIONS))

    for path in (
        new_file(tmp_path, "junk.jsonl"),
        session_file(tmp_path, "unknown.jsonl", UNKNOWN),
        session_file(tmp_path, "unfinished.jsonl", close=False),
    ):
        refused(add, path, why="only whole sessions that known keys signed are added to it")
    add(session_file(tmp_path, "whole.jsonl", ratio="0.31"))
    assert {p.name for p in (root / SESSIONS).iterdir()} == {"x.jsonl", "whole.jsonl"}


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}", "linked", "encoded"])
def test_one_place_has_many_addresses(proxy, tmp_path, form):
    """Whoever makes an experiment names its place: one inside the server's store is the same place by another name."""
    _, root = proxy
    (tmp_path / "link").symlink_to(root)
    named = {"linked": str(tmp_path / "link"), "encoded": f"file://{str(root).replace('store', '%73tore')}"}
    base = named.get(form, form.format(root))
    relied = [(f"mlflow-artifacts:/1/models/{MODEL}/artifacts", RUN)]
    rows = SimpleNamespace(relied_on=lambda ids: [r for r in relied if not ids or any(i in r[0] + r[1] for i in ids)])

    def opened(place):
        return artifact_repositories.guarded(get_artifact_repository(f"{base}/{place}"), lambda: door(rows))

    refused(opened(f"1/models/{MODEL}/artifacts/{'d' * 32}/artifacts").log_artifact, new_file(tmp_path, "added.py"))
    of_run = opened(f"1/{RUN}/artifacts")
    refused(of_run.log_artifact, new_file(tmp_path, "x.jsonl"), "aims/sessions")
    refused(of_run.log_artifact, new_file(tmp_path, "z.jsonl"), "aims/sessions/folder")
    of_run.log_artifact(session_file(tmp_path, "y.jsonl"), "aims/sessions")
    opened(f"1/models/{OTHER}/artifacts").log_artifact(new_file(tmp_path, "MLmodel"))
    assert (root / SESSIONS / "x.jsonl").read_text() == "before"


def test_what_is_not_registered_is_the_trainers_own(proxy, tmp_path):
    repository, root = proxy
    repository.log_artifact(new_file(tmp_path, "MLmodel"), f"1/models/{OTHER}/artifacts")
    assert (root / f"1/models/{OTHER}/artifacts/MLmodel").read_text() == "after"
    repository.delete_artifacts(f"1/models/{OTHER}")


def test_files_are_free_once_the_last_version_that_has_them_is_deleted(registry, plain, tmp_path):
    """By the rows of a real registry: what is deleted there stays as a row with another stage."""
    import mlflow

    version, uri = ungated(plain, "loans")
    model_id = uri.removeprefix("models:/")
    run = mlflow.get_logged_model(model_id).source_run_id
    plain.create_model_version("loans", uri, run, model_id=model_id)
    root = files_of(uri).parents[2]
    rows = RegistryRows(plain._get_registry_client().store)
    repository = artifact_repositories.guarded(get_artifact_repository(str(root)), lambda: door(rows))
    sessions = f"{run}/artifacts/aims/sessions"
    repository.log_artifact(session_file(tmp_path, "x.jsonl"), sessions)

    def closed():
        refused(repository.log_artifact, new_file(tmp_path, "MLmodel"), f"models/{model_id}/artifacts")
        refused(repository.delete_artifacts, f"models/{model_id}")
        refused(repository.log_artifact, new_file(tmp_path, "x.jsonl"), sessions)

    closed()
    plain.delete_model_version("loans", "2")
    closed()
    plain.delete_model_version("loans", version)
    assert rows.relied_on([model_id]) == rows.relied_on([run]) == rows.relied_on([]) == []
    repository.log_artifact(new_file(tmp_path, "x.jsonl"), sessions)
    repository.log_artifact(new_file(tmp_path, "MLmodel"), f"models/{model_id}/artifacts")
    assert (files_of(uri) / "MLmodel").read_text() == "after"
    repository.delete_artifacts(f"models/{model_id}")


def test_a_registry_that_does_not_answer_lets_nothing_be_changed(tmp_path):
    def gone(_):
        raise ConnectionError

    repository = artifact_repositories.guarded(
        get_artifact_repository(str(tmp_path)), lambda: door(SimpleNamespace(relied_on=gone))
    )
    with pytest.raises(MlflowException) as caught:
        repository.log_artifact(new_file(tmp_path, "a"), "1")
    assert caught.value.get_http_status_code() == 403


@pytest.mark.parametrize("uri", ["aims+sqlite:///x.db", pytest.param("sqlite:///x.db", marks=pytest.mark.full)])
def test_the_door_closes_with_the_import_of_mlflows_handlers_where_the_registry_is_gated(uri, tmp_path):
    """In a process of its own: the handlers of this one are imported already."""
    import os
    import subprocess

    code = (
        "import mlflow.server.handlers as h; from aims_mlflow.server import artifact_repositories as a; "
        "print(a.is_closed())"
    )
    env = {
        **os.environ,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{tmp_path}/m.db",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(uri.startswith("aims+"))


def test_mlflow_opens_every_repository_by_the_method_that_is_wrapped():
    """The door hangs on names of MLflow that are not public."""
    import inspect

    from mlflow.server import handlers
    from mlflow.store.artifact import artifact_repository_registry as module
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    assert hasattr(module, artifact_repositories.CLASS)
    assert module.__name__ == artifact_repositories.REPOSITORIES
    opened = "_artifact_repository_registry.get_artifact_repository("
    assert opened in inspect.getsource(module.get_artifact_repository)
    assert callable(handlers._get_model_registry_store)
    published = inspect.signature(getattr(LocalArtifactRepository, artifact_repositories.PUBLISH))
    assert {artifact_repositories.DESTINATION, artifact_repositories.STAGED} <= set(published.parameters)


def test_a_stream_that_ends_after_the_registration_is_refused_then(tmp_path):
    """Its client holds it open for as long as it likes; the file is put in its place when it ends."""
    place = f"1/models/{MODEL}/artifacts"
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "MLmodel").write_text("before")
    relied = []
    rows = SimpleNamespace(relied_on=lambda _: relied)
    repository = artifact_repositories.guarded(get_artifact_repository(str(tmp_path)), lambda: door(rows))

    async def chunks():
        yield b"af"
        relied.append((f"{tmp_path}/{place}", RUN))
        yield b"ter"

    with pytest.raises(MlflowException, match="relies on these files"):
        asyncio.run(repository.log_artifact_from_async_stream(chunks(), "MLmodel", place))
    assert [p.name for p in (tmp_path / place).iterdir()] == ["MLmodel"]
    assert (tmp_path / place / "MLmodel").read_text() == "before"


@pytest.mark.parametrize(
    "address", ["file%3A{}/1/models/{}/artifacts/MLmodel%3F", "file:{}/1/models/{}/artifacts/MLmodel%3F"]
)
def test_a_deletion_is_of_the_place_that_mlflow_makes_of_its_address(proxy, address, monkeypatch):
    """A trace's tags name where its archive is, and MLflow decodes that twice before it deletes there."""
    _, root = proxy
    relied = [(f"{root}/1/models/{MODEL}/artifacts", RUN)]
    archive = artifact_repositories.guarded(
        get_artifact_repository(address.format(root, MODEL)),
        lambda: door(SimpleNamespace(relied_on=lambda _: relied)),
    )
    with pytest.raises(MlflowException):
        archive.delete_artifacts("traces.pb")
    assert (root / f"1/models/{MODEL}/artifacts/MLmodel").read_text() == "before"


@pytest.mark.parametrize("form", ["file%3A{}%3F", "file%3A{}%2Fkeys%3F"])
def test_nothing_but_artifacts_is_deleted_on_the_servers_disk(tmp_path, form):
    for name in ("keys/log.pem", "ledger.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    archive = artifact_repositories.guarded(
        get_artifact_repository(form.format(tmp_path / "ledger.db" if "Fkeys" not in form else tmp_path)),
        lambda: door(SimpleNamespace(relied_on=lambda _: [])),
    )
    with pytest.raises(MlflowException, match="outside of the artifact store"):
        archive.delete_artifacts("traces.pb")
    assert (tmp_path / "ledger.db").exists()
    assert (tmp_path / "keys" / "log.pem").exists()


def test_a_folder_above_runs_is_not_deleted_while_any_version_is_there(proxy):
    """The run of a version's evidence may be below an experiment that its files are not in."""
    repository, root = proxy
    (root / "7" / "x").mkdir(parents=True)
    refused(repository.delete_artifacts, "7")
    assert (root / "7").is_dir()


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("c:/../store/x", "{here}/store/x"),
        ("wasbs://c@other.blob.core.windows.net/store/x", "azure:c/store/x"),
        ("abfss://c@other.dfs.core.windows.net/store/x/", "azure:c/store/x"),
        ("mlflow-artifacts:/x/%2e%2e/y", "/srv/x/%2e%2e/y"),
        ("file:///srv/%78", "/srv/x"),
        ("s3://bucket/x/", "s3://bucket/x"),
        ("S3://bucket/X", "s3://bucket/X"),
        ("dbfs:/Foo/Bar", "dbfs:/Foo/Bar"),
        ("MLFLOW-ARTIFACTS:/x", "/srv/x"),
    ],
)
def test_places_of_odd_addresses(uri, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert artifact_door.absolute(uri, "/srv") == place.format(here=tmp_path.resolve())
