"""What the phases of one training share: what was asked for, what is bound, and what was found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.adapters.models import LoggedModel, logged_ids
from aims_mlflow.capture.active_run import end
from aims_mlflow.capture.code import code_version
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence.statement import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.capture.sweep import Trial
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.checks.tables.predictions import Incumbent
    from aims_mlflow.evidence.session import SessionWriter
    from aims_mlflow.records.evidence import Claim

Mode = Literal["enforce", "observe"]
OnFailure = Literal["report", "raise"]


class Underway:
    """One training that is under way."""

    def __init__(
        self,
        system: str | None,
        *,
        config: str | Path | Mapping[str, Any] | None = None,
        mode: Mode = "enforce",
        register: bool | Mapping[str, Any] = False,
        on_failure: OnFailure = "report",
        predict: Callable[[Any, Any], Any] | None = None,
        sensitive: Any = None,
        function: Callable[..., Any] | None = None,
        run_id: str | None = None,
        evaluates: str | None = None,
    ) -> None:
        for name, value, known in (
            ("mode", mode, ("enforce", "observe")),
            ("on_failure", on_failure, ("report", "raise")),
        ):
            if value not in known:
                raise ConfigError(f"{name}={value!r} is not known", next=f"use {' or '.join(map(repr, known))}")
        self.system = system
        self.mode, self.on_failure, self.register = mode, on_failure, register
        self.predict, self.sensitive, self.function = predict, sensitive, function
        self.config, self._resume = config, run_id
        self.evaluates = evaluates
        self.setup: Setup
        self.writer: SessionWriter
        self.key: Any = None
        self.run: Any = None
        self.tables: dict[str, Table] = {}
        self.datasets: dict[str, InMemoryTable] = {}
        self.parameters: dict[str, str] = {}
        self.models: list[LoggedModel] = []
        self.predicted: dict[tuple[str, str], InMemoryTable] = {}
        self.rival: Incumbent | None = None
        self.files: dict[str, bytes] = {}
        self.joined: dict[str, bytes] = {}
        self.notes: list[str] = []
        self.given: list[tuple[str, Any]] = []
        self.queued: list[dict[str, Any]] = []
        self.out_of_fold: Any = None
        self.trial: Trial | None = None
        self.raw_parts: dict[str, Any] = {}
        self.data_session: tuple[str, bytes] | None = None
        self.sweep: dict[str, Any] = {}
        self.sweep_claims: list[Claim] = []
        self.fit_seconds = 0.0
        self.fit_started = 0.0
        self.fitting = False
        self.finished = False
        self.dead = False
        self.own_run = False
        self.spoiled: set[str] = set()
        self._token: Any = None
        self._models_before: set[str] = set()

    @property
    def run_id(self) -> str:
        """The MLflow run that holds the evidence."""
        return str(self.run.info.run_id)

    def new_model_ids(self) -> list[str]:
        """Return the models that were logged into the run since the session began."""
        if self.evaluates:
            return [self.evaluates]
        return [i for i in logged_ids(self.run_id) if i not in self._models_before]

    def note(self, text: str) -> None:
        """Keep something that the person must hear of at the end."""
        if text not in self.notes:
            self.notes.append(text)

    def data_subjects(self) -> list[Subject]:
        """Return the bound data sets as subjects; without any, the pack."""
        found = [t.subject() for t in self.tables.values()]
        return found or [Subject(name="pack", digest={"sha256": self.setup.pack_digest})]

    @property
    def function_name(self) -> str:
        """The training function's module and name; empty without one."""
        return f"{self.function.__module__}.{self.function.__qualname__}" if self.function is not None else ""

    def code(self) -> dict[str, Any]:
        """Return which code runs."""
        return code_version(self.function)

    def described_data(self) -> dict[str, Any]:
        """Return the bound data sets by role, as records describe them."""
        return {role: table.described() for role, table in self.tables.items()}

    def stop_clock(self) -> None:
        """Fitting has ended: keep how long it took."""
        if self.fitting and not self.fit_seconds:
            self.fit_seconds = time.perf_counter() - self.fit_started

    def end_run(self, error: BaseException | None) -> None:
        """End the run, where the session started it."""
        if self.own_run:
            end(self.run_id, "FAILED" if error is not None else "FINISHED")
