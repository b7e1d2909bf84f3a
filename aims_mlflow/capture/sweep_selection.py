"""`aims.select`: full evidence for the run that was chosen among the trials of a sweep."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.capture.active_run import PARENT
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.state import memory
from aims_mlflow.capture.sweep import Selection
from aims_mlflow.capture.training import Training
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.evidence import tracking
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.training import SelectionMetric
from aims_mlflow.records.evidence import Claim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.capture.sweep import KeptTrial

MAX_TRIALS = 50_000
OF_TEST_DATA = re.compile("(?<![a-z])test(ing|set|data)?(?![a-z])")  # as a word of a metric's name, unlike latest_loss


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
    run_id = run if isinstance(run, str) else run.info.run_id
    with tracking.reaching(f"find run {run_id}"):
        chosen = mlflow.MlflowClient().get_run(run_id)
    parent = chosen.data.tags.get(PARENT)
    sweep = memory.sweeps.get(str(parent))
    trial = sweep.trials.get(run_id) if sweep is not None else None
    parts = data or (trial.parts if trial else {})
    if not parts:
        raise ConfigError(
            f"run {run_id} was not a trial of this process",
            next='pass its data too: aims.select("ID", train=..., test=...)',
        )
    plan = trial.plan if trial else TrainingPlan(system=chosen.data.tags.get("aims.system"))
    plan = dataclasses.replace(plan, mode="enforce", register=register, on_failure=on_failure, run_id=run_id)
    with Training(plan) as training:
        selection = selection_of(chosen, parent, metric)
        if trial is not None and sweep is not None:
            selection = dataclasses.replace(selection, data_session=sweep.data_session)
            training.trained(trial.settings)
        training.chosen(selection)
        training.data(**parts)
        if model is not None:
            training.model(model)
        elif not training.logged_models():
            training.model(_kept_model(trial, run_id), trial.model_name if trial else None)
    return str(run_id)


def _kept_model(trial: KeptTrial | None, run_id: str) -> Any:
    if trial is None or trial.model_file is None:
        raise ConfigError(f"run {run_id} has logged no model", next='pass it: aims.select("ID", model=fitted)')
    import cloudpickle

    # The file is this process's own, in a folder that only its account can enter.
    return cloudpickle.loads(trial.model_file.read_bytes())


def selection_of(chosen: Any, parent: str | None, metric: str | None) -> Selection:
    """Return how a run was chosen: the number of trials, the selection metric, and whether the test data chose.

    Raises:
        ConfigError: the run has no such metric.
        Unreachable: the trials cannot be counted.
    """
    if parent is None:
        return Selection()
    with tracking.reaching("count the trials"):
        trials = count_runs(chosen.info.experiment_id, parent)
    if metric is None:
        return Selection(trials=trials, parent_run_id=parent)
    if metric not in chosen.data.metrics:
        known = sorted(chosen.data.metrics)
        raise ConfigError(
            f"run {chosen.info.run_id} has no metric {metric!r}",
            next=did_you_mean(metric, known) or f"it has {', '.join(known) or 'none'}",
        )
    chosen_by = SelectionMetric(name=metric, value=decimal_text(chosen.data.metrics[metric]) or "undefined")
    on_test = OF_TEST_DATA.search(re.sub("(?<=[a-z])(?=[A-Z])", " ", metric).lower()) is not None
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
    return Selection(trials=trials, parent_run_id=parent, metric=chosen_by, claims=(claim,))


def count_runs(experiment_id: str, parent: str) -> int:
    """Return how many child runs a run has, up to `MAX_TRIALS`."""
    client, token, total = mlflow.MlflowClient(), None, 0
    while True:
        page = client.search_runs([experiment_id], f"tags.`{PARENT}` = '{parent}'", max_results=1000, page_token=token)
        total += len(page)
        token = page.token
        if not token or total >= MAX_TRIALS:
            return total
