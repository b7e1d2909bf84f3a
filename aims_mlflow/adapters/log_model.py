"""Logging a fitted model into MLflow with the flavour that knows it; a `predict=` function is stored with the model."""

from __future__ import annotations

import contextlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.adapters.asking import SEED, SENSITIVE
from aims_mlflow.adapters.requirements import own_code_stored, requirements_of
from aims_mlflow.adapters.tables import has_categories
from aims_mlflow.checks.model.description import HARMLESS_TYPES
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.tracking import reaching

if TYPE_CHECKING:
    from collections.abc import Callable

# Written as skops they are refused after all of their trees are written, which takes seconds.
TREES = ("HistGradientBoosting", "GradientBoosting", "RandomForest", "ExtraTree", "DecisionTree", "IsolationForest")
OWN_FLAVOURS = ("lightgbm", "xgboost", "catboost")
ANSWERED_BY_MLFLOW = ("pytorch", "keras", "transformers", "pyfunc")


def flavour_of(model: Any) -> str:
    """Return MLflow's flavour for an object: the library's own where it is one of its classes, else "function"."""
    if isinstance(model, mlflow.pyfunc.PythonModel):
        return "pyfunc"
    for flavour, module, name in (
        ("keras", "keras", "Model"),  # on PyTorch it is a Module too
        ("pytorch", "torch.nn", "Module"),
        ("transformers", "transformers", "Pipeline"),
    ):
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(model, kind):
            return flavour
    library = type(model).__module__.split(".")[0]
    if library in OWN_FLAVOURS or (library == "statsmodels" and hasattr(model, "save")):
        return library
    if hasattr(model, "get_params") and "sklearn" in sys.modules:
        from sklearn.base import BaseEstimator

        if isinstance(model, BaseEstimator):
            return "sklearn"
    return "function"


def is_answered_by_mlflow(model: Any) -> bool:
    """Tell whether a model is asked through MLflow, which turns a table into what its library takes."""
    return flavour_of(model) in ANSWERED_BY_MLFLOW


def log_model(
    model: Any, name: str, features: Any, output: Any, function: Callable[[Any, Any], Any] | None = None
) -> str:
    """Log a fitted model into the active run with the flavour that knows it; returns the model's id.

    Args:
        model: The fitted model.
        name: Its name in MLflow.
        features: A few rows of what it takes, and `output`, what it answers: they make the signature. No input
            example is stored: it would hold real rows.
        output: Its answer to `features`.
        function: The person's `predict=`: it is stored with the model, and the logged model answers what it returns.
            Where it cannot be pickled the model is logged without it.

    Raises:
        Unreachable: MLflow could not log it.
    """
    if function is not None and requirements_of((model, function)) is None:
        function = None
    whole = model if function is None else (model, function)
    options: dict[str, Any] = {"name": name, "signature": _signature(features, output)}
    requirements = requirements_of(whole)
    if requirements:
        options["pip_requirements"] = requirements
    with reaching(f"log the model {name!r}"), own_code_stored(whole):
        try:
            if function is not None:
                info = mlflow.pyfunc.log_model(python_model=_with_function(model, function), **options)
            else:
                info = _log(model, options, can_be_pickled=requirements is not None)
        except (TypeError, AttributeError, ValueError, pickle.PicklingError) as exc:
            raise Unreachable(
                f"the model {name!r} cannot be saved ({type(exc).__name__})", next="log it yourself"
            ) from exc
    return str(info.model_id)


def _log(model: Any, options: dict[str, Any], *, can_be_pickled: bool) -> Any:
    flavour = flavour_of(model)
    if flavour == "sklearn":
        return _log_sklearn(model, options)
    if flavour == "pyfunc":
        return mlflow.pyfunc.log_model(python_model=model, **options)
    if flavour == "statsmodels":
        return mlflow.statsmodels.log_model(_without_rows(model), **options)
    if flavour == "pytorch":
        return mlflow.pytorch.log_model(model, serialization_format="pickle", **options)
    if flavour != "function":
        written = {"serialization_format": _lightgbm_format(model)} if flavour == "lightgbm" else {}
        return getattr(mlflow, flavour).log_model(model, **written, **options)
    if not can_be_pickled:
        name = options["name"]
        raise Unreachable(f"the model {name!r} cannot be saved: it cannot be pickled", next="log it yourself")
    return mlflow.pyfunc.log_model(python_model=_as_function(model), **options)


