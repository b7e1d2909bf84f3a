"""Values of an object that are made when they are first asked for, and kept in it.

Python 3.11 has one lock for each cached property of a class: while one object makes its value, all other objects wait.
Threads of a server then wait for each other, and for the one that reads ahead and rests for them. Python 3.12 took the
lock away, and so does this module, which goes with Python 3.11.
"""

from __future__ import annotations

import functools
from typing import Any, TypeVar, overload

Value = TypeVar("Value")


class CachedProperty(functools.cached_property[Value]):
    """Python's cached property without a lock: threads that ask at once each make the value, and the last is kept."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> CachedProperty[Value]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Value: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Any:
        """Return the value of an object; of the class, the property."""
        if instance is None:
            return self
        value = self.func(instance)
        instance.__dict__[self.attrname or self.func.__name__] = value
        return value


# The name that a decorator has in Python.
cached_property = CachedProperty
