"""Folders of files that the rows of a table name (images, texts, audio): a record has one digest for each folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import digest_of
from aims_mlflow.checks.claims import claim, held
from aims_mlflow.errors import DataError, Unreachable
from aims_mlflow.evidence.digests import sha256_file
from aims_mlflow.evidence.statement import Subject, read
from aims_mlflow.records.details.training import DatasetDetails, FolderDescription
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.pack import Limit

if TYPE_CHECKING:
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.capture.training_data import TrainingData
    from aims_mlflow.records.system import Files

SUBJECT = "files:"  # how the name of a folder's subject begins
WITHOUT = Limit(
    metric="rows_without_file",
    comparator="==",
    limit="0",
    why="a row whose file is not there was neither learned from nor tested on, whatever the table says",
)


@dataclass(frozen=True)
class Manifest:
    """The files of a folder: (path, sha256, size) of each, by path; paths are relative, with slashes."""

    entries: tuple[tuple[str, str, int], ...]

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the entries' canonical JSON (RFC 8785): `[[path, sha256, size], ...]`."""
        return digest_of([list(entry) for entry in self.entries])

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(size for _, _, size in self.entries)


def file_manifest(folder: str | Path) -> Manifest:
    """Return the manifest of a folder and all folders below it.

    Raises:
        Unreachable: the folder is not there, or a file cannot be read.
        DataError: it holds no file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise Unreachable("there is no such folder", where=str(folder), next="correct data.files in aims.yaml")
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    if not paths:
        raise DataError("the folder holds no file", where=str(folder), next="correct data.files in aims.yaml")
    names = sorted(paths)
    with ThreadPoolExecutor() as workers:
        digests = list(workers.map(sha256_file, (paths[name] for name in names)))
    return Manifest(tuple((n, d, paths[n].stat().st_size) for n, d in zip(names, digests, strict=True)))


def describe_files(data: TrainingData, recorder: Recorder) -> list[Subject]:
    """Sign one dataset-record for each folder that aims.yaml names under data.files; returns their subjects.

    Raises:
        Unreachable, DataError: a folder cannot be digested, or a table lacks the column that names its files.
    """
    subjects = []
    for name, stated in data.setup.config.data.files.items():
        root = data.setup.folder / stated.folder
        manifest = file_manifest(root)
        subject = Subject(name=f"{SUBJECT}{name}", digest={"sha256": manifest.digest})
        claims = [_missing(table, root, stated, manifest) for table in data.tables.values() if stated.column]
        about = FolderDescription(
            name=name,
            folder=stated.folder,
            digest={"sha256": manifest.digest},
            count=len(manifest.entries),
            bytes=manifest.size,
        )
        recorder.add(
            "dataset-record",
            [subject],
            result=result_of(claims) if claims else "passed",
            reason=next((c.note for c in claims if c.passed is False), None),
            claims=tuple(claims),
            details=DatasetDetails(role="files", files=about),
        )
        subjects.append(subject)
    return subjects


def files_now(setup: Setup) -> dict[str, str]:
    """Return the present digest of each folder, by the name of its subject.

    Raises:
        Unreachable, DataError: a folder cannot be digested.
    """
    root, named = setup.folder, setup.config.data.files
    return {f"{SUBJECT}{name}": file_manifest(root / stated.folder).digest for name, stated in named.items()}


def files_in(jsonl: bytes) -> dict[str, str]:
    """Return the digest of each folder in a session's records, by the name of its subject."""
    subjects = [s for line in jsonl.splitlines() for s in read(line, "session").subjects]
    return {s.name: s.digest["sha256"] for s in subjects if s.name.startswith(SUBJECT)}


def _missing(table: Table, root: Path, stated: Files, manifest: Manifest) -> Claim:
    """Return how many rows of a table name a file that the folder does not contain."""
    if stated.column not in table.frame.columns:
        raise DataError(
            f"there is no column {stated.column!r}, which names the files of {stated.folder}",
            where=f"{table.role} data",
            next="correct data.files in aims.yaml",
        )
    there = {path for path, _, _ in manifest.entries}
    gone = sum(not (_names(value, root, stated.folder) & there) for value in table.frame[stated.column])
    rows = len(table.frame)
    note = f"{gone:,} of {rows:,} rows of {table.role} data name no file in {stated.folder}" if gone else None
    return held(claim(WITHOUT.metric, gone, role=table.role, n=rows, note=note), WITHOUT)


def _names(value: Any, root: Path, folder: str) -> set[str]:
    """Return the paths that a cell may mean: below the folder, with the folder before it, or a whole path."""
    if not isinstance(value, str | Path):
        return set()
    path = PurePosixPath(str(value).replace("\\", "/"))
    bases = (PurePosixPath(folder), PurePosixPath(root.resolve().as_posix()), PurePosixPath(root.as_posix()))
    return {path.as_posix(), *(path.relative_to(b).as_posix() for b in bases if path.is_relative_to(b))}