def _log_sklearn(model: Any, options: dict[str, Any]) -> Any:
    """Prefer skops, which loads without running code; some estimators only go as a pickle.

    What skops refuses is found out before: a model that MLflow fails to log stays in the run as a failed one.
    """
    trusted = _trusted_as_skops(model)
    if trusted is not None:
        trusting = {"skops_trusted_types": trusted} if trusted else {}
        return mlflow.sklearn.log_model(model, serialization_format="skops", **trusting, **options)
    return mlflow.sklearn.log_model(model, serialization_format="cloudpickle", **options)


def _lightgbm_format(model: Any) -> str:
    """Return "skops" for what MLflow's flavour can write so, such as classifiers; a ranker only goes as a pickle."""
    import skops.io

    trusted = {*getattr(mlflow.lightgbm, "_LIGHTGBM_SKLEARN_SKOPS_TRUSTED_TYPES", ())}
    with contextlib.suppress(Exception):  # whatever it cannot write goes as a pickle
        return "skops" if set(skops.io.get_untrusted_types(data=skops.io.dumps(model))) <= trusted else "cloudpickle"
    return "cloudpickle"


def _trusted_as_skops(model: Any) -> list[str] | None:
    """Return the types that skops has to be told to trust for a model; None for one that goes as a pickle."""
    import skops.io

    parts = [model, *model.get_params().values()]
    if any(type(part).__name__.startswith(TREES) for part in parts):
        return None
    with contextlib.suppress(Exception):  # whatever it cannot write goes as a pickle
        named: list[str] = skops.io.get_untrusted_types(data=skops.io.dumps(model))
        return named if set(named) <= HARMLESS_TYPES else None
    return None


def _without_rows(results: Any) -> Any:
    """Return results of statsmodels without the training rows that they hold, where they predict without them."""
    # A copy of our own object: `remove_data` changes what it is called on.
    copy = pickle.loads(pickle.dumps(results))  # noqa: S301
    try:
        copy.remove_data()
        pickle.dumps(copy)
    except Exception:  # noqa: BLE001 - some results need their rows
        return results
    return copy


def _signature(features: Any, output: Any) -> Any:
    """Return the signature; None for pandas categories, which MLflow writes as texts and then refuses.

    None for a column too: by a signature MLflow would hand the model a frame in its place.
    """
    if has_categories(features) or hasattr(features, "to_frame"):
        return None
    for parts in ((features, output), (features,)):
        with contextlib.suppress(Exception):  # a signature is welcome, never needed
            return mlflow.models.infer_signature(*parts)
    return None


# What is stored is pickled by value, so that loading needs no aims_mlflow: nothing of this module may be named inside.
# MLflow takes functions of one argument, `model_input`; lambdas have no type hints, which it would read as a signature.


def _as_function(model: Any) -> Any:
    ask = model.predict if hasattr(model, "predict") else model
    return lambda model_input: ask(model_input)  # noqa: PLW0108 - neither a method nor an object is a function to MLflow


def _with_function(model: Any, function: Callable[[Any, Any], Any]) -> Any:
    return lambda model_input: function(model, model_input)


def with_groups_beside(columns: tuple[str, ...], groups: tuple[str, ...]) -> Callable[[Any, Any], Any]:
    """Return the function that asks a model that needs sensitive columns beside the features, from one frame.

    It asks as `asking.with_groups` does, so that a random model gets the same seed.
    """
    seed, argument = SEED, SENSITIVE

    def predict(model: Any, features: Any) -> Any:
        import inspect

        beside = features[groups[0]] if len(groups) == 1 else features[list(groups)]
        options = {"random_state": seed} if "random_state" in inspect.signature(model.predict).parameters else {}
        return model.predict(features[list(columns)], **{argument: beside}, **options)

    return predict
