"""What the gate reads inside the server: the model that a source means, its bytes, and the evidence of its run.

The only module that uses names of MLflow which are not public; a test pins them.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.digests import dir_hash1, is_load_mark, sha256_file
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.store import check_inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.records.policy import Caps

MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
MLMODEL = "MLmodel"


@dataclass(frozen=True)
class Owned:
    """The logged model that a source means, and the run that made it."""

    model_id: str
    run_id: str | None
    location: str


class ServerEvidence:
    """Reads through MLflow's own stores, as the server is configured."""

    def __init__(self, tracking_uri: str | None) -> None:
        self._tracking_uri = tracking_uri

    def _tracking_store(self) -> Any:
        if in_server():
            from mlflow.server import handlers

            return handlers._get_tracking_store()
        from mlflow.tracking._tracking_service.utils import _get_store

        return _get_store(self._tracking_uri)

    def logged_model(self, model_id: str) -> Owned:
        """Return a logged model by its id.

        Raises:
            EvidenceError: there is none.
        """
        from mlflow.exceptions import MlflowException

        try:
            model = self._tracking_store().get_logged_model(model_id)
        except MlflowException:
            raise EvidenceError(
                f"there is no logged model {model_id}", next="register a model that is logged here"
            ) from None
        return Owned(model_id, model.source_run_id, model.artifact_location)

    def owner_of(self, source: str) -> Owned:
        """Resolve a source to the logged model that owns it.

        `models:/m-ID`, `runs:/RUN/NAME`, or the very location where a logged model's files lie.

        Raises:
            EvidenceError: no logged model owns it.
        """
        rest = source.removeprefix("models:/")
        if rest != source and MODEL_ID.fullmatch(rest):
            return self.logged_model(rest)
        if source.startswith("runs:/"):
            return self._of_run(source)
        for model_id in dict.fromkeys(MODEL_ID.findall(source)):
            owned = self.logged_model(model_id)
            if same_place(owned.location, source):
                return owned
        raise EvidenceError(
            "the source is not the place of a model that was logged here, so nothing can vouch for its bytes",
            next="log the model in a run (log_model) and register models:/m-ID or runs:/RUN/NAME",
        )

    def _of_run(self, source: str) -> Owned:
        from mlflow.exceptions import MlflowException

        run_id, _, name = source.removeprefix("runs:/").partition("/")
        store = self._tracking_store()
        try:
            outputs = store.get_run(run_id).outputs
            ids = [o.model_id for o in outputs.model_outputs] if outputs else []
            named = [m for m in (store.get_logged_model(i) for i in ids) if m.name == name.strip("/")]
        except MlflowException:
            raise EvidenceError(f"there is no run {run_id}", next="register a model that is logged here") from None
        if not named:
            raise EvidenceError(f"run {run_id} logged no model named {name!r}", next="register models:/m-ID")
        latest = max(named, key=lambda m: m.creation_timestamp)
        return Owned(latest.model_id, latest.source_run_id, latest.artifact_location)

    def model_digest(self, owned: Owned, caps: Caps) -> str:
        """Hash the model's files as they lie in the store now, one at a time.

        Raises:
            EvidenceError: there are none, or more than the policy's caps.
            Unreachable: they cannot be read.
        """
        repo, root = self._repo(owned.location)
        files: list[tuple[str, str]] = []
        mlmodel = b""
        total = 0
        with tempfile.TemporaryDirectory(prefix="aims-gate-") as folder:
            listed = sorted(_walk(repo, root, caps.max_files))
            for name, size in listed:
                total += size
                if total > caps.max_inline_bytes:
                    raise EvidenceError(
                        f"the model is larger than {caps.max_inline_bytes:,} bytes, the most that is hashed here",
                        next="the platform team raises caps.max_inline_bytes in policy.yaml",
                    )
                digest, content = _hash_file(repo, root, name, folder, keep=name == MLMODEL)
                mlmodel = content or mlmodel
                files.append((name, digest))
            kept = [(n, d) for (n, d), (_, s) in zip(files, listed, strict=True) if not is_load_mark(n, s, mlmodel)]
        if not kept:
            raise EvidenceError("the model has no files", next="log it again")
        return dir_hash1(kept)

    def session_files(self, run_id: str, caps: Caps) -> dict[str, bytes]:
        """Return the session files of a run; empty where it has none.

        Raises:
            EvidenceError: more or larger files than the policy's caps.
            Unreachable: they cannot be read.
        """
        run = self._tracking_store().get_run(run_id)
        repo, root = self._repo(run.info.artifact_uri)
        out: dict[str, bytes] = {}
        total = 0
        for path, is_dir, size in _list(repo, _join(root, SESSION_DIR)):
            name = _below(path, root)
            if is_dir or not name.endswith(".jsonl"):
                continue
            total += size
            if len(out) >= caps.max_session_files or total > caps.max_session_bytes:
                raise EvidenceError(
                    "the run holds more evidence than is read for one decision", next="use a run of its own"
                )
            with tempfile.TemporaryDirectory(prefix="aims-gate-") as folder:
                out[name] = _fetch(repo, root, name, folder).read_bytes()
        return out

    def _repo(self, uri: str) -> tuple[Any, str]:
        """Return the artifact repository that holds a location, and the location's root inside it."""
        if not in_server():
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            return get_artifact_repository(uri), ""
        from mlflow.server import handlers

        if uri.startswith(("mlflow-artifacts:", "http:", "https:")):
            root = handlers._get_proxied_run_artifact_destination_path(uri)
            return handlers._get_artifact_repo_mlflow_artifacts(), root
        return handlers._get_artifact_repository_for_uri(uri), ""


