"""Hyper-parameters of a fitted model, as its library tells them, in the form of settings: text, bounded, no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aims_mlflow.capture.parameters import settings_of


def hyperparameters(model: Any) -> dict[str, str]:
    """Return the settings of a fitted model by name; empty where its library tells none. Never raises.

    scikit-learn's way (`get_params`, which XGBoost, LightGBM and CatBoost share) gives those of nested parts too, as
    `step__name`; LightGBM's Booster has `params`. A value that is not recorded has the reason in its place.
    """
    try:
        told = _told(_inside(model))
    except Exception:  # noqa: BLE001 - a stranger's object may do anything when it is asked
        return {}
    settings = settings_of({name: value for name, value in told.items() if not _holds_models(value)})
    return {**settings.values, **{name: f"(not recorded: {why})" for name, why in settings.left_out.items()}}


def _inside(model: Any) -> Any:
    """Return the model behind MLflow's loader of Python models, otherwise the model itself."""
    return model.unwrap_python_model() if type(model).__module__.startswith("mlflow.pyfunc") else model


def _told(model: Any) -> dict[str, Any]:
    if hasattr(model, "get_params"):
        return dict(model.get_params())
    params = getattr(model, "params", None)
    return dict(params) if isinstance(params, Mapping) else {}


def _holds_models(value: Any) -> bool:
    """Tell whether a value is a model or a list of named models: their own settings are told with their names."""
    if isinstance(value, list | tuple):
        return any(_holds_models(item) for item in value)
    return hasattr(value, "get_params") and not isinstance(value, type)
