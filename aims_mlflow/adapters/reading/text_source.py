"""Text files: their bytes, unpacked where they are compressed, and their encoding."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from aims_mlflow.adapters.reading.read_table import option
from aims_mlflow.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKED = (".gz", ".bz2", ".xz", ".zip")
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHUNK = 1 << 24


@dataclass(frozen=True)
class TextSource:
    """A text file that may be compressed.

    Attributes:
        path: The file.
        encoding: The encoding of its text.
    """

    path: Path
    encoding: str

    @contextlib.contextmanager
    def opened(self) -> Iterator[IO[str]]:
        """Yield the text, unpacked, with its line ends as they are."""
        with unpacked(self.path) as stream:
            yield io.TextIOWrapper(stream, self.encoding, newline="")

    def holds(self, text: str) -> bool:
        """Return whether a short ASCII text occurs; True where it is not looked for, in UTF-16 and UTF-32."""
        wanted, before = text.encode("ascii"), b""
        if codecs.lookup(self.encoding).name.startswith(("utf-16", "utf-32")):
            return True
        with unpacked(self.path) as stream:
            while block := stream.read(CHUNK):
                if wanted in before + block:
                    return True
                before = block[-len(wanted) :]
        return False


def text_source(path: Path, encoding: str | None) -> TextSource:
    """Return a text file with its encoding: the given one, the one of its first bytes, else UTF-8.

    Raises:
        ConfigError: there is no encoding of this name.
        DataError: the file holds zero bytes, which UTF-8 text does not.
    """
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ConfigError(
                f"there is no encoding {encoding!r}", where=str(path), next="name another, such as latin-1 or utf-16"
            ) from None
    with unpacked(path) as stream:
        start = stream.read(4096)
    marked = next((name for mark, name in MARKS if start.startswith(mark)), None)
    if encoding is None and marked is None and b"\0" in start:
        raise DataError(
            "the file holds zero bytes, so it is UTF-16 or no text",
            where=str(path),
            next=f"name its encoding: {option('encoding', 'utf-16-le')}",
        )
    same = marked == "utf-8-sig" and encoding is not None and codecs.lookup(encoding).name == "utf-8"
    return TextSource(path, "utf-8-sig" if same else encoding or marked or "utf-8")


def unpacked(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Open a file for reading, unpacked where its name says that it is compressed.

    Raises:
        DataError: an archive does not hold exactly one file.
    """
    openers = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    kind = path.suffix.lower()
    if kind == ".zip":
        return _only_member(path)
    return openers[kind](path, "rb") if kind in openers else path.open("rb")  # type: ignore[operator]  # typeshed's overloads differ


@contextlib.contextmanager
def _only_member(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]
        if len(names) != 1:
            raise DataError(
                f"the archive holds {len(names)} files, and one table is read",
                where=str(path),
                next="unpack it and name one file",
            )
        with archive.open(names[0]) as stream:
            yield stream


def not_text(path: Path, encoding: str, fault: UnicodeError) -> DataError:
    """Return the refusal of a file that is not in the encoding."""
    place = f", at byte {fault.start:,}" if isinstance(fault, UnicodeDecodeError) else ""
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    return DataError(
        f"the file is not {name} text{place}",
        where=str(path),
        next=f"save it as UTF-8, or name its encoding: {option('encoding', 'cp1252')} is Windows in western Europe",
    )
