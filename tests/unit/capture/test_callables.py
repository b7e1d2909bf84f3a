"""Callables of every kind keep their kind under a decorator, and their arguments are found by name."""

import asyncio
import contextlib
import functools
import inspect

import numpy as np
import pytest

from aims_mlflow.capture.callables import bind, name_of, plain_function
from aims_mlflow.capture.wrapping import decorated
from aims_mlflow.errors import ConfigError


def fit(train, rate=0.1, **more):
    return train


class Trainer:
    def __call__(self, train, rate=0.2):
        return train

    def method(self, train):
        return train

    @classmethod
    def made(cls, train):
        return train


class Decorator:
    """A wrapper that is an object, as numba's and joblib's are."""

    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, *args, **kwargs):
        return vars(self)["__wrapped__"](*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (fit, "fit"),
        (functools.partial(fit, rate=1), "fit"),
        (functools.partial(functools.partial(fit, 1), rate=2), "fit"),
        (Trainer(), "Trainer"),
        (Trainer().method, "Trainer.method"),
        (Trainer.made, "Trainer.made"),
        (Decorator(fit), "fit"),
        (functools.lru_cache(fit), "fit"),
    ],
)
def test_its_name_and_its_code_are_found(function, name):
    assert name_of(function) == f"{__name__}.{name}"
    assert plain_function(function).__code__.co_filename == __file__


def test_a_function_of_c_has_a_name_and_no_code():
    assert name_of(len) == "builtins.len"
    assert not hasattr(plain_function(np.add), "__code__")


def test_arguments_that_a_partial_holds_are_bound_by_name():
    assert bind(functools.partial(fit, 5, rate=2), (), {"seed": 1}) == {"train": 5, "rate": 2, "seed": 1}
    assert bind(functools.partial(fit, rate=2), (5,), {"rate": 3}) == {"train": 5, "rate": 3}
    assert bind(Trainer(), (5,), {}) == {"train": 5, "rate": 0.2}
    with pytest.raises(TypeError):
        bind(fit, (), {})


def around(calls):
    @contextlib.contextmanager
    def of(function, args, kwargs):
        taken = []
        yield taken.append
        calls.append((bind(function, args, kwargs)["train"], taken))

    return of


def test_a_plain_callable_returns_what_it_returns():
    calls = []
    for function in (fit, functools.partial(fit, rate=3), Trainer(), Trainer().method, lambda train: train):
        assert decorated("trains", function, around(calls))(4) == 4
    assert calls == [(4, [4])] * 5


def test_methods_of_a_class_are_bound_as_before():
    calls = []

    class Own:
        offset = 1

        def plain(self, train):
            return train + self.offset

        plain = decorated("trains", plain, around(calls))
        made = decorated("trains", classmethod(lambda cls, train: train + cls.offset), around(calls))
        free = decorated("trains", staticmethod(lambda train: train), around(calls))

    assert (Own().plain(1), Own.made(1), Own().made(1), Own.free(1)) == (2, 2, 2, 1)
    assert [taken for _, taken in calls] == [[2], [2], [2], [1]]


@pytest.mark.parametrize(
    "function", [Trainer(), Trainer().method, Decorator(fit), round], ids=["object", "method", "wrapper", "of C"]
)
def test_what_a_class_does_not_bind_gets_no_self(function):
    calls = []

    @contextlib.contextmanager
    def arguments(function, args, kwargs):
        calls.append(args)
        yield lambda returned: None

    class Plain:
        call = function

    class Own:
        call = decorated("trains", function, arguments)

    given = 4
    assert Own().call(given) == Own.call(given) == Plain().call(given)
    assert calls == [(given,)] * 2


def test_a_coroutine_stays_one():
    async def train_later(train):
        await asyncio.sleep(0)
        return train

    wrapped = decorated("trains", train_later, around(calls := []))
    assert inspect.iscoroutinefunction(wrapped)
    assert asyncio.run(wrapped(4)) == 4
    assert calls == [(4, [4])]


def test_a_generator_yields_takes_and_returns_as_before():
    def epochs(train):
        try:
            got = yield "first"
        except KeyError:
            got = "thrown"
        yield got
        return train

    wrapped = decorated("trains", epochs, around(calls := []))
    assert inspect.isgeneratorfunction(wrapped)
    made = wrapped(4)
    assert (next(made), made.send("sent")) == ("first", "sent")
    with pytest.raises(StopIteration) as ended:
        next(made)
    assert ended.value.value == 4
    assert calls.pop() == (4, ["sent", 4])
    made = wrapped(4)
    next(made)
    assert made.throw(KeyError) == "thrown"
    assert list(made) == []


def test_an_asynchronous_generator_yields_as_before():
    async def epochs(train):
        for i in range(train):
            yield i

    async def all_of(made):
        return [item async for item in made]

    wrapped = decorated("trains", epochs, around(calls := []))
    assert asyncio.run(all_of(wrapped(3))) == [0, 1, 2]
    assert calls == [(3, [2])]


def test_what_is_thrown_into_an_asynchronous_generator_reaches_it():
    async def epochs(train):
        try:
            got = yield "first"
        except KeyError:
            got = "thrown"
        try:
            yield got
        finally:
            ended.append(train)

    async def thrown_into(made):
        assert await anext(made) == "first"
        yielded = await made.athrow(KeyError())
        await made.aclose()
        return yielded

    ended = []
    assert asyncio.run(thrown_into(decorated("trains", epochs, around([]))(4))) == "thrown"
    assert ended == [4]


@pytest.mark.parametrize("wrong", [Trainer, 3, "train"])
def test_what_is_no_function_is_refused_in_one_sentence(wrong):
    with pytest.raises(ConfigError, match="takes a function or another callable"):
        decorated("trains", wrong, around([]))


def test_a_generator_is_no_source_of_a_whole_table():
    def chunks(train):
        yield train

    with pytest.raises(ConfigError, match="yields parts of one"):
        decorated("acquires", chunks, around([]))


def test_errors_pass_through_unchanged():
    def stops(train):
        raise StopIteration("own")

    with pytest.raises(StopIteration, match="own"):
        decorated("trains", stops, around([]))(1)
