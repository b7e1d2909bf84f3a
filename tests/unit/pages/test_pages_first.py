"""What is read ahead rests while a page is made, and nobody else rests."""

import threading
import time
from types import SimpleNamespace

import pytest

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.pages import pages_first
from aims_mlflow.pages.pages_first import LONGEST_REST, PagesFirst, RestingCache


@pytest.fixture
def slept(monkeypatch):
    found = []
    clock = SimpleNamespace(sleep=found.append, monotonic=time.monotonic)  # other threads of the process sleep on
    monkeypatch.setattr(pages_first, "time", clock)
    return found


def test_the_thread_that_reads_ahead_rests_while_a_page_is_made(slept):
    made = PagesFirst()
    with made.reading_ahead():
        with made.page():
            ends = time.monotonic() + 0.01
            while time.monotonic() < ends:
                pass
            made.rest()
        made.rest()
    assert len(slept) == 1
    assert 0.03 < slept[0] <= LONGEST_REST


def test_no_other_thread_rests(slept):
    made = PagesFirst()
    with made.page(), made.page():
        made.rest()
        with made.reading_ahead():
            threading.Thread(target=made.rest).start()
        made.rest()
    assert slept == []


def test_a_page_that_fails_counts_no_longer(slept):
    made = PagesFirst()
    with pytest.raises(ValueError, match="no"), made.page():
        raise ValueError("no")
    with made.reading_ahead():
        made.rest()
    assert slept == []


def test_a_cache_that_rests_remembers_what_the_other_knows():
    rests, kept = [], BoundedCache(10)
    resting = RestingCache(kept, lambda: rests.append(1))
    assert [resting.get("a", lambda: 1), resting.get("a", lambda: 2), kept.known("a")] == [1, 1, 1]
    assert rests == [1, 1]
