"""Files in the server's artifact store: listing, streaming, and detection of changes if the store supports it.

Uses names of MLflow's repositories that are not public; a test pins them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import time
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import digest_of
from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.digests import open_regular, require_regular, sha256_regular
from aims_mlflow.evidence.tracking import check_inside
from aims_mlflow.server.stored_objects import StoredFile, lister_of, too_many, walk_objects
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# A file changed within this time of being listed may change again without its mark changing.
SETTLED_SECONDS = 2.0
MOUNT = "mount the volume, or correct the server's artifact location"


class StoredFiles:
    """The files below one root of an MLflow artifact repository."""

    def __init__(self, repo: Any, root: str) -> None:
        self._repo = repo
        self._root = root
        self._local = type(repo).__name__ == "LocalArtifactRepository"
        self._objects = lister_of(repo)

    @property
    def tells_every_change(self) -> bool:
        """Whether no file can change without its mark: in an object store each overwrite makes a new object."""
        return self._objects is not None

    def folder(self, path: str = "") -> list[tuple[str, bool, int]]:
        """Return (name below the root, is a folder, size) of the direct entries of a folder.

        Raises:
            Unreachable: the store does not answer.
        """
        where = "/".join(p for p in (self._root, path) if p)
        if self._local:
            self._require_store()
        try:
            if self._local:
                return folder_on_disk(self._place(path), path)
            found = self._repo.list_artifacts(where or None)
        except Exception as exc:  # every store has errors of its own
            raise Unreachable(f"the artifact store does not answer ({type(exc).__name__})") from exc
        cut = len(self._root) + 1 if self._root else 0
        return [(f.path[cut:], bool(f.is_dir), int(f.file_size or 0)) for f in found]

    def walk(self, most: int) -> list[StoredFile]:
        """Return every file, sorted by name.

        Raises:
            EvidenceError: there are more than `most`, or one is a link, a pipe, a socket or a device.
            Unreachable: the store does not answer.
        """
        if self._local:
            self._require_store()
        if self._objects is not None:
            found = walk_objects(self._objects, self._root, most)
        else:
            found = _walk_disk(self._place(""), most) if self._local else self._walk(most)
        return sorted(found, key=lambda f: f.name)

    def _walk(self, most: int) -> Iterator[StoredFile]:
        waiting, seen = [""], 0
        while waiting:
            for name, is_dir, size in self.folder(waiting.pop()):
                if is_dir:
                    waiting.append(name)
                    continue
                seen += 1
                if seen > most:
                    raise too_many(most)
                yield StoredFile(name, size)

    def read(self, name: str, most: int) -> bytes:
        """Return one file's bytes, `most` of them.

        Raises:
            EvidenceError: it is larger, or no regular file.
            Unreachable: it cannot be read.
        """
        with self._beside() as folder:
            path = self.fetch(name, folder)
            try:
                with open_regular(path) as stream:
                    content = stream.read(most + 1)  # a file may grow for as long as it is read
            except OSError as exc:
                raise Unreachable(f"a file cannot be read from the artifact store ({exc.strerror})") from exc
        if len(content) > most:
            raise EvidenceError(f"{name} is larger than the {most:,} bytes that are read here")
        return content

    def sha256(self, name: str) -> str:
        """Return one file's sha256, streamed.

        Raises:
            Unreachable: it cannot be read.
        """
        with self._beside() as folder:
            try:
                return sha256_regular(self.fetch(name, folder))
            except Unreachable as exc:
                raise Unreachable(f"a file of the model {exc.what}") from None

    def _beside(self) -> contextlib.AbstractContextManager[str]:
        """Return a temporary folder for copies; a local store needs none."""
        return contextlib.nullcontext("") if self._local else tempfile.TemporaryDirectory(prefix="aims-gate-")

    def fetch(self, name: str, folder: str) -> Path:
        """Return a file's local path: the store's own where it is local, else a copy in `folder`.

        It may be a link or a pipe: open it by `open_regular`.
        """
        _inside(name)
        return self._place(name) if self._local else self._copy(name, folder)

    def _require_store(self) -> None:
        """Tell a folder that is not there from a volume that is away: a mount point is then missing, or empty.

        Raises:
            Unreachable: the folder is not there, and nothing else is in the store either.
        """
        top = self._place("")
        try:
            if top.exists():
                return
            # With a root, the repository is the whole store; else it is one model's or run's, below its experiment's.
            store = Path(self._repo.artifact_dir) if self._root else _experiment_folder(top)
            is_away = not store.exists() or _is_empty(store)
        except OSError as exc:
            raise Unreachable(f"the artifact store does not answer ({exc.strerror})", next=MOUNT) from exc
        if is_away:
            raise Unreachable("the artifact store is away: its folder is missing or empty", next=MOUNT)

    def _place(self, name: str) -> Path:
        """Return where a local store has a file that it listed itself, having checked that the folder is its own."""
        return Path(self._repo.artifact_dir, self._root, name)

    def _copy(self, name: str, folder: str) -> Path:
        try:
            return Path(self._repo.download_artifacts("/".join(p for p in (self._root, name) if p), folder))
        except Exception as exc:  # every store has errors of its own
            raise Unreachable(f"a file cannot be read from the artifact store ({type(exc).__name__})") from exc


@functools.lru_cache(maxsize=4096)
def _inside(name: str) -> None:
    """Refuse a name that leads out of its root: models have files of the same few names."""
    check_inside(name)


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _experiment_folder(place: Path) -> Path:
    """Return the folder `E` of `E/models/ID/artifacts/...` or `E/RUN/artifacts/...`."""
    artifacts = next((p for p in (place, *place.parents) if p.name == "artifacts"), place)
    above = artifacts.parents
    levels = 2 if artifacts.parent.parent.name == "models" else 1
    return above[min(levels, len(above) - 1)]


def folder_on_disk(place: Path, path: str) -> list[tuple[str, bool, int]]:
    """List a folder of this machine; MLflow's own listing takes ten times as long."""
    before = f"{path}/" if path else ""
    entries = sorted(os.scandir(place), key=lambda entry: entry.name) if place.is_dir() else []
    return [(before + each.name, each.is_dir(), each.stat().st_size) for each in entries]


def _walk_disk(top: Path, most: int) -> Iterator[StoredFile]:
    """List below a folder of this machine; MLflow's own listing takes five times as long."""
    waiting, seen = [""] if top.exists() else [], 0
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(top / folder), key=lambda entry: entry.name)
            stats = [entry.stat(follow_symlinks=False) for entry in entries]
        except OSError as exc:
            raise Unreachable(f"a file cannot be read from the artifact store ({exc.strerror})") from exc
        for entry, stat in zip(entries, stats, strict=True):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if S_ISDIR(stat.st_mode):
                waiting.append(name)
                continue
            require_regular(stat.st_mode)
            seen += 1
            if seen > most:
                raise too_many(most)
            mark = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            yield StoredFile(name, stat.st_size, mark, stat.st_ctime)


def fingerprint(place: str, files: list[StoredFile]) -> str | None:
    """Return a digest of the files' marks; None where the store has none, or a file was written a moment ago."""
    if not files or any(f.mark is None or f.changed > time.time() - SETTLED_SECONDS for f in files):
        return None
    listed = [[f.name, f.size, *map(str, f.mark or ())] for f in files]
    return digest_of({"place": hashlib.sha256(place.encode()).hexdigest(), "machine": _machine(), "files": listed})


@functools.cache
def _machine() -> str:
    """Return an id of this machine since its boot; inode numbers have a meaning only together with it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text(encoding="ascii").strip() if boot.exists() else value_of("HOSTNAME") or ""
