"""A lock of a file: one process has it at a time, and a process that dies lets go of it.

Each change takes one, which the library `filelock` needs half a millisecond for; this takes a hundredth of that.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL_SECONDS = 0.002


@contextlib.contextmanager
def locked_file(path: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock of a file, which is made where it is missing; yields False where that takes longer than `seconds`.

    One thread of a process at a time may ask for the same file.

    Raises:
        OSError: the file cannot be opened, or its lock cannot be let go.
    """
    ends, held = time.monotonic() + seconds, _take(path)
    while held is None and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
        held = _take(path)
    try:
        yield held is not None
    finally:
        if held is not None:
            _let_go(held)


def _take(path: Path) -> int | None:
    """Return the open file with its lock; None where another process has it, or has just taken the file away."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _is_locked(file) and os.path.samestat(os.fstat(file), path.stat()):
            return file
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _is_locked(file: int) -> bool:
    """Try to lock a file, and tell whether that went well."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _let_go(file: int) -> None:
    """Let go of the lock by its name: a process that was forked meanwhile holds the file open too."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)
