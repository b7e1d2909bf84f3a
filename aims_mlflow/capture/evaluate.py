"""`aims.evaluate`: evidence for a model that is already logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.training import Training
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence import tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

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

    Args:
        model: `models:/m-ID`, `models:/NAME/VERSION`, or the URI of a logged model.
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
