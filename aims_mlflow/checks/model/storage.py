"""Scan of a model's files for formats that run code when they are loaded. The scan loads nothing.

A file is safe only where it is of a format that is known to hold data alone; any other format is unknown, never safe.
Formats are told by content as well as by name, in archives and behind compression too.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.model import description
from aims_mlflow.checks.model import file_formats as formats
from aims_mlflow.checks.model.file_formats import Budget, State
from aims_mlflow.evidence.digests import is_load_mark

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.records.evidence import Claim

# By the file's ending; whatever reads as a pickle or holds one is one, however it is called.
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill", ".ckpt")
TORCH = (".bin", ".pt", ".pth", ".ckpt")
MAX_BYTES = 512 * 1024 * 1024
MAX_MEMBERS = 10_000
KERAS_MODULE = "keras_module.txt"  # MLflow imports what it names
MAX_DEPTH = 3  # archives in archives


@dataclass(frozen=True)
class ModelFile:
    """One file: whether loading it runs code, the names in it that can do harm, and what a description lets run."""

    path: str
    state: State
    dangerous: tuple[str, ...] = ()
    unread: bool = False
    words: str = ""

    @property
    def unsafe(self) -> bool:
        """Whether the file is not known to hold data alone."""
        return self.state != "safe"


def scan(folder: Path) -> list[ModelFile]:
    """Return the model's files, those of its digest; pickles are read opcode by opcode (picklescan), never loaded."""
    path_of_description, files = folder / description.NAME, []
    is_described = path_of_description.is_file() and not path_of_description.is_symlink()
    mlmodel = path_of_description.read_bytes() if is_described else b""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        name = path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as file:
                files.append(_look(file, name, Budget(MAX_BYTES)))
        except Exception:  # noqa: BLE001  a file that cannot be read is said, never passed
            files.append(ModelFile(name, "unknown", unread=True))
        if name == description.NAME and not files[-1].unsafe:
            told = description.described(mlmodel)
            files[-1] = ModelFile(name, told.state, unread=told.unread, words=told.words)
        if path.name == KERAS_MODULE and not (
            files[-1].unread or path.read_bytes().strip().decode("utf-8", "replace") in description.KERAS
        ):
            files[-1] = ModelFile(name, "code", words=f"{name} names a module that is imported")
        if not files[-1].unsafe and is_load_mark(name, path.stat().st_size, mlmodel):
            files.pop()
    return files


def _look(file: IO[bytes], name: str, budget: Budget, depth: int = 0) -> ModelFile:
    """Return what one file is, or one member of an archive."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(16)
    named_pickle = name.lower().endswith(PICKLES)
    if formats.is_tensors(start, name, size) or not start:
        return ModelFile(name, "safe")
    if size > MAX_BYTES or depth > MAX_DEPTH:
        return ModelFile(name, "code" if named_pickle else "unknown", unread=True)
    if formats.reads_as_pickle(file):
        return _in_pickle(file, name)
    inside = _in_array(file, name) if start.startswith(formats.NUMPY) else None
    inside = inside or _in_zip(file, name, start, budget, depth) or _in_packed(file, name, start, budget, depth)
    looked_at = inside or ModelFile(name, formats.state_of(file, name, start, size))
    if named_pickle and looked_at.state != "code":  # called one, and not to be read as one
        return replace(looked_at, state="code", unread=True)
    return looked_at


def _in_zip(file: IO[bytes], name: str, start: bytes, budget: Budget, depth: int) -> ModelFile | None:
    """Return the worst of an archive's members (torch, numpy, Keras and skops files are archives); None for another."""
    import zipfile

    begins = start.startswith(b"PK")
    if not begins and not zipfile.is_zipfile(file):
        return None
    # Something stands before an archive that does not begin the file: another reader may start there.
    files = [] if begins else [ModelFile(name, "unknown")]
    try:
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > MAX_MEMBERS:
                raise formats.TooLargeError  # noqa: TRY301
            for member in members:
                with archive.open(member) as packed, formats.scratch() as content:
                    budget.keep(iter(lambda packed=packed: packed.read(formats.CHUNK), b""), content)  # type: ignore[misc]  # a lambda has no types
                    files.append(_look(content, member.filename, budget, depth + 1))
    except Exception:  # noqa: BLE001  encrypted, damaged or too large
        files.append(ModelFile(name, "unknown", unread=True))
    return ModelFile(
        name,
        max((f.state for f in files), key=formats.STATES.index, default="safe"),
        tuple(sorted({harm for f in files for harm in f.dangerous})),
        any(f.unread for f in files),
    )


def _in_packed(file: IO[bytes], name: str, start: bytes, budget: Budget, depth: int) -> ModelFile | None:
    """Return what a compressed file holds; None for another file."""
    unpacked = formats.unpacked(file, start, budget)
    if unpacked is None:
        return None
    content, whole = unpacked
    with content:
        inside = _look(content, PurePosixPath(name).stem, budget, depth + 1)
    state = inside.state if whole else max(inside.state, "unknown", key=formats.STATES.index)
    return ModelFile(name, state, inside.dangerous, inside.unread or not whole)


def _in_array(file: IO[bytes], name: str) -> ModelFile:
    """Return whether a numpy array holds objects, which are stored as a pickle after its header."""
    from numpy.lib import format as header

    file.seek(0)
    try:
        read = header.read_array_header_1_0 if header.read_magic(file) == (1, 0) else header.read_array_header_2_0
        _, _, dtype = read(file)
    except ValueError:
        return ModelFile(name, "unknown", unread=True)
    return _in_pickle(io.BytesIO(file.read()), name) if dtype.hasobject else ModelFile(name, "safe")


def _in_pickle(file: IO[bytes], name: str) -> ModelFile:
    """Return a pickle's names that can do harm; loading any pickle runs what it names."""
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes, scan_pytorch

    noisy = logging.getLogger("picklescan")
    before, noisy.level = noisy.level, logging.CRITICAL
    try:
        file.seek(0)
        try:
            result = (scan_pytorch if name.lower().endswith(TORCH) else scan_pickle_bytes)(file, name)
        except Exception:  # noqa: BLE001  no torch file after all
            file.seek(0)
            result = scan_pickle_bytes(file, name)
        unread = result.scan_err or (not result.globals and not formats.ends_well(file))
    except Exception:  # noqa: BLE001  a file that cannot be read is said, never passed
        return ModelFile(name, "code", unread=True)
    finally:
        noisy.level = before
    harmful = {f"{g.module}.{g.name}" for g in result.globals if g.safety == SafetyLevel.Dangerous}
    return ModelFile(name, "code", tuple(sorted(harmful)), unread)


def storage_claims(folder: Path | None, role: str) -> list[Claim]:
    """Return how many of the model's files are not known to hold data alone; nothing where there is no folder."""
    if folder is None:
        return []
    files = scan(folder)
    code, unknown = ([f.path for f in files if f.state == state] for state in ("code", "unknown"))
    harmful = sorted({name for f in files for name in f.dangerous})
    parts = [f"loading runs code: {_some(code)}" if code else "no file is known to run code when it is loaded"]
    if unknown:
        parts.append(f"of an unknown format, so not known to be safe: {_some(unknown)}")
    parts += [f.words for f in files if f.words]
    if harmful:
        parts.append(f"names that can do harm: {', '.join(harmful[:5])}")
    if unread := [f.path for f in files if f.unread]:
        parts.append(f"could not be read through: {_some(unread)}")
    return [claim("unsafe_model_files", len(code) + len(unknown), role=role, n=len(files), note="; ".join(parts))]


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
