"""`aims.evaluate`: evidence for a model that is already logged."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.active_run import end
from aims_mlflow.capture.kept_models import discard_kept, read_kept
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.training import Training
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence import tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.capture.plan import OnFailure


def evaluate(
    model: str,
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    predict: Callable[[Any, Any], Any] | None = None,
    sensitive: Any = None,
    register: bool | Mapping[str, Any] = False,
    on_failure: OnFailure = "report",
    **data: Any,
) -> str:
    """Evaluate a logged model on data and leave the evidence in the run that logged it.

    A model that a training kept on disk, because MLflow could not be reached, is logged into the training's run first.

    Args:
        model: `models:/m-ID`, `models:/NAME/VERSION`, the URI of a logged model, or the path of a kept one. Loading a
            kept model runs its code: give only a file of your own.
        config: path of aims.yaml, or its content; found by default.
        predict: `(model, features) -> labels` for models that need it.
        sensitive: as in `aims.trains`.
        register: as in `aims.trains`.
        on_failure: as in `aims.trains`.
        data: `train=, test=`, or `X_train=, y_train=, X_test=, y_test=`. Without training data, the test
            data are checked, and drift is not evaluated.

    Returns:
        The id of the run that holds the evidence.

    Raises:
        ConfigError, DataError, Unreachable: the model or the data cannot be used.
        GateRefused: with `on_failure="raise"`, after everything is written.
    """
    path = Path(model)
    if "://" not in model and not model.startswith(("models:", "runs:")) and path.suffix == ".pkl":
        plan = TrainingPlan(
            system=None, config=config, predict=predict, sensitive=sensitive, register=register, on_failure=on_failure
        )
        return _finish_kept(plan, path, data)
    target = tracking.resolve(model)
    if target.model_id is None:
        raise ConfigError(f"{model} names no logged model", next="log it with MLflow 3's log_model(name=...)")
    plan = TrainingPlan(
        system=None,
        config=config,
        predict=predict,
        sensitive=sensitive,
        register=register,
        on_failure=on_failure,
        run_id=target.run_id,
        evaluates=target.model_id,
    )
    with Training(plan) as session:
        session.data(**data)
    return target.run_id


def _finish_kept(plan: TrainingPlan, path: Path, data: Mapping[str, Any]) -> str:
    """Log a model that a training kept, and finish its evidence; returns the id of the run."""
    model, kept = read_kept(path)
    tracking.check_server()
    with tracking.reaching(f"find run {kept.run_id}"):
        run = tracking.client().get_run(kept.run_id)
    sent = path.parent / "run"
    if sent.is_dir():  # the session of the training, which could not be written then
        with tracking.reaching("write the kept evidence into the run"):
            tracking.client().log_artifacts(kept.run_id, str(sent))
    plan = dataclasses.replace(plan, system=kept.system, run_id=kept.run_id, trained_by=kept.function)
    with Training(plan) as session:
        before = set(session.logged_models())
        session.trained(kept.settings, kept.fit_seconds)
        session.data(**data)
        session.model(model, kept.name)
    if set(session.logged_models()) - before:
        discard_kept(path)
        if run.info.status == "RUNNING":
            end(kept.run_id, "FINISHED")
    return kept.run_id
