"""The artifact door in MLflow's server: every artifact repository that the process opens asks the gate before a write.

MLflow has no hook for that, so the method by which its registry of repositories opens one is wrapped right after MLflow
has imported it, before any request: handlers, traces, prompt trials and repositories inside of `runs:/` all call it.
This module is imported in every process that finds the plug-in: nothing heavy.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import posixpath
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.server.after_import import after_import, in_gated_server
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORIES = "mlflow.store.artifact.artifact_repository_registry"
CLASS = "ArtifactRepositoryRegistry"
PUBLISH = "_publish_staged_artifact"
# Methods that write: the argument that names the file inside `artifact_path`, None where the path is whole.
WRITES = {
    "log_artifact": "local_file",
    "log_artifacts": None,
    "delete_artifacts": None,
    "log_artifact_from_stream": "artifact_file_name",
    "log_artifact_from_async_stream": "artifact_file_name",
    "create_multipart_upload": "local_file",
    "complete_multipart_upload": "local_file",
    "create_presigned_upload_url": None,
    # A stream ends when its client lets it, long after the door was asked for the first time.
    PUBLISH: None,
}
DESTINATION, STAGED = "destination_file_path", "temp_file_path"
STREAMS = ("log_artifact_from_stream", "log_artifact_from_async_stream")
AZURE = ("wasb:", "wasbs:", "abfs:", "abfss:")
_log = logging.getLogger(__name__)


def install() -> None:
    """Close the door of a server whose registry is gated, now or as soon as MLflow has what opens repositories."""
    if in_gated_server():
        after_import(REPOSITORIES, lambda module: close(vars(module)[CLASS]) if hasattr(module, CLASS) else None)


def close(repositories: Any, door: Callable[[], Any] | None = None) -> None:
    """Let every repository that is opened ask the gate before it writes: `door`, by default that of MLflow's server."""
    open_repository = repositories.get_artifact_repository
    if getattr(open_repository, "asks_the_gate", False):
        return

    @functools.wraps(open_repository)
    def asking(*args: Any, **kwargs: Any) -> Any:
        return guarded(open_repository(*args, **kwargs), door or _door)

    vars(asking)["asks_the_gate"] = True
    repositories.get_artifact_repository = asking


def _door() -> Any:
    from mlflow.server import handlers

    return handlers._get_model_registry_store().door  # noqa: SLF001 - with the other names of MLflow, a test pins it


def is_closed() -> bool:
    """Return whether this server's artifact repositories ask the gate."""
    opened_by = getattr(sys.modules.get(REPOSITORIES), CLASS, None)
    return bool(getattr(getattr(opened_by, "get_artifact_repository", None), "asks_the_gate", False))


def finding() -> str | None:
    """Return the finding that this server's artifact proxy writes below registered models; None where it asks first."""
    if value_of("_MLFLOW_SERVER_SERVE_ARTIFACTS") != "true" or is_closed():
        return None
    return "the artifact proxy asks nobody before it changes files of registered models. Next: see the server's log"


def guarded(repository: Any, door: Callable[[], Any]) -> Any:
    """Return the repository, whose writing methods ask `door` first; it stays an instance of its class."""
    own = type(repository)
    asking = {name: _asking(getattr(own, name), name, door) for name in WRITES if hasattr(own, name)}
    repository.__class__ = type(own.__name__, (own,), asking)
    return repository


def _asking(method: Any, name: str, door: Callable[[], Any]) -> Any:
    @functools.wraps(method)
    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        from aims_mlflow.server.artifact_door import Write

        given = inspect.signature(method).bind(self, *args, **kwargs).arguments
        path = _path(name, given)
        asked = Write(
            root=self.artifact_uri,
            path=path,
            place=_place(self, name, path, given),
            deletes=name in ("delete_artifacts", "log_artifacts"),
            exists=lambda: _exists(self, path, given),
            is_deletion=name == "delete_artifacts",
            link_seconds=int(given.get("expiration") or 0),
            overwrites_later=name == "create_multipart_upload" and self.artifact_uri.startswith(AZURE),
            content=lambda most: _content(name, given, most),
            stored=lambda most: _stored(self, path, given, most),
            asks_again=name in STREAMS and hasattr(self, PUBLISH),
        )
        door().pass_through(asked)
        return method(self, *args, **kwargs)

    return write


def _path(name: str, given: Mapping[str, Any]) -> str:
    """Return the place below the repository's root that a call writes to."""
    file = WRITES[name]
    folder = str(given.get("artifact_path") or "")
    return posixpath.join(folder, posixpath.basename(str(given[file]))) if file else folder


def _place(repository: Any, name: str, path: str, given: Mapping[str, Any]) -> str:
    """Return the place that the repository itself makes of a path: on a disk it decodes what it deletes once more."""
    from mlflow.utils.file_utils import local_file_uri_to_path

    from aims_mlflow.server.artifact_door import absolute

    if name == PUBLISH:
        return os.path.realpath(str(given[DESTINATION]))
    folder = getattr(repository, "artifact_dir", None)
    if folder is None:
        return f"{absolute(repository.artifact_uri)}/{path.strip('/')}".rstrip("/")
    joined = posixpath.join(folder, path)
    return os.path.realpath(str(local_file_uri_to_path(joined)) if name == "delete_artifacts" else joined)


def _exists(repository: Any, path: str, given: Mapping[str, Any]) -> bool:
    if DESTINATION in given:
        return Path(given[DESTINATION]).exists()
    return any(found.path == path for found in repository.list_artifacts(posixpath.dirname(path) or None))


def _content(name: str, given: Mapping[str, Any], most: int) -> bytes | None:
    """Return the bytes that a call writes, one more than `most` of them at most; None where it does not have them."""
    local = given.get(STAGED) or (given["local_file"] if name == "log_artifact" else None)
    return _read(Path(local), most) if local else None


def _stored(repository: Any, path: str, given: Mapping[str, Any], most: int) -> bytes:
    """Return the bytes of the file that is there."""
    if DESTINATION in given:
        return _read(Path(given[DESTINATION]), most)
    with tempfile.TemporaryDirectory(prefix="aims-gate-") as folder:
        return _read(Path(repository.download_artifacts(path, folder)), most)


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most + 1)
