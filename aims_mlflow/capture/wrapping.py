"""The wrapper of a decorated callable, of the same kind as what it wraps: coroutine, generator, method, function."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aims_mlflow.capture.binding import check_callable
from aims_mlflow.capture.callables import name_of
from aims_mlflow.errors import ConfigError

F = TypeVar("F")

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractContextManager

    # (function, args, kwargs) -> the work around one call; it gives the function that takes what the call returned.
    Around = Callable[..., AbstractContextManager[Callable[[Any], None]]]


def decorated(decorator: str, function: F, around: Around) -> F:
    """Return a callable that does what `function` does, with `around` about each call.

    What a class does not bind (an object with `__call__`, a bound method) gets no `self` as an attribute of one either.
    A generator's call lasts until the generator ends, or its caller leaves it. Its result is what it returns, or else
    what it yielded last.

    Raises:
        ConfigError: it cannot be called, or is a class; a generator where the `decorator` records all that is returned.
    """
    if isinstance(function, classmethod | staticmethod):
        return cast("F", type(function)(decorated(decorator, function.__func__, around)))
    check_callable(decorator, function)
    called: Any = function
    wrapper: Any = _of_kind(called, around)
    if decorator != "trains" and (inspect.isgeneratorfunction(wrapper) or inspect.isasyncgenfunction(wrapper)):
        raise ConfigError(
            f"@aims.{decorator} records a whole table, and {name_of(called)} yields parts of one",
            next="decorate a function that returns the table",
        )
    # What a compiled function or a callable object holds beside its code stays reachable through `__wrapped__`.
    updated = ("__dict__",) if inspect.isfunction(function) else ()
    wrapper = functools.update_wrapper(wrapper, called, updated=updated)
    binds = hasattr(type(function), "__get__") and not inspect.ismethod(function)
    return cast("F", wrapper if binds else staticmethod(wrapper))


def _of_kind(function: Any, around: Around) -> Any:
    """Return the wrapper for a coroutine function, a generator function (of either kind), or a plain one."""
    code = function if inspect.isroutine(function) or isinstance(function, functools.partial) else function.__call__

    def call(*args: Any, **kwargs: Any) -> Any:
        with around(function, args, kwargs) as take:
            returned = function(*args, **kwargs)
            take(returned)
        return returned

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with around(function, args, kwargs) as take:
            returned = await function(*args, **kwargs)
            take(returned)
        return returned

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        returned = None
        with around(function, args, kwargs) as take, contextlib.suppress(GeneratorExit):  # left by its caller: no fault
            returned = yield from _last_too(function(*args, **kwargs), take)
            if returned is not None:
                take(returned)
        return returned

    if inspect.iscoroutinefunction(code):
        return coroutine
    if inspect.isasyncgenfunction(code):
        return _asynchronous(function, around)
    return generator if inspect.isgeneratorfunction(code) else call


def _asynchronous(function: Any, around: Around) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return the wrapper for an asynchronous generator function: it hands on what is sent and thrown into it."""

    async def asynchronous(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with around(function, args, kwargs) as take:
            made, last = function(*args, **kwargs), None
            step = made.asend(None)
            try:
                while True:
                    last = await step
                    try:
                        sent = yield last
                    except GeneratorExit:
                        raise
                    except BaseException as exc:  # noqa: BLE001 - what is thrown into the generator is its own matter
                        step = made.athrow(exc)
                    else:
                        step = made.asend(sent)
            except (StopAsyncIteration, GeneratorExit):
                pass  # it ended, or was left by its caller: no fault
            finally:
                await made.aclose()
            take(last)

    return asynchronous


def _last_too(made: Generator[Any, Any, Any], take: Callable[[Any], None]) -> Generator[Any, Any, Any]:
    """Hand on all that a generator yields and is sent; `take` gets what it yielded last."""
    last = None
    try:
        value = next(made)
        while True:
            last = value
            try:
                sent = yield value
            except GeneratorExit:
                made.close()
                take(last)
                raise
            except BaseException as exc:  # noqa: BLE001 - what is thrown into the generator is its own matter
                value = made.throw(exc)
            else:
                value = made.send(sent)
    except StopIteration as end:
        take(last)
        return end.value
