"""The artifact door in MLflow's server: every artifact repository that its handlers open asks the gate before a write.

MLflow has no hook for that, so the handlers' own name for `get_artifact_repository` is replaced right after MLflow has
imported them, before any request. This module is imported in every process that finds the plug-in: nothing heavy.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import logging
import posixpath
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HANDLERS = "mlflow.server.handlers"
REGISTRY_URI = "_MLFLOW_SERVER_REGISTRY_STORE"
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
}
AZURE = ("wasb:", "wasbs:", "abfs:", "abfss:")
_log = logging.getLogger(__name__)


class _AfterImport(MetaPathFinder):
    """Closes the door once MLflow's handlers are imported."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """Return the handlers' own spec, with a loader that closes the door after it."""
        if fullname != HANDLERS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        loader: Any = spec.loader if spec else None
        if loader is not None:
            loader.exec_module = functools.partial(_run_and_close, loader.exec_module)
        return spec


def _run_and_close(run: Callable[[ModuleType], None], handlers: ModuleType) -> None:
    run(handlers)
    close(handlers)


def install() -> None:
    """Close the door of a server whose registry is gated, now or as soon as MLflow has imported its handlers."""
    if not (value_of(REGISTRY_URI) or "").startswith(PREFIX):
        return
    if HANDLERS in sys.modules and hasattr(sys.modules[HANDLERS], "get_artifact_repository"):
        close(sys.modules[HANDLERS])
    elif HANDLERS not in sys.modules:
        sys.meta_path.insert(0, _AfterImport())


def close(handlers: Any) -> None:
    """Let every repository that the handlers open ask the gate before it writes."""
    open_repository = handlers.get_artifact_repository
    if getattr(open_repository, "asks_the_gate", False):
        return

    @functools.wraps(open_repository)
    def asking(*args: Any, **kwargs: Any) -> Any:
        return guarded(open_repository(*args, **kwargs), lambda: _gated_store(handlers).door)

    vars(asking)["asks_the_gate"] = True
    handlers.get_artifact_repository = asking


def _gated_store(handlers: Any) -> Any:
    return handlers._get_model_registry_store()  # noqa: SLF001 - with the other names of MLflow, a test pins it


def is_closed() -> bool:
    """Return whether this server's artifact repositories ask the gate."""
    return bool(getattr(getattr(sys.modules.get(HANDLERS), "get_artifact_repository", None), "asks_the_gate", False))


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
        deletes = name in ("delete_artifacts", "log_artifacts")
        seconds = int(given.get("expiration") or 0)
        write_blob = name == "create_multipart_upload" and self.artifact_uri.startswith(AZURE)
        door().pass_through(Write(self.artifact_uri, path, deletes, lambda: _exists(self, path), seconds, write_blob))
        return method(self, *args, **kwargs)

    return write


def _path(name: str, given: Mapping[str, Any]) -> str:
    """Return the place below the repository's root that a call writes to."""
    file = WRITES[name]
    folder = str(given.get("artifact_path") or "")
    return posixpath.join(folder, posixpath.basename(str(given[file]))) if file else folder


def _exists(repository: Any, path: str) -> bool:
    return any(found.path == path for found in repository.list_artifacts(posixpath.dirname(path) or None))
