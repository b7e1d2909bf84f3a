"""Warnings while evidence is taken: a filter of the person that makes errors of them is about the person's own code."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def no_errors() -> Iterator[None]:
    """Print warnings where a filter would raise them: MLflow and its libraries warn in their ordinary work."""
    if not any(action == "error" for action, *_ in warnings.filters):
        yield
        return
    with warnings.catch_warnings():
        warnings.filters = [
            ("default" if action == "error" else action, message, category, module, line)
            for action, message, category, module, line in warnings.filters
        ]
        yield
