"""Formats of model files, recognised by bytes and names: data alone, or code that runs when the file is loaded."""

from __future__ import annotations

import json
import pickletools
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

State = Literal["safe", "unknown", "code"]
STATES: tuple[State, ...] = ("safe", "unknown", "code")  # worse to the right
CHUNK = 1 << 16
IN_MEMORY = 32 << 20
NUMPY, HDF5 = b"\x93NUMPY", b"\x89HDF\r\n\x1a\n"
PROGRAMS = (b"#!", b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
CODE = (
    ".py",
    ".pyc",
    ".pyd",
    ".so",
    ".dll",
    ".dylib",
    ".jar",
    ".whl",
    ".egg",
    ".sh",
    ".bat",
    ".ps1",
    ".exe",
    ".r",
    ".js",
)
TEXTS = (
    ".json",
    ".yaml",
    ".yml",
    ".txt",
    ".csv",
    ".tsv",
    ".md",
    ".rst",
    ".toml",
    ".cfg",
    ".ini",
    ".jsonl",
    ".log",
    ".html",
)
TEXT_NAMES = ("mlmodel", "license", "notice", "readme", "registered_model_meta", "_success", "dockerfile")
# Read by libraries that take numbers and names from them, whatever they hold.
DATA = (
    ".onnx",
    ".ubj",
    ".xgb",
    ".lgb",
    ".cbm",
    ".tflite",
    ".mlmodel",
    ".parquet",
    ".arrow",
    ".feather",
    ".png",
    ".jpg",
)
MAGIC_OF = {".cbm": b"CBM1", ".parquet": b"PAR1", ".arrow": b"ARROW1", ".feather": b"ARROW1", ".gguf": b"GGUF"}
LAMBDA = re.compile(rb'"class_name":\s*"Lambda"')
# What a pickle runs code with; protocols 0 and 1 have no magic bytes to be known by.
RUNS = {"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"}


class TooLargeError(Exception):
    """More would have to be unpacked than the budget has left."""


@dataclass
class Budget:
    """How many bytes may still be unpacked while one file is looked at: archives in archives share it."""

    left: int

    def keep(self, chunks: Iterator[bytes], out: IO[bytes]) -> None:
        """Write chunks to `out`.

        Raises:
            TooLargeError: they are more than what is left.
        """
        for chunk in chunks:
            self.left -= len(chunk)
            if self.left < 0:
                raise TooLargeError
            out.write(chunk)


def scratch() -> IO[bytes]:
    """Return an empty file for what is unpacked: in memory while it is small."""
    return cast("IO[bytes]", SpooledTemporaryFile(max_size=IN_MEMORY))


def unpacked(file: IO[bytes], start: bytes, budget: Budget) -> tuple[IO[bytes], bool] | None:
    """Return (what a compressed file holds, whether that is all of it), or None for another file.

    What could be read of a damaged stream is returned: a loader would have run it by then.
    """
    chunks = _chunks(file, start)
    if chunks is None:
        return None
    out, whole = scratch(), True
    try:
        budget.keep(chunks, out)
    except Exception:  # noqa: BLE001  damaged, cut off, too large, or text that begins like zlib
        whole = False
    if not out.tell() and not whole and start[:1] == b"x":
        return None
    return out, whole


def _chunks(file: IO[bytes], start: bytes) -> Iterator[bytes] | None:
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        import gzip

        return _read(gzip.GzipFile(fileobj=file, mode="rb"))
    if start.startswith(b"BZh"):
        import bz2

        return _read(bz2.BZ2File(file))
    if start.startswith((b"\xfd7zXZ\0", b"]\0\0")):
        import lzma

        return _read(lzma.LZMAFile(file))
    if start[:1] == b"x" and start[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return _zlib(file)
    return None


def _read(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.read1(CHUNK), b"")  # what a cut stream holds before its end, too


def _zlib(file: IO[bytes]) -> Iterator[bytes]:
    import zlib

    machine = zlib.decompressobj()
    while not machine.eof and (chunk := machine.unconsumed_tail or file.read(CHUNK)):
        yield machine.decompress(chunk, CHUNK)


def reads_as_pickle(file: IO[bytes]) -> bool:
    """Return whether unpickling would get from the first byte to an opcode that runs code, or to its end.

    The stack is followed as `pickletools.dis` does it, so that a text whose letters happen to be opcodes is none.
    """
    stack: list[Any] = []
    mark = pickletools.markobject
    file.seek(0)
    try:
        for op, _, _ in pickletools.genops(file):
            wanted = op.stack_before
            if mark in wanted:
                while stack.pop() is not mark:
                    pass
                wanted = wanted[: wanted.index(mark)]
            if len(stack) < len(wanted):
                return False
            del stack[len(stack) - len(wanted) :]
            if op.name in RUNS or op.name == "STOP":
                return True
            stack.extend(op.stack_after)
    except Exception:  # noqa: BLE001  no opcode, or no mark on the stack
        return False
    return False


def ends_well(file: IO[bytes]) -> bool:
    """Return whether the opcodes of a pickle can be read up to its end."""
    file.seek(0)
    try:
        return any(op.name == "STOP" for op, _, _ in pickletools.genops(file))
    except Exception:  # noqa: BLE001  whatever stands there is no opcode
        return False


def is_tensors(start: bytes, name: str, size: int) -> bool:
    """Return whether this is a safetensors or GGUF file, whose readers take numbers only.

    https://github.com/huggingface/safetensors#format: the length of a JSON header (under 100 MB) comes first, so no
    opcode of a pickle can follow within it.
    """
    suffix, length = PurePosixPath(name.lower()).suffix, int.from_bytes(start[:8], "little")
    tensors = suffix == ".safetensors" and start[8:9] == b"{" and length <= min(size - 8, 100_000_000)
    return tensors or (suffix == ".gguf" and start.startswith(MAGIC_OF[suffix]))


def state_of(file: IO[bytes], name: str, start: bytes, size: int) -> State:
    """Return what a file is that is no pickle, no archive and not compressed; not known is "unknown"."""
    low = PurePosixPath(name.lower())
    suffix = low.suffix
    state: State = "unknown"
    if suffix in CODE or start.startswith(PROGRAMS):
        state = "code"
    elif start.startswith(HDF5):
        state = _hdf5(file, str(low))
    elif is_tensors(start, name, size):
        state = "safe"
    elif suffix in DATA:
        state = "safe" if start.startswith(MAGIC_OF.get(suffix, b"")) else "unknown"
    elif (suffix in TEXTS or low.name in TEXT_NAMES) and b"\0" not in start:
        state = _json(file) if suffix == ".json" else "safe"
    return state


def _hdf5(file: IO[bytes], name: str) -> State:
    """Weights alone are numbers; a whole Keras model may have a Lambda layer, which is a Python function in bytes."""
    if name.endswith(".weights.h5"):
        return "safe"
    file.seek(0)
    return "code" if LAMBDA.search(file.read()) else "unknown"


def _json(file: IO[bytes]) -> State:
    """A Keras configuration may have a Lambda layer, one of transformers may name code from anywhere (`auto_map`).

    Written with escapes they are found only by reading the JSON.
    """
    file.seek(0)
    content = file.read()
    if not any(mark in content for mark in (b"Lambda", b"auto_map", b"\\u")):
        return "safe"
    try:
        nested: list[Any] = [json.loads(content)]
    except (ValueError, RecursionError):
        return "unknown"
    while nested:
        value = nested.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "Lambda" or "auto_map" in value:
                return "code"
            nested += value.values()
        elif isinstance(value, list):
            nested += value
    return "safe"
