"""The memory of one worker: bounded, made once for all who wait, and without a trace of what was asked before."""

import gc
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aims_mlflow.bounded_cache import BoundedCache


class Key:
    """A key that can be counted."""


def held():
    gc.collect()
    return sum(isinstance(each, Key) for each in gc.get_objects())


@pytest.mark.parametrize("ask", ["get", "once"])
def test_it_holds_no_more_keys_than_values_however_often_they_are_asked_for(ask):
    cache = BoundedCache(3)
    for _ in range(50):
        key = Key()
        assert getattr(cache, ask)(key, lambda: "value") == "value"
        assert getattr(cache, ask)(key, lambda: "another") == "value"
    del key
    assert held() == 3


def test_values_that_are_too_large_together_are_forgotten_and_one_alone_is_not_kept():
    cache = BoundedCache(10)
    for size in (6, 6, 11):
        cache.get(size, lambda: "value", size)
    assert [cache.known(size) for size in (6, 11)] == ["value", None]


def test_what_several_want_at_once_is_made_once():
    cache, made = BoundedCache(4), []

    def make():
        made.append(1)
        time.sleep(0.05)
        return "value"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: cache.once("key", make), range(8))) == {"value"}
    assert len(made) == 1


def test_what_could_not_be_made_is_tried_again_and_what_is_put_is_known():
    cache = BoundedCache(4)
    with pytest.raises(ZeroDivisionError):
        cache.once("key", lambda: 1 / 0)
    assert cache.known("key") is None
    assert cache.once("key", lambda: 5) == 5
    cache.put("key", 6)
    assert cache.known("key") == 6
