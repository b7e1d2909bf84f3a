"""Scope of a reader: the registered models that they may read; every row of every page passes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GONE = ":"  # in the name of a model that was deleted; MLflow allows no colon in a name


@dataclass(frozen=True)
class Scope:
    """The models that a reader may read, by their names in the ledger; None for a reader who may read everything.

    What belongs to no model that is registered now (policies, deleted models) is for readers of everything.
    """

    models: frozenset[str] | None = None

    @classmethod
    def of(cls, names: Iterable[str], can_read: Callable[[str], bool]) -> Scope:
        """Return the scope of a reader; who may read every registered model may read everything."""
        living = [name for name in names if GONE not in name]
        readable = frozenset(name for name in living if can_read(name))
        return cls(None if living and len(readable) == len(living) else readable)

    @property
    def whole(self) -> bool:
        """Whether the reader may read everything."""
        return self.models is None

    def reads(self, model: str | None) -> bool:
        """Return whether the reader may read what belongs to a model; None: to no model."""
        return self.models is None or model in self.models

    def clause(self, column: str = "model") -> str:
        """Return the SQL condition that keeps the rows of readable models; it needs the parameter `scope`."""
        return "1" if self.models is None else f"{column} IN (SELECT value FROM json_each(:scope))"

    @property
    def parameter(self) -> str:
        """The value of the parameter `scope`."""
        return json.dumps(sorted(self.models or ()))


EVERYTHING = Scope()
