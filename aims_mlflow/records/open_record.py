"""Records that are kept for good: frozen, strict in types, and open for the fields of later releases."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class OpenRecord(BaseModel):
    """A frozen record that keeps fields it does not know, and leaves out those that have no value.

    `NULLS` names the fields that are written as null where they have no value.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", hide_input_in_errors=True)
    NULLS: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_empty(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        left_out = _left_out(type(self))
        return {name: value for name, value in plain(self).items() if value is not None or name not in left_out}

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON values: the fields that were given, and no defaults."""
        return self.model_dump(exclude_unset=True)

    def changed(self, **fields: Any) -> Self:
        """Return the record with other values in these fields; those of later releases are kept.

        Raises:
            ValueError: the record declares no such field, or the value does not fit it.
        """
        if unknown := fields.keys() - type(self).model_fields.keys():
            raise ValueError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return type(self).model_validate({**self.plain(), **fields})


@functools.cache
def _left_out(model: type[OpenRecord]) -> frozenset[str]:
    """Return the fields of a model that are left out where they have no value."""
    return frozenset(model.model_fields) - model.NULLS
