"""What pages were made in goes back to the system: glibc would keep it for each thread that ever made one."""

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aims_mlflow.pages.freed_memory import hand_back

BLOCKS = 100_000


def held():
    """The pages of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is another")
def test_what_was_freed_below_something_that_is_kept_goes_back():
    def fill(_):
        blocks = [bytes(1000) for _ in range(BLOCKS)]
        return blocks[-1]  # it lies above the others, which could not go back by themselves

    with ThreadPoolExecutor(1) as pool:
        kept = list(pool.map(fill, range(1)))
        before = held()
        assert hand_back()
        assert before - held() > BLOCKS * 1000 / 4096 / 2
    assert len(kept) == 1


def test_a_system_without_it_goes_on(monkeypatch):
    def none(_):
        raise OSError

    monkeypatch.setattr("ctypes.CDLL", none)
    assert not hand_back()
