"""The data of a training: tables as they were passed, and data sets as the checks read them."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.tables import is_intact
from aims_mlflow.capture.console import say_once
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import AimsError, CheckError
from aims_mlflow.evidence.statement import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.details.base import DataByRole


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The data of a training, by role.

    Attributes:
        setup: aims.yaml and pack, which say how the tables are read.
        tables: The tables that the training function gets, with their digests.
        parts: The same as the person passed them, by argument name.
        datasets: The tables as the checks read them; `data_gate.admit` adds them.
        overwritten: Roles of the tables whose values the training function changed.
    """

    setup: Setup
    tables: Mapping[str, Table] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, InMemoryTable] = field(default_factory=dict)
    overwritten: frozenset[str] = frozenset()

    def dataset(self, role: str) -> InMemoryTable:
        """Return a table as the checks read it.

        Raises:
            DataError: it does not fit aims.yaml.
            CheckError: its values are no longer those that its digest was made of.
        """
        if role in self.overwritten:
            raise CheckError(
                f"the training function wrote over values of the {role} data that it was given",
                next=f"work on a copy: {role} = {role}.copy()",
            )
        return self.datasets[role] if role in self.datasets else make(self.tables[role], self.setup)

    def subjects(self) -> list[Subject]:
        """Return the tables as subjects of a record; without any, the pack."""
        tables = [table.subject() for table in self.tables.values()]
        return tables or [Subject(name="pack", digest={"sha256": self.setup.pack_digest})]

    def described(self) -> DataByRole:
        """Return the tables by role, as records describe them."""
        return {role: table.described() for role, table in self.tables.items()}

    def checked_again(self) -> TrainingData:
        """Return the same data with the roles whose values the training function changed.

        A dropped, added or replaced column is no change: the table keeps its columns as they were passed.
        """
        overwritten = set(self.overwritten)
        for role, table in self.tables.items():
            with contextlib.suppress(AimsError):
                if not is_intact(table):
                    overwritten.add(role)
        return dataclasses.replace(self, overwritten=frozenset(overwritten))


def make(table: Table, setup: Setup) -> InMemoryTable:
    """Return a table as the checks read it.

    Raises:
        DataError: it does not fit aims.yaml.
    """
    data = setup.config.data
    frame, beside = table.frame, None
    if table.beside:
        beside = frame[list(table.beside)]
        frame = frame.drop(columns=list(table.beside))
    made = make_dataset(
        table.role,
        frame,
        PredictionTask.of(data, setup.pack.task),
        sensitive=table.sensitive,
        sensitive_frame=beside,
        identifiers=data.identifiers,
    )
    for note in made.notes:
        say_once(f"{table.role} data: {note}")
    return made
