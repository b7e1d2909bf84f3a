"""What no known key signed, taken out of session files: only digests and counts of it are kept.

Everybody who has a run can put files there. A gate seals what it read, for good, so that a decision can be made again:
of lines that no key of the keyring signed it keeps one line in their place, which says how many they were.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from aims_mlflow.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.statement import read
from aims_mlflow.records.base import Record, Sha256
from aims_mlflow.records.leaves.base import UNSIGNED
from aims_mlflow.signing import dsse
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.records.keyring import KeyEntry

UNSIGNED_FILE = f"{SESSION_DIR}/{UNSIGNED}"
MAX_KEYS = 3
_OURS = re.compile(rf"{SESSION_DIR}/[0-9a-f-]{{36}}\.jsonl", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


class UnsignedLines(Record):
    """How many lines no known key signed, their size and digest, and the first unknown keys among them."""

    lines: int = Field(ge=1)
    size: int = Field(ge=0)
    sha256: Sha256
    keys: tuple[Sha256, ...] = Field(default=(), max_length=MAX_KEYS)

    def line(self) -> bytes:
        """Return the line that stands in their place."""
        return canonical({"unsigned": self.model_dump(mode="json")})


def unsigned_lines(line: bytes) -> UnsignedLines | None:
    """Return what a line says that was taken out; None for any other line."""
    if not line.startswith(b'{"unsigned":'):
        return None
    try:
        return UnsignedLines.model_validate(parse_json(line, "line")["unsigned"])
    except (EvidenceError, ValidationError, KeyError, TypeError):
        return None


@dataclass
class _Heap:
    """Lines on their way out."""

    lines: int = 0
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    keys: dict[str, None] = field(default_factory=dict)

    def add(self, data: bytes, lines: int = 1, key_id: str | None = None) -> None:
        self.lines += lines
        self.size += len(data)
        self.digest.update(data)
        if key_id and _KEY_ID.fullmatch(key_id) and len(self.keys) < MAX_KEYS:
            self.keys[key_id] = None

    def line(self) -> bytes:
        return UnsignedLines(
            lines=self.lines, size=self.size, sha256=self.digest.hexdigest(), keys=tuple(self.keys)
        ).line()


def signed_lines_only(
    files: Mapping[str, bytes], lookup: Callable[[str], KeyEntry | None], most: int
) -> dict[str, bytes]:
    """Return session files with nothing in them but what known keys signed, each line once.

    What was taken out of a file stands as one line at its end; files without any signed line become one. A file of
    more than `most` lines is not read. A name that is none of ours is replaced by its digest.
    """
    out: dict[str, bytes] = {}
    strangers = _Heap()
    for name, data in sorted(files.items()):
        count = data.count(b"\n") + 1
        if count > most + 1:
            strangers.add(data, count)
            continue
        kept, heap = _sorted_out(data, lookup)
        if not kept:
            strangers.add(data, max(heap.lines, 1))
            strangers.keys |= dict.fromkeys([*heap.keys][: MAX_KEYS - len(strangers.keys)])
            continue
        known = name if _OURS.fullmatch(name) else f"{SESSION_DIR}/{sha256_hex(name.encode())[:32]}.jsonl"
        out[known] = data if not heap.lines else b"".join(line + b"\n" for line in [*kept, heap.line()])
    if strangers.lines:
        out[UNSIGNED_FILE] = strangers.line() + b"\n"
    return out


def _sorted_out(data: bytes, lookup: Callable[[str], KeyEntry | None]) -> tuple[list[bytes], _Heap]:
    """Return the lines that known keys signed, and the others; a cut last line stays what it is."""
    lines = data.split(b"\n")
    kept, heap, seen = [], _Heap(), set()
    for line in lines[:-1] if lines[-1] == b"" else lines:
        key_id = None
        try:
            envelope = dsse.parse(read(line, "line").whole().envelope.raw, "line")
            key_id, entry = envelope.key_id, lookup(envelope.key_id)
            if entry is not None and line not in seen:
                envelope.verify(PublicKey.from_pem(entry.pem))
                kept.append(line)
                seen.add(line)
                continue
            key_id = key_id if entry is None else None
        except EvidenceError:
            key_id = None
        heap.add(line + b"\n", key_id=key_id)
    return kept, heap
