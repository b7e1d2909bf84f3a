"""Binding: finds the data sets among the arguments of a training function by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.tables import Table, make_table
from aims_mlflow.capture.console import say_once
from aims_mlflow.errors import ConfigError, DataError

if TYPE_CHECKING:
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.records.system import Data

ROLES = ("train", "validation", "test")
SHORT = {"validation": ("validation", "val", "valid")}
ADVICE = (
    "name the arguments train and test, or X_train, y_train, X_test, y_test; "
    "or use `with aims.training(...) as t: t.data(...)`"
)


def names_of(role: str) -> tuple[str, ...]:
    """Return the spellings of a role in argument names."""
    return SHORT.get(role, (role,))


def check_name(decorator: str, name: object) -> None:
    """Refuse a decorator that was given no name.

    Raises:
        ConfigError: it has no parentheses, or the name is no text.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"@aims.{decorator} needs a name", next=f'write @aims.{decorator}("NAME") above the function')


def check_callable(decorator: str, function: object) -> None:
    """Refuse to decorate what is no function.

    Raises:
        ConfigError: it cannot be called, or is a class, whose call makes an object and fits nothing.
    """
    if not callable(function) or isinstance(function, type):
        name = getattr(function, "__qualname__", type(function).__name__)
        raise ConfigError(
            f"@aims.{decorator} takes a function or another callable, and {name} is "
            + ("a class" if isinstance(function, type) else "none"),
            next="decorate the function or method that does the work, or use `with aims.training(...) as t:`",
        )


def data_arguments(arguments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return role -> {frame | X, y, beside} for those arguments that are data sets by their name."""
    out: dict[str, dict[str, Any]] = {}
    for role in ROLES:
        given: dict[str, Any] = {}
        for name in names_of(role):
            for part, spellings in (
                ("frame", (name,)),
                ("X", (f"X_{name}", f"x_{name}")),
                ("y", (f"y_{name}", f"Y_{name}")),
                ("beside", (f"sensitive_{name}", f"A_{name}")),
            ):
                for spelling in spellings:
                    if arguments.get(spelling) is not None:
                        given[part] = arguments[spelling]
        if "frame" in given or "X" in given:
            out[role] = given
    return out


def bound_parts(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `data_arguments(parts)`, where all arguments are meant to be data.

    Raises:
        DataError: none of them is named as a data set.
    """
    bound = data_arguments(parts)
    unknown = set(parts) - {"parameters"} - set(parts_used(bound, parts))
    if unknown and not bound:
        raise DataError(f"{min(unknown)!r} names no data set", next=ADVICE)
    return bound


def parts_used(bound: Mapping[str, Mapping[str, Any]], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are bound as data, by their own name."""
    used = {id(value) for given in bound.values() for value in given.values()}
    return {name: value for name, value in parts.items() if id(value) in used}


def tables_of(bound: Mapping[str, Mapping[str, Any]], plan: TrainingPlan, data: Data) -> dict[str, Table]:
    """Return the tables of a training by role, and say how files were read; see `make_tables`."""
    needed = "test" if plan.evaluates else "train"
    tables = make_tables(bound, data, plan.sensitive, needed)
    for table in tables.values():
        for note in table.notes:
            say_once(f"{table.path}: {note}")
    return tables


def make_tables(
    parts: Mapping[str, Mapping[str, Any]],
    data: Data,
    beside: Any = None,
    needed: str = "train",
) -> dict[str, Table]:
    """Return a `Table` for each role.

    `beside` holds sensitive columns by role, for functions that do not take them as arguments.

    Raises:
        DataError: the `needed` role is not there, or a part does not fit.
        ConfigError: `sensitive=` is of a form that is not known.
    """
    if needed not in parts:
        raise DataError(f"no {needed} data among the arguments", next=ADVICE)
    columns = tuple(beside) if isinstance(beside, list | tuple | set) else ()
    by_role = beside if isinstance(beside, Mapping) else {}
    if beside is not None and not columns and not by_role:
        raise ConfigError("sensitive= takes column names, or a mapping of role to columns: {'test': frame}")
    return {
        role: make_table(
            role,
            target=data.target,
            sensitive=columns or data.sensitive,
            reading=data.reading,
            **{"beside": by_role.get(role), **given},
        )
        for role, given in parts.items()
    }