def in_server() -> bool:
    """Tell whether this process is an MLflow server, which reads through its own stores."""
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    return bool(os.environ.get(BACKEND_STORE_URI_ENV_VAR))


def same_place(one: str, other: str) -> bool:
    """Tell whether two artifact locations are the same, however their slashes and file scheme are written."""

    def plain(uri: str) -> str:
        text = uri.removeprefix("file://").rstrip("/")
        return re.sub(r"^mlflow-artifacts:/*", "mlflow-artifacts:/", text)

    return plain(one) == plain(other) and ".." not in other and "%" not in other


def _join(root: str, path: str) -> str:
    return f"{root}/{path}" if root else path


def _below(path: str, root: str) -> str:
    return path[len(root) + 1 :] if root else path


def _list(repo: Any, path: str) -> list[tuple[str, bool, int]]:
    from mlflow.exceptions import MlflowException

    try:
        return [(f.path, bool(f.is_dir), int(f.file_size or 0)) for f in repo.list_artifacts(path or None)]
    except (MlflowException, OSError) as exc:
        raise Unreachable(f"the artifact store does not answer ({type(exc).__name__})") from exc


def _walk(repo: Any, root: str, most: int) -> Iterator[tuple[str, int]]:
    """Yield (name below root, size) of every file, and stop at the cap."""
    waiting, seen = [root], 0
    while waiting:
        for path, is_dir, size in _list(repo, waiting.pop()):
            if is_dir:
                waiting.append(path)
                continue
            seen += 1
            if seen > most:
                raise EvidenceError(f"the model has more than {most:,} files, the most that are hashed here")
            yield _below(path, root), size


def _fetch(repo: Any, root: str, name: str, folder: str) -> Path:
    """Return a file's local path: the store's own where it is local, else a copy in `folder`."""
    from mlflow.exceptions import MlflowException

    check_inside(name)
    try:
        local = repo.download_artifacts(_join(root, name), None if _is_local(repo) else folder)
    except (MlflowException, OSError) as exc:
        raise Unreachable(f"a file cannot be read from the artifact store ({type(exc).__name__})") from exc
    path = Path(local)
    if path.is_symlink():
        raise EvidenceError("a link stands among the files", next="log the model again")
    return path


def _is_local(repo: Any) -> bool:
    return type(repo).__name__ == "LocalArtifactRepository"


def _hash_file(repo: Any, root: str, name: str, folder: str, *, keep: bool) -> tuple[str, bytes]:
    path = _fetch(repo, root, name, folder)
    if keep:
        content = path.read_bytes()
        return hashlib.sha256(content).hexdigest(), content
    digest = sha256_file(path)
    if not _is_local(repo):
        path.unlink(missing_ok=True)
    return digest, b""
