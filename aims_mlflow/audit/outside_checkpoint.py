"""An auditor's own checkpoint: a single file, or an anchor's folder with the hashes of its leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.ledger import checkpoint, merkle

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.ledger.checkpoint import Checkpoint

_HASHES = re.compile(r"(\d{12})-(\d{12})\.sha256", re.ASCII)
_NOTES = re.compile(r"\d{12}\.txt", re.ASCII)
_LINE = 65


@dataclass(frozen=True)
class OutsideCheckpoint:
    """A checkpoint from outside the ledger, and the folder with its leaf hashes, if any."""

    head: Checkpoint
    where: str
    folder: Path | None = None

    def hashes(self) -> list[bytes]:
        """Return the leaf hashes below the checkpoint, checked against its root; 32 bytes for each leaf.

        Raises:
            EvidenceError: The hashes are incomplete, or differ from the root.
        """
        if self.folder is None:
            raise EvidenceError("the hashes of the leaves below it were not kept", where=self.where)
        parts = {}
        for path in self.folder.iterdir():
            named = _HASHES.fullmatch(path.name)
            if named and path.is_file() and int(named[1]) < int(named[2]):
                parts[int(named[1]), int(named[2])] = path
        out: list[bytes] = []
        edge = merkle.Frontier()
        while len(out) < self.head.size:
            have = len(out)
            # Deliveries that overtook each other overlap: the root below says whether they agree.
            found = [(end, begin) for begin, end in parts if begin <= have < end <= self.head.size]
            if not found:
                raise EvidenceError(f"the hashes of leaf {have} and on are not there", where=str(self.folder))
            end, begin = max(found)
            for value in _read_hashes(parts[begin, end])[have - begin :]:
                edge.append(value)
                out.append(value)
        if len(out) != self.head.size or edge.root() != self.head.root:
            raise EvidenceError("they are not those that the checkpoint's root is over", where=str(self.folder))
        return out


def _read_hashes(path: Path) -> list[bytes]:
    named = _HASHES.fullmatch(path.name)
    count = int(named[2]) - int(named[1]) if named else 0
    try:
        if path.stat().st_size != count * _LINE:
            raise EvidenceError("the file is not as long as its name says", where=str(path))
        return [bytes.fromhex(line) for line in path.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError) as exc:
        raise EvidenceError(f"cannot be read ({type(exc).__name__})", where=str(path)) from None


def read_outside_checkpoint(path: Path) -> OutsideCheckpoint:
    """Return the checkpoint in a file, or the newest in an anchor's folder.

    Raises:
        EvidenceError: The file is not a checkpoint.
        Unreachable: it cannot be read.
    """
    file = _newest(path) if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            raw = stream.read(checkpoint.MAX_NOTE_BYTES + 1)
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(file)) from None
    leaves = file.resolve().parent.parent / "leaves"
    return OutsideCheckpoint(checkpoint.parse(raw, str(file)), str(file), leaves if leaves.is_dir() else None)


def _newest(folder: Path) -> Path:
    place = folder / "checkpoints" if (folder / "checkpoints").is_dir() else folder
    found = sorted(p for p in place.iterdir() if _NOTES.fullmatch(p.name))
    if not found:
        raise Unreachable(
            "no checkpoint is here", where=str(folder), next="name a checkpoint's file, or its anchor's folder"
        )
    return found[-1]
