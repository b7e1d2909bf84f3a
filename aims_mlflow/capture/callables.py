"""Callables of any kind: what they are called, where their code is, and which arguments a call gives them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def plain_function(function: Callable[..., Any]) -> Any:
    """Return the function with the code: behind partials, wrappers, methods, compiled functions and `__call__`."""
    for _ in range(50):
        inside = (getattr(function, name, None) for name in ("__wrapped__", "py_func", "__func__"))
        inner = function.func if isinstance(function, functools.partial) else next(filter(None, inside), None)
        if inner is None and not hasattr(function, "__code__") and inspect.isfunction(type(function).__call__):
            inner = type(function).__call__
        if inner is None:
            break
        function = inner
    return function


def name_of(function: Callable[..., Any]) -> str:
    """Return module and name of a callable; of an object its class."""
    if not isinstance(function, functools.partial) and hasattr(function, "__qualname__"):
        named: Any = function
    else:
        named = plain_function(function) if isinstance(function, functools.partial) else type(function)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', type(named).__name__)}"


def bind(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments of a call by name, defaults and those that a partial holds included.

    Raises:
        TypeError: as the call itself would.
    """
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function of C that does not tell its arguments
        return dict(kwargs)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    out = dict(bound.arguments)
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            out.update(out.pop(parameter.name, {}))
    return out
