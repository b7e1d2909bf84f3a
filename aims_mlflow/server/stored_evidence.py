"""Reading inside the server: the model behind a source, its files, and the evidence of its run.

Uses names of MLflow that are not public.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.errors import AimsError, EvidenceError, Unreachable
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.server.stored_files import StoredFiles
from aims_mlflow.server.stored_rows import logged_model_row
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aims_mlflow.records.policy import Caps

MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
RUN_ID = re.compile(r"[0-9a-f]{32}")
MAX_ROOTS = 10_000
# MLflow's column for sources: each id in a longer one would cost a query.
MAX_SOURCE = 500
ALLOW_STORE = (
    "log the model in an experiment of this server's own artifact store, or the platform team adds the place to "
    "`locations` in policy.yaml"
)
LOG_HERE = "log the model in a run (log_model) and register models:/m-ID"


@dataclass(frozen=True)
class ArtifactOwner:
    """The location of a source's files, and their owner: a logged model, or a run with the artifacts."""

    model_id: str | None
    run_id: str | None
    location: str


class ServerEvidence:
    """Reads through MLflow's own stores in the server's configuration."""

    def __init__(self, tracking_uri: str | None, locations: Callable[[], tuple[str, ...]] = tuple) -> None:
        """`locations` returns the places that the policy allows beside this server's own artifact root."""
        self._tracking_uri = tracking_uri
        self._locations = locations
        self._roots: BoundedCache[str] = BoundedCache(MAX_ROOTS)

    def forget(self) -> None:
        """Clear the cached locations of run artifacts."""
        self._roots.clear()

    def _tracking_store(self) -> Any:
        if in_server():
            from mlflow.server import handlers

            return reading_primary(handlers._get_tracking_store())
        from mlflow.tracking._tracking_service.utils import _get_store

        return _get_store(self._tracking_uri)

    def logged_model(self, model_id: str, *, deleted: bool = False) -> ArtifactOwner:
        """Return a logged model by its id; with `deleted`, also one that was deleted: its files stay until `mlflow gc`.

        Raises:
            EvidenceError: there is none.
        """
        from mlflow.exceptions import MlflowException

        try:
            model = logged_model_row(self._tracking_store(), model_id, deleted=deleted)
        except MlflowException as exc:
            raise _missing(exc, f"there is no logged model {model_id}", "register a model that is logged here") from exc
        run_id = model.source_run_id
        if run_id is None:  # logged outside any run: a tag finds the evidence, and only digests decide
            run_id = (
                self._tracking_store()
                .get_logged_model(model_id, **({"allow_deleted": True} if deleted else {}))
                .tags.get("aims.run")
            )
        return ArtifactOwner(model_id, run_id, model.artifact_location)

    def owner_of(self, source: str, *, deleted: bool = False) -> ArtifactOwner:
        """Resolve a source to the logged model or the run that owns it.

        `models:/m-ID`, `runs:/RUN/NAME`, the very location where a logged model's files lie, or a folder among a
        run's artifacts. With `deleted`, the logged model may be deleted.

        Raises:
            EvidenceError: nothing here owns it, or more than one thing does.
        """
        if len(source) > MAX_SOURCE:
            raise EvidenceError(f"the source has {len(source):,} letters, at most {MAX_SOURCE:,} fit", next=LOG_HERE)
        rest = source.removeprefix("models:/")
        if rest != source and MODEL_ID.fullmatch(rest):
            return self.logged_model(rest, deleted=deleted)
        if source.startswith("runs:/"):
            return self._of_run(source)
        for model_id in dict.fromkeys(MODEL_ID.findall(source)):
            owned = self.logged_model(model_id, deleted=deleted)
            if same_place(owned.location, source):
                return owned
        for run_id in dict.fromkeys(RUN_ID.findall(source)):
            artifacts = self._artifacts_of(run_id)
            if artifacts and inside(artifacts, source):
                return ArtifactOwner(None, run_id, source.rstrip("/"))
        raise EvidenceError(
            "the source is not the place of a model that was logged here, so nothing can vouch for its bytes",
            next=LOG_HERE,
        )

    def _artifacts_of(self, run_id: str) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            return str(self._tracking_store().get_run(run_id).info.artifact_uri)
        except MlflowException as exc:
            if exc.get_http_status_code() >= 500:
                raise
            return None

    def _of_run(self, source: str) -> ArtifactOwner:
        """Resolve `runs:/RUN/NAME`. MLflow loads both a model and run artifacts of that name: only one may be there."""
        from mlflow.exceptions import MlflowException

        run_id, _, name = source.removeprefix("runs:/").partition("/")
        name = name.strip("/")
        if not RUN_ID.fullmatch(run_id):
            raise EvidenceError("the source names no run by its id", next=LOG_HERE)
        store = self._tracking_store()
        try:
            run = store.get_run(run_id)
            ids = [o.model_id for o in run.outputs.model_outputs] if run.outputs else []
            named = [m for m in (store.get_logged_model(i) for i in ids) if m.name == name]
        except MlflowException as exc:
            raise _missing(exc, f"there is no run {run_id}", LOG_HERE) from exc
        artifacts = bool(name) and bool(self.files(run.info.artifact_uri).folder(name))
        if len(named) + artifacts > 1:
            raise EvidenceError(f"run {run_id} has more than one thing of that name", next="register models:/m-ID")
        if named:
            return ArtifactOwner(named[0].model_id, named[0].source_run_id, named[0].artifact_location)
        if artifacts:
            return ArtifactOwner(None, run_id, f"{run.info.artifact_uri.rstrip('/')}/{name}")
        raise EvidenceError(f"run {run_id} logged no model of that name", next=LOG_HERE)

    def session_files(self, run_id: str, caps: Caps, allowed: Sequence[str] | None = None) -> dict[str, bytes]:
        """Return the session files of a run; empty where it has none. A run that is deleted in MLflow keeps them.

        `allowed` are the locations of the policy that decides, by default of the one in force.

        Raises:
            EvidenceError: more or larger files than the policy's caps.
            Unreachable: they cannot be read.
        """
        from mlflow.exceptions import MlflowException

        try:
            files = self.files(self._root_of(run_id), allowed)
        except MlflowException as exc:
            if exc.get_http_status_code() >= 500:
                raise
            return {}  # `mlflow gc` took the run with all of its evidence
        out: dict[str, bytes] = {}
        left = caps.max_session_bytes
        for name, is_dir, size in files.folder(SESSION_DIR):
            if not name.endswith(".jsonl"):
                continue
            if is_dir:  # evidence that cannot be read is not evidence that never was
                raise EvidenceError(f"{name} is a folder where the evidence of a session should be", next=LOG_HERE)
            if len(out) >= caps.max_session_files or size > left:
                raise EvidenceError(
                    "the run holds more evidence than is read for one decision", next="use a run of its own"
                )
            out[name] = files.read(name, left)
            left -= len(out[name])
        return out

    def _root_of(self, run_id: str) -> str:
        """Return the location of a run's artifacts, cached: MLflow sets it once, and never reuses a run id."""

        def read() -> str:
            return str(self._tracking_store().get_run(run_id).info.artifact_uri)

        return self._roots.get((active_workspace(), run_id), read)

    def files(self, uri: str, allowed: Sequence[str] | None = None) -> StoredFiles:
        """Return the files below a location, through the repository that this server has for it.

        `allowed` are the locations of the policy that decides, by default of the one in force.

        Raises:
            EvidenceError: the policy does not allow the location.
            Unreachable: the server has no repository for it; MLflow's own text would tell the location.
        """
        roots = (self._own_root(), *(self._locations() if allowed is None else allowed))
        if not any(within(root, uri) for root in roots):
            raise EvidenceError("the files lie in a store that the policy does not allow", next=ALLOW_STORE)
        try:
            return self._files(uri)
        except Exception as exc:
            raise Unreachable(f"the artifact store cannot be opened ({type(exc).__name__})") from exc

    def _own_root(self) -> str:
        """Return the root under which this server makes the artifact locations of experiments.

        The client of a remote server knows it by its first experiment.
        """
        store = self._tracking_store()
        root = getattr(store, "artifact_root_uri", None)
        return str(root or store.get_experiment("0").artifact_location.removesuffix("/0"))

    def _files(self, uri: str) -> StoredFiles:
        if not in_server():
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            return StoredFiles(get_artifact_repository(uri), "")
        from mlflow.server import handlers

        if uri.startswith(("mlflow-artifacts:", "http:", "https:")):
            root = handlers._get_proxied_run_artifact_destination_path(uri)
            return StoredFiles(handlers._get_artifact_repo_mlflow_artifacts(), root)
        return StoredFiles(handlers._get_artifact_repository_for_uri(uri), "")


