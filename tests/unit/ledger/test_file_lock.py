"""The lock of a file: one process at a time, until it lets go or dies; and a file that is taken away locks nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aims_mlflow.ledger.file_lock import locked_file

HOLD = """
import sys
from pathlib import Path
from aims_mlflow.ledger.file_lock import locked_file
with locked_file(Path(sys.argv[1]), 5) as is_held:
    print(is_held, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def holder(path):
    """A process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"True\n"
        yield process
        process.kill()


def is_free(path):
    with locked_file(path, 0) as is_held:
        return is_held


def test_another_process_has_it_until_it_lets_go(path, holder):
    assert not is_free(path)
    asked = threading.Event()

    def let_go():
        asked.set()
        holder.stdin.close()

    threading.Timer(0.3, let_go).start()
    with locked_file(path, 60) as is_held:
        assert is_held
        assert asked.is_set()
    assert is_free(path)


@pytest.mark.usefixtures("holder")
def test_a_wait_ends(path):
    begun = time.monotonic()
    with locked_file(path, 0.2) as is_held:
        assert not is_held
    assert 0.2 <= time.monotonic() - begun < 10


def test_a_process_that_dies_lets_go(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert is_free(path)


def test_a_file_that_was_taken_away_meanwhile_locks_nothing(path, monkeypatch):
    """Whoever locked a file that is not at its place any more would hold the lock beside another."""
    import fcntl

    locking, moved = fcntl.flock, []

    def taken_away(file, how):
        if not moved:
            moved.append(path.rename(path.with_name("old")))
        return locking(file, how)

    monkeypatch.setattr(fcntl, "flock", taken_away)
    with locked_file(path, 5) as is_held:
        assert (is_held, moved) == (True, [path.with_name("old")])
        assert path.exists()
    assert is_free(path)


def test_what_was_forked_meanwhile_does_not_keep_it(path):
    with locked_file(path, 0) as is_held:
        assert is_held
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)  # it lives on, with the file open
            os._exit(0)
    try:
        assert is_free(path)
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


@pytest.mark.usefixtures("holder")
def test_no_file_is_left_open(path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert not is_free(path)
        assert is_free(path.with_name("other"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_error_within_lets_go(path):
    with pytest.raises(KeyError), locked_file(path, 0):
        raise KeyError
    assert is_free(path)


def test_a_folder_in_its_place_is_an_error(path):
    path.mkdir()
    with pytest.raises(IsADirectoryError), locked_file(path, 0):
        pass
