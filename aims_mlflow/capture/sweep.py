"""Sweeps: a child run leaves one small `trial` record; the trials of one parent run have their data in common."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.active_run import PARENT
from aims_mlflow.capture.console import log, say_once
from aims_mlflow.capture.failures import failure_of
from aims_mlflow.capture.state import memory
from aims_mlflow.evidence import tracking
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.base import DatasetDescription
from aims_mlflow.records.details.training import TrialDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.parameters import Settings
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.capture.training_data import TrainingData
    from aims_mlflow.records.details.training import SelectionMetric
    from aims_mlflow.records.evidence import Claim

MARKED_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class DataSession:
    """The session of a sweep's first trial, which has the evidence about the data: its envelopes and its files.

    `behind` are the sessions that it is based on, those of acquisitions and preparations, by session id.
    """

    id: str
    jsonl: bytes
    files: Mapping[str, bytes]
    behind: Mapping[str, bytes]


@dataclass
class Sweep:
    """The trials of one parent run, and what they have in common.

    Attributes:
        parent: The id of the parent run.
        tables: The tables of the trials, by the marks of the arguments that they were made from.
        arguments: Those arguments, kept alive: another object cannot take the id of one that is gone.
        admitted: The tables that the data gate admitted.
        data_session: The session with the evidence about the data.
        trials: The trials that ended well, by run id.
        setup: aims.yaml and pack as the first trial read them: a sweep is judged by one pack.
        config: The `config` that they were read from.
        folder: The private folder for models that were not logged.
    """

    parent: str
    tables: dict[tuple[Any, ...], Mapping[str, Table]] = field(default_factory=dict)
    arguments: list[Any] = field(default_factory=list)
    admitted: list[Mapping[str, Table]] = field(default_factory=list)
    data_session: DataSession | None = None
    trials: dict[str, KeptTrial] = field(default_factory=dict)
    setup: Setup | None = None
    config: Any = None
    folder: Any = None

    def has_admitted(self, tables: Mapping[str, Table]) -> bool:
        """Tell whether the data gate admitted these very tables for an earlier trial."""
        return any(known is tables for known in self.admitted)


@dataclass(frozen=True)
class Trial:
    """One child run of a sweep; the first one carries the evidence about the data."""

    sweep: Sweep
    first: bool


@dataclass(frozen=True, kw_only=True)
class KeptTrial:
    """The plan, data and settings of a trial, and its model where it logged none; `aims.select` needs them."""

    plan: TrainingPlan
    parts: Mapping[str, Any]
    settings: Settings
    model_name: str = ""
    model_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The choice of a run among the trials of a sweep.

    Attributes:
        trials: Number of trials of the sweep.
        parent_run_id: The run of the sweep.
        metric: The metric that chose.
        claims: Whether the test data chose.
        data_session: The session with the evidence about the sweep's data.
    """

    trials: int | None = None
    parent_run_id: str | None = None
    metric: SelectionMetric | None = None
    claims: tuple[Claim, ...] = ()
    data_session: DataSession | None = None


def trial_in(run: Any) -> Trial | None:
    """Return the trial that a child run is; None for a run without a parent."""
    parent = run.data.tags.get(PARENT)
    if not parent:
        return None
    sweep = memory.sweeps.setdefault(parent, Sweep(parent))
    say_once(
        f"run {parent} has child runs: each leaves a small trial record; "
        'aims.select("RUN_ID") gives the one that you choose its full evidence'
    )
    return Trial(sweep, first=sweep.data_session is None)


def setup_of_sweep(run: Any, config: Any) -> Setup | None:
    """Return aims.yaml and pack as the first trial of this sweep read them: a sweep is judged by one pack."""
    parent = run.data.tags.get(PARENT) if run is not None else None
    sweep = memory.sweeps.get(str(parent))
    return sweep.setup if sweep is not None and sweep.config is config else None


def tables_once(
    trial: Trial, parts: Mapping[str, Mapping[str, Any]], make: Callable[[], Mapping[str, Table]]
) -> Mapping[str, Table]:
    """Return the tables of a trial; an object that a sample shows unchanged is digested once for all trials.

    `aims.select` digests the tables again, whole.
    """
    key = tuple((role, part, *_mark(value)) for role, given in parts.items() for part, value in given.items())
    if key not in trial.sweep.tables:
        trial.sweep.tables[key] = make()
        trial.sweep.arguments += [value for given in parts.values() for value in given.values()]
    return trial.sweep.tables[key]


def _mark(value: Any) -> tuple[Any, ...]:
    """Return what differs between a table and a changed one: identity, shape, and up to `MARKED_ROWS` of its rows."""
    shape = getattr(value, "shape", None)
    if shape is None or not shape[0]:
        return (id(value), str(value) if isinstance(value, str | Path) else None)
    step = -(-shape[0] // MARKED_ROWS)
    sample = value.iloc[::step] if hasattr(value, "iloc") else value[::step]
    rows = sample.to_numpy() if hasattr(sample, "to_numpy") else sample
    return (id(value), tuple(shape), hash(str(rows.tolist())) if hasattr(rows, "tolist") else None)


def write_trial(
    trial: Trial, plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, recorder: Recorder
) -> None:
    """Write the session of a child run: the trial record, and in the first one the evidence about the data.

    Raises:
        Unreachable: the run cannot be written.
    """
    details = TrialDetails(
        function=plan.function_name,
        parameters=dict(fit.settings.values),
        parameters_left_out=fit.settings.left_out or None,
        parent_run_id=trial.sweep.parent,
        data={role: DatasetDescription(digest=t.digest) for role, t in data.tables.items()},
        fit_seconds=decimal_text(round(fit.seconds, 3)),
        data_session=trial.sweep.data_session.id if trial.sweep.data_session is not None else None,
        failure=failure_of(fit.error) if fit.error is not None else None,
    )
    recorder.add(
        "trial",
        data.subjects(),
        result="failed" if fit.error is not None else "passed",
        reason=f"the training function raised {type(fit.error).__name__}" if fit.error is not None else None,
        details=details,
    )
    recorder.close()
    tracking.put(run.run_id, {**recorder.session_files(), **recorder.files})
    if trial.first and data.tables:
        trial.sweep.data_session = DataSession(
            id=recorder.session_id,
            jsonl=recorder.jsonl(),
            files=dict(recorder.files),
            behind=dict(recorder.earlier_sessions),
        )
        trial.sweep.setup, trial.sweep.config = run.setup, plan.config
    if fit.error is None:
        name, model_file = _kept_model(trial.sweep, run.run_id, fit)
        trial.sweep.trials[run.run_id] = KeptTrial(
            plan=dataclasses.replace(plan, system=run.setup.config.system.id),
            parts=data.parts,
            settings=fit.settings,
            model_name=name,
            model_file=model_file,
        )


def _kept_model(sweep: Sweep, run_id: str, fit: Fit) -> tuple[str, Path | None]:
    """Write the first model that was handed over into a private file; returns its name and the file.

    The models of a sweep do not stay in memory. Without a file `aims.select` asks for the model.
    """
    if not fit.models:
        return "", None
    import cloudpickle

    name, model = fit.models[0]
    if sweep.folder is None:
        sweep.folder = tempfile.TemporaryDirectory(prefix="aims-sweep-")
    path = Path(sweep.folder.name, f"{run_id}.pkl")
    try:
        path.write_bytes(cloudpickle.dumps(model))
    except Exception:  # noqa: BLE001 - a model may refuse to be pickled in any way
        log.debug("the trial's model could not be kept", exc_info=True)
        return name, None
    return name, path