def reading_primary(store: Any) -> Any:
    """Return a tracking store that reads what was written last: a copy of one that reads from a replica.

    On a replica that is behind, a run or a model of this minute is not there, and evidence is missing that is there.
    """
    if getattr(store, "read_engine", None) is None:
        return store
    same = copy.copy(store)
    same.ManagedSessionMaker = lambda **_: store.ManagedSessionMaker(read_only=False)
    return same


def _missing(exc: Any, what: str, advice: str) -> AimsError:
    """Distinguish a missing object from a failure of the tracking store."""
    if exc.get_http_status_code() >= 500:
        return Unreachable(f"the tracking store does not answer ({exc.error_code})")
    return EvidenceError(what, next=advice)


def in_server() -> bool:
    """Return whether this process is an MLflow server, which reads through its own stores."""
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    return value_of(BACKEND_STORE_URI_ENV_VAR) is not None


def active_workspace() -> str | None:
    """Return the workspace of the current request; None for the default one."""
    from mlflow.utils.workspace_context import get_request_workspace
    from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

    name = get_request_workspace()
    return str(name) if name and name != DEFAULT_WORKSPACE_NAME else None


def same_place(one: str, other: str) -> bool:
    """Return whether two artifact locations are the same, however their slashes and file scheme are written."""
    return _address(one) == _address(other) and _straight(other)


def within(root: str, place: str) -> bool:
    """Return whether a location is a root or below it, letter by letter; a host after the scheme is another place."""
    root, place = (uri.removeprefix("file://").rstrip("/") for uri in (root, place))
    rest = place.removeprefix(root)
    return place.startswith(root) and (not rest or (rest[0] == "/" and rest[1:2] != "/")) and _straight(place)


def inside(root: str, place: str) -> bool:
    """Return whether an artifact location is below another."""
    return _address(place).startswith(_address(root) + "/") and _straight(place)


def _address(uri: str) -> str:
    return re.sub(r"^mlflow-artifacts:/*", "mlflow-artifacts:/", uri.removeprefix("file://").rstrip("/"))


def _straight(uri: str) -> bool:
    """Return whether an address is the only spelling of its place."""
    if "//" in re.sub(r"^[\w+.-]+://", "", uri):
        return False
    return not any(part in uri for part in ("..", "%", "\\", "?", "#", "/./", "\0"))
