"""Lookups in a plain registry that distinguish missing objects from failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def found_or_none(method: Callable[..., Any], *args: Any) -> Any:
    """Return the result of a lookup, None if the object does not exist; raise other failures."""
    try:
        return method(*args)
    except MlflowException as exc:
        if exc.error_code in ABSENT:
            return None
        raise


class RegistryLookups:
    """Reads a registry for `lifecycle.recovery`: MLflow's client and its plain store answer the same methods."""

    def __init__(self, registry: Any, made_by: Callable[[str, str], str | None]) -> None:
        """`made_by` returns the version of a name that a request of the gate made, None where there is none."""
        self._registry = registry
        self.made_by = made_by

    def model(self, name: str) -> Any:
        """Return a registered model, None where there is none."""
        return found_or_none(self._registry.get_registered_model, name)

    def version(self, name: str, version: str) -> Any:
        """Return a version, None where there is none."""
        return found_or_none(self._registry.get_model_version, name, version)
