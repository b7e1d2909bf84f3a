"""Sweeps: a child run leaves one small `trial` record; `aims.select` gives the chosen run full evidence."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.capture import state
from aims_mlflow.capture.console import log, say_once
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import session_path
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.capture.underway import Underway

PARENT = "mlflow.parentRunId"
TRIALS_MAX = 50_000


@dataclass
class Sweep:
    """What the trials of one parent run share: the data, made known once, and the models to choose from."""

    parent: str
    tables: dict[tuple[Any, ...], dict[str, Table]] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    data_session: tuple[str, bytes] | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    folder: Any = None
    setup: Setup | None = None
    checked: list[dict[str, Table]] = field(default_factory=list)
    config: Any = None


@dataclass
class Trial:
    """One child run: its settings, its tables, and a file with its model where it logged none."""

    sweep: Sweep
    first: bool
    parts: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    model_file: Path | None = None
    model_name: str = ""


def trial_in(run: Any) -> Trial | None:
    """Return the trial that a child run stands for; None for a run without a parent."""
    parent = run.data.tags.get(PARENT)
    if not parent:
        return None
    found: Sweep = state.sweeps.setdefault(parent, Sweep(parent))
    say_once(
        f"run {parent} has child runs: each leaves a small trial record; "
        'aims.select("RUN_ID") gives the one that you choose its full evidence'
    )
    return Trial(found, first=found.data_session is None)


def setup_of_sweep(run: Any, config: Any) -> Setup | None:
    """Return aims.yaml and pack as the first trial of this sweep read them: a sweep is held to one pack."""
    parent = run.data.tags.get(PARENT) if run is not None else None
    found = state.sweeps.get(str(parent))
    return found.setup if found is not None and found.config is config else None


def tables_once(
    trial: Trial, parts: Mapping[str, Mapping[str, Any]], make: Callable[[], dict[str, Table]]
) -> dict[str, Table]:
    """Return the tables of a trial; the same objects, unchanged as far as a sample shows, are digested once.

    `select` digests them again, whole.
    """
    key = tuple((role, part, *_mark(value)) for role, found in parts.items() for part, value in found.items())
    if key not in trial.sweep.tables:
        trial.sweep.tables[key] = make()
        # Kept alive, so that another object can't take the id of one that is gone.
        trial.sweep.kept += [value for found in parts.values() for value in found.values()]
    return trial.sweep.tables[key]


def _mark(value: Any) -> tuple[Any, ...]:
    """Return what tells a table from a changed one: identity, shape, and up to 64 of its rows."""
    shape = getattr(value, "shape", None)
    if shape is None or not shape[0]:
        return (id(value), str(value) if isinstance(value, str | Path) else None)
    step = max(1, shape[0] // 64)
    sample = value.iloc[::step] if hasattr(value, "iloc") else value[::step]
    rows = sample.to_numpy() if hasattr(sample, "to_numpy") else sample
    return (id(value), tuple(shape), hash(str(rows.tolist())) if hasattr(rows, "tolist") else None)


def write_trial(training: Underway, error: BaseException | None) -> list[str]:
    """Write the child run's session: data evidence in the first one, and the trial record."""
    from aims_mlflow.capture.evaluation import failure_of

    trial = training.trial
    if trial is None:
        return []
    details: dict[str, Any] = {
        "function": training.function_name,
        "parameters": training.parameters,
        "parent_run_id": trial.sweep.parent,
        "data": {role: {"digest": t.digest} for role, t in training.tables.items()},
        "fit_seconds": decimal_text(round(training.fit_seconds, 3)),
    }
    if trial.sweep.data_session is not None:
        details["data_session"] = trial.sweep.data_session[0]
    if error is not None:
        details["failure"] = failure_of(error)
    training.writer.add(
        "trial",
        training.data_subjects(),
        result="failed" if error is not None else "passed",
        reason=f"the training function raised {type(error).__name__}" if error is not None else None,
        details=details,
    )
    training.writer.close()
    tracking.put(training.run_id, {session_path(training.writer.id): training.writer.jsonl(), **training.files})
    if trial.first and training.tables:
        trial.sweep.data_session = (training.writer.id, training.writer.jsonl())
        trial.sweep.setup, trial.sweep.config = training.setup, training.config
    if error is None:
        _keep(training, trial)
    return []


