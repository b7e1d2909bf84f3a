"""How a model's files are stored: which of them run code when they are loaded. Nothing is loaded to find out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import claim

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.records.evidence import Claim

# By the file's ending; whatever starts as a pickle or holds one is one, however it is called.
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill", ".ckpt")
MAX_BYTES = 512 * 1024 * 1024
PICKLE_START = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class StoredFile:
    """One file: whether loading it runs code, and the names in it that can do harm."""

    path: str
    unsafe: bool
    dangerous: tuple[str, ...] = ()
    unread: bool = False


def scan(folder: Path) -> list[StoredFile]:
    """Return the model's files; pickles are read opcode by opcode (picklescan) and never loaded."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        name = path.relative_to(folder).as_posix()
        found.append(_scan_one(path, name) if _may_be_pickle(path) else StoredFile(name, unsafe=False))
    return found


def _may_be_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return path.name.lower().endswith(PICKLES) or start in PICKLE_START


def _scan_one(path: Path, name: str) -> StoredFile:
    from picklescan.scanner import SafetyLevel, scan_file_path

    if path.stat().st_size > MAX_BYTES:
        return StoredFile(name, unsafe=True, unread=True)
    noisy = logging.getLogger("picklescan")
    before, noisy.level = noisy.level, logging.CRITICAL
    try:
        result = scan_file_path(str(path))
    except Exception:  # noqa: BLE001  a file that cannot be read is said, never passed
        return StoredFile(name, unsafe=True, unread=True)
    finally:
        noisy.level = before
    harmful = {f"{g.module}.{g.name}" for g in result.globals if g.safety == SafetyLevel.Dangerous}
    return StoredFile(name, unsafe=True, dangerous=tuple(sorted(harmful)), unread=bool(result.scan_err))


def storage_claims(folder: Path | None, role: str) -> list[Claim]:
    """Return how many of the model's files run code when they are loaded; nothing where there is no folder."""
    if folder is None:
        return []
    files = scan(folder)
    unsafe = [f for f in files if f.unsafe]
    named = ", ".join(f.path for f in unsafe[:3]) + (f" and {len(unsafe) - 3} more" if len(unsafe) > 3 else "")
    harmful = sorted({name for f in unsafe for name in f.dangerous})
    parts = [f"loading runs code: {named}" if unsafe else "no file runs code when it is loaded"]
    if harmful:
        parts.append(f"names that can do harm: {', '.join(harmful[:5])}")
    if any(f.unread for f in unsafe):
        parts.append("one could not be read through")
    return [claim("unsafe_model_files", len(unsafe), role=role, n=len(files), note="; ".join(parts))]
