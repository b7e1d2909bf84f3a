"""The bundle's archive: a reproducible zip, read as an untrusted file.

Entries are stored, not deflated, so that the bytes depend on no compressor and nothing can blow up; names are plain,
sorted and unique; there are no times, modes, comments or extra fields. A file that is not byte for byte what its own
content makes is no bundle.
"""

from __future__ import annotations

import re
import struct
import tempfile
import zipfile
from typing import IO, TYPE_CHECKING, Self

from aims_mlflow.errors import EvidenceError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILES = 60_000
MAX_FILE_BYTES = 256 * 1024**2
MAX_BYTES = 2 * 1024**3
MAX_DIRECTORY_BYTES = 32 * 1024**2
CHUNK = 1024 * 1024
NAME = re.compile(
    r"[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]{0,199}(?:/[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]{0,199}){0,12}", re.ASCII
)
_END = struct.Struct("<4s4H2LH")


def plain_name(name: str) -> bool:
    """Return whether an entry may have this name: relative, ASCII, no part that begins with a dot."""
    return len(name) <= 500 and NAME.fullmatch(name) is not None


def write_archive(files: Mapping[str, bytes], stream: IO[bytes]) -> None:
    """Write a bundle.

    Raises:
        EvidenceError: a name is not plain, or the archive exceeds the limits of a reader.
    """
    total = sum(len(content) for content in files.values())
    if len(files) > MAX_FILES or total > MAX_BYTES or any(len(c) > MAX_FILE_BYTES for c in files.values()):
        raise EvidenceError(
            f"the bundle would have {len(files):,} files and {total:,} bytes, more than a reader takes",
            next="narrow it with --since DATE",
        )
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(files):
            if not plain_name(name):
                raise EvidenceError(f"the bundle cannot hold a file named {name[:80]!r}")
            archive.writestr(_entry(name), files[name])


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


class Archive:
    """An untrusted bundle file: checked completely before it is read, and never unpacked."""

    def __init__(self, path: Path) -> None:
        """Open and check the archive.

        Raises:
            EvidenceError: it is not byte for byte what `write_archive` makes of its content.
            Unreachable: it cannot be read.
        """
        self.where = str(path)
        try:
            self._stream: IO[bytes] = path.open("rb")
        except OSError as exc:
            raise Unreachable(f"cannot be read ({exc.strerror})", where=self.where) from None
        try:
            self._open()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, RuntimeError, struct.error) as exc:
            self.close()
            raise self._no(f"not a zip file that can be read ({type(exc).__name__})") from None
        except EvidenceError:
            self.close()
            raise

    def _no(self, what: str) -> EvidenceError:
        return EvidenceError(what, where=self.where, next="ask for the bundle again, as `aims bundle create` wrote it")

    def _open(self) -> None:
        size = self._stream.seek(0, 2)
        if size > MAX_BYTES + MAX_DIRECTORY_BYTES or size < _END.size:
            raise self._no(f"a file of {size:,} bytes is no bundle")
        self._stream.seek(-_END.size, 2)
        mark, *numbers, directory, _, comment = _END.unpack(self._stream.read(_END.size))
        if mark != b"PK\5\6" or comment or directory > MAX_DIRECTORY_BYTES or numbers[3] > MAX_FILES:
            raise self._no("its end is not that of a bundle")
        self._zip = zipfile.ZipFile(self._stream)
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        self._check_entries()
        self._check_bytes(size)

    def _check_entries(self) -> None:
        entries = self._zip.infolist()
        if len(self._entries) != len(entries):
            raise self._no("two files in it have one name")
        for entry in entries:
            if not plain_name(entry.filename) or entry.filename != entry.orig_filename:
                raise self._no(f"it holds a file named {entry.orig_filename[:80]!r}, which leads elsewhere or hides")
            if entry.external_attr >> 16 != 0o644:
                raise self._no(f"{entry.filename} is a link or another special file")
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise self._no(f"{entry.filename} is compressed, which no bundle is")
            if entry.file_size > MAX_FILE_BYTES:
                raise self._no(f"{entry.filename} says that it has {entry.file_size:,} bytes")
        total = sum(entry.file_size for entry in entries)
        if total > MAX_BYTES:
            raise self._no(f"its files say that they have {total:,} bytes")

    def _check_bytes(self, size: int) -> None:
        """Write the archive again and compare, to detect bytes before, between or after its files."""
        with tempfile.TemporaryFile() as again:
            with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED, allowZip64=False) as made:
                for name in sorted(self._entries):
                    made.writestr(_entry(name), self.read(name))
            same = again.seek(0, 2) == size
            again.seek(0)
            self._stream.seek(0)
            while same and (mine := again.read(CHUNK)):
                same = mine == self._stream.read(CHUNK)
        if not same:
            raise self._no("it holds bytes that belong to none of its files, or its files are not in order")

    @property
    def names(self) -> list[str]:
        """The names of the files, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            EvidenceError: the bundle has no such file.
        """
        if name not in self._entries:
            raise self._no(f"it has no file {name[:200]}")
        return self._zip.read(self._entries[name])

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