def _keep(training: Underway, trial: Trial) -> None:
    """Keep what `select` needs. A model that was not logged waits in a private file, not in memory."""
    trial.parts = training.raw_parts
    trial.parameters = training.parameters
    trial.options = {
        "system": training.setup.config.system.id,
        "config": training.config,
        "predict": training.predict,
        "sensitive": training.sensitive,
        "function": training.function,
    }
    trial.sweep.trials[training.run_id] = trial
    if not training.given:
        return
    import cloudpickle

    trial.model_name, model = training.given[0]
    if trial.sweep.folder is None:
        trial.sweep.folder = tempfile.TemporaryDirectory(prefix="aims-sweep-")
    path = Path(trial.sweep.folder.name, f"{training.run_id}.pkl")
    try:
        path.write_bytes(cloudpickle.dumps(model))
        trial.model_file = path
    except Exception:  # noqa: BLE001 - then select() asks for the model
        log.debug("the trial's model could not be kept", exc_info=True)


def select(
    run: Any,
    *,
    metric: str | None = None,
    model: Any = None,
    register: bool | Mapping[str, Any] = False,
    on_failure: Any = "report",
    **data: Any,
) -> str:
    """Give the chosen run of a sweep full evidence, with the number of trials and the selection metric.

    Args:
        run: a run, or its id.
        metric: name of the logged metric that decided.
        model: the fitted model, where the trial neither logged it nor ran in this process.
        register: as in `aims.trains`.
        on_failure: as in `aims.trains`.
        data: `train=, test=, ...` where the trial did not run in this process.

    Returns:
        The run's id.

    Raises:
        ConfigError: the run is no trial, or its data or model are not at hand.
        DataError, Unreachable, GateRefused: as from `aims.trains`.
    """
    from aims_mlflow.capture.training import Training

    run_id = run if isinstance(run, str) else run.info.run_id
    with tracking.reaching(f"find run {run_id}"):
        chosen = mlflow.MlflowClient().get_run(run_id)
    parent = chosen.data.tags.get(PARENT)
    trial = state.sweeps[parent].trials.get(run_id) if parent in state.sweeps else None
    parts = data or (trial.parts if trial else {})
    if not parts:
        raise ConfigError(
            f"run {run_id} was not a trial of this process",
            next='pass its data too: aims.select("ID", train=..., test=...)',
        )
    options = trial.options if trial else {"system": chosen.data.tags.get("aims.system")}

    with Training(**options, register=register, on_failure=on_failure, run_id=run_id) as training:
        training.sweep, training.sweep_claims = facts(chosen, parent, metric)
        if trial is not None:
            training.parameters.update(trial.parameters)
            training.data_session = trial.sweep.data_session
        training.data(**parts)
        if model is not None:
            training.model(model)
        elif not training.new_model_ids():
            training.model(_kept_model(trial, run_id), trial.model_name if trial else None)
    return str(run_id)


def _kept_model(trial: Trial | None, run_id: str) -> Any:
    if trial is None or trial.model_file is None:
        raise ConfigError(f"run {run_id} has logged no model", next='pass it: aims.select("ID", model=fitted)')
    import cloudpickle

    # The file is this process's own, in a folder that only its account can enter.
    return cloudpickle.loads(trial.model_file.read_bytes())


def facts(chosen: Any, parent: str | None, metric: str | None) -> tuple[dict[str, Any], list[Claim]]:
    """Return the sweep's facts for the training record: trials, selection metric, and whether the test set chose."""
    if parent is None:
        return {}, []
    with tracking.reaching("count the trials"):
        trials = count_runs(chosen.info.experiment_id, parent)
    details: dict[str, Any] = {"trials": trials, "parent_run_id": parent}
    if metric is None:
        return details, []
    if metric not in chosen.data.metrics:
        known = sorted(chosen.data.metrics)
        raise ConfigError(
            f"run {chosen.info.run_id} has no metric {metric!r}",
            next=did_you_mean(metric, known) or f"it has {', '.join(known) or 'none'}",
        )
    details["selection_metric"] = {"name": metric, "value": decimal_text(chosen.data.metrics[metric]) or "undefined"}
    on_test = "test" in metric.lower()
    claim = Claim(
        metric="selected_on_test_data",
        role="test",
        value="1" if on_test else "0",
        n=trials,
        comparator="==",
        limit="0",
        severity="warning",
        passed=not on_test,
        note=f"{metric} chose among {trials} trials, so the same data cannot show how good the choice is"
        if on_test
        else f"{metric} chose among {trials} trials",
    )
    return details, [claim]


def count_runs(experiment_id: str, parent: str) -> int:
    """Return how many child runs a run has."""
    client, token, total = mlflow.MlflowClient(), None, 0
    while True:
        page = client.search_runs([experiment_id], f"tags.`{PARENT}` = '{parent}'", max_results=1000, page_token=token)
        total += len(page)
        token = page.token
        if not token or total >= TRIALS_MAX:
            return total
