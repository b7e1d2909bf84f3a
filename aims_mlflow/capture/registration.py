"""Registration of a training's models; the registry's gate decides, where there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import mlflow
from mlflow.exceptions import MlflowException

from aims_mlflow.capture.console import say
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.evidence import registered_models
from aims_mlflow.evidence.mlflow_address import is_of_gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan


def register(
    plan: TrainingPlan, run: OpenRun, fit: Fit, models: Sequence[LoggedModel], unmet: Sequence[str]
) -> list[str]:
    """Register the models where the plan says so; without a gate, only if nothing is unmet.

    Returns:
        One sentence for each model that was not registered.
    """
    if not plan.register:
        return []
    if unmet and not registered_models.known_gate():
        return ["not registered: evidence is missing or a limit failed, as the lines on what is unmet say"]
    refusals = []
    names = registered_names(plan, run, fit, models)
    for model in models:
        name = names.get(model.name)
        if name is None:
            continue
        try:
            version = register_model(model.uri, name)
            say(f"registered {name} version {version}")
        except GateRefused as exc:
            refusals.append(exc.what)
        except AimsError as exc:
            refusals.append(exc.sentence())
    return refusals


def registered_names(plan: TrainingPlan, run: OpenRun, fit: Fit, models: Sequence[LoggedModel]) -> dict[str, str]:
    """Return the registered name of each model that is to be registered, by the name it was logged under.

    `register={registered name: model or its name}` names several; `register=True` takes the first one.
    """
    if not isinstance(plan.register, Mapping):
        return {m.name: run.setup.config.system.model_name for m in models[:1]}
    return {
        next((n for n, handed in fit.models if handed is model), str(model)): str(name)
        for name, model in plan.register.items()
    }


def register_model(uri: str, name: str) -> str:
    """Register a logged model; where the gate refuses, remove the empty registered model that MLflow leaves.

    Raises:
        GateRefused: the registry's gate refused.
        Unreachable: MLflow could not do it.
    """
    client = mlflow.MlflowClient()
    existed = registered_models.has_registered_model(name)
    try:
        # mlflow.register_model() would print that the model is registered before the gate has decided.
        if not existed:
            client.create_registered_model(name)
        version = client.create_model_version(name, uri, model_id=uri.removeprefix("models:/"))
    except MlflowException as exc:
        if (
            not existed
            and registered_models.has_registered_model(name)
            and not client.search_model_versions(registered_models.name_filter(name))
        ):
            with contextlib.suppress(MlflowException):
                client.delete_registered_model(name)
        if is_of_gate(exc):
            raise GateRefused(str(exc.message).removeprefix("PERMISSION_DENIED: "), model_uri=uri) from None
        raise Unreachable(f"{name} could not be registered: {str(exc.message).splitlines()[0]}") from None
    return str(version.version)
