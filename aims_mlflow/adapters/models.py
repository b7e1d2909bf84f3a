"""Models in MLflow: logs a fitted model, and opens a logged one with the digest of its bytes."""

from __future__ import annotations

import contextlib
import functools
import pickle
import pickletools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow

from aims_mlflow.adapters.installed import packages
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.tracking import client, model_folder, reaching

NO_SKOPS = "HistGradientBoosting"  # refused after all of its trees are written, which takes seconds


@dataclass(frozen=True)
class LoggedModel:
    """A model in MLflow: the digest of its bytes, and an object that predicts."""

    name: str
    model_id: str
    digest: str
    flavor: str
    predictor: Any

    @property
    def uri(self) -> str:
        """The MLflow URI of the logged model."""
        return f"models:/{self.model_id}"

    def subject(self) -> Subject:
        """Return the model as a statement's subject."""
        return Subject(name=f"models:/{self.model_id}", digest={"dirHash1": self.digest})

    def described(self) -> dict[str, str]:
        """Return the model as the training record lists it."""
        return {"name": self.name, "model_id": self.model_id, "digest": self.digest, "flavor": self.flavor}


def models_in(returned: Any, system: str) -> dict[str, Any]:
    """Return the models among what a training function returned, by name; numbers and frames are none."""
    if returned is None or isinstance(returned, str) or hasattr(returned, "model_uri"):
        return {}  # a URI, or MLflow's ModelInfo: logged already
    if isinstance(returned, Mapping):
        return {str(k): v for k, v in returned.items() if _is_model(v)}
    if _is_model(returned):
        return {system: returned}
    if isinstance(returned, Sequence):
        models = [v for v in returned if _is_model(v)]
        return {system if len(models) == 1 else f"{system}-{i}": v for i, v in enumerate(models, 1)}
    return {}


def _is_model(value: Any) -> bool:
    return hasattr(value, "predict") and not isinstance(value, type)


def file_prefix(models: Sequence[LoggedModel], model: LoggedModel) -> str:
    """Return the prefix of a model's files among those of several: its name, or name and id; empty for one model."""
    if len(models) < 2:
        return ""
    alone = sum(m.name == model.name for m in models) == 1
    return f"{model.name}-" if alone else f"{model.name}-{model.model_id[:10]}-"


def logged_ids(run_id: str) -> list[str]:
    """Return the ids of the models that a run has logged, oldest first."""
    with reaching(f"list the models of run {run_id}"):
        outputs = client().get_run(run_id).outputs
    return [o.model_id for o in outputs.model_outputs] if outputs else []


def digest_of_logged(model_id: str) -> str:
    """Return the `dirHash1` of a logged model's files as downloaded back.

    Raises:
        Unreachable: they cannot be read.
        EvidenceError: the folder is empty or holds a link.
    """
    with model_folder(model_id) as folder:
        return model_digest(folder)


def open_logged(model_id: str, predictor: Any = None) -> LoggedModel:
    """Return a logged model with its digest; without `predictor`, one is loaded from the logged bytes.

    Raises:
        Unreachable: it cannot be read or loaded.
        EvidenceError: its folder is not in order.
    """
    digest = digest_of_logged(model_id)
    with reaching(f"read model {model_id}"):
        logged = client().get_logged_model(model_id)
        info = mlflow.models.get_model_info(f"models:/{model_id}")
    flavors = [f for f in info.flavors if f != "python_function"] or ["python_function"]
    return LoggedModel(logged.name, model_id, digest, flavors[0], load(model_id) if predictor is None else predictor)


def load(model_id: str) -> Any:
    """Load a model from the logged bytes: the library's own object where the flavor has one.

    Raises:
        Unreachable: it cannot be loaded here.
    """
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{model_id}", suppress_warnings=True)
    except Exception as exc:  # a model's loader may raise anything
        raise Unreachable(f"model {model_id} cannot be loaded here ({type(exc).__name__})") from exc
    try:
        raw = loaded.get_raw_model()
    except Exception:  # noqa: BLE001 - not every flavor gives its object out
        return loaded
    own = hasattr(raw, "predict") and not isinstance(raw, mlflow.pyfunc.PythonModel)
    return raw if own else loaded


def log_model(model: Any, name: str, features: Any, predictions: Any) -> str:
    """Log a fitted model into the active run with the flavor that knows it; returns the model's id.

    A few rows of features and predictions make the signature. No input example is stored: it would hold real rows.

    Raises:
        Unreachable: MLflow could not log it.
    """
    signature = _signature(features, predictions)
    kind = type(model).__module__.split(".")[0]
    options: dict[str, Any] = {"name": name, "signature": signature}
    requirements = requirements_of(model)
    if requirements:
        options["pip_requirements"] = requirements
    with reaching(f"log the model {name!r}"):
        try:
            if kind in ("lightgbm", "xgboost"):
                info = getattr(mlflow, kind).log_model(model, **options)
            elif hasattr(model, "get_params") and "sklearn" in sys.modules and _is_sklearn(model):
                info = _log_sklearn(model, options)
            elif isinstance(model, mlflow.pyfunc.PythonModel):
                info = mlflow.pyfunc.log_model(python_model=model, **options)
            elif requirements is None:
                raise Unreachable(f"the model {name!r} cannot be saved: it cannot be pickled", next="log it yourself")
            else:
                info = mlflow.pyfunc.log_model(python_model=_as_function(model), **options)
        except (TypeError, AttributeError, ValueError, pickle.PicklingError) as exc:
            raise Unreachable(
                f"the model {name!r} cannot be saved ({type(exc).__name__})", next="log it yourself"
            ) from exc
    return str(info.model_id)


def _is_sklearn(model: Any) -> bool:
    from sklearn.base import BaseEstimator

    return isinstance(model, BaseEstimator)


def _log_sklearn(model: Any, options: dict[str, Any]) -> Any:
    """Prefer skops, which loads without running code; some estimators only go as a pickle."""
    from mlflow.exceptions import MlflowException

    parts = [model, *model.get_params().values()]
    if not any(type(part).__name__.startswith(NO_SKOPS) for part in parts):
        with contextlib.suppress(MlflowException, TypeError, ValueError):
            return mlflow.sklearn.log_model(model, **options)
    return mlflow.sklearn.log_model(model, serialization_format="cloudpickle", **options)


def _signature(features: Any, predictions: Any) -> Any:
    try:
        return mlflow.models.infer_signature(features, predictions)
    except Exception:  # noqa: BLE001 - a signature is welcome, never needed
        return None


def requirements_of(model: Any) -> list[str] | None:
    """Return the distributions whose modules a model's pickle names, pinned; None where it cannot be pickled.

    MLflow's own inference loads the model in a new process, which takes seconds.
    """
    import cloudpickle

    try:
        names = _modules_in(cloudpickle.dumps(model))
    except Exception:  # noqa: BLE001 - then MLflow infers them
        return None
    by_module = _distributions()
    installed = packages()
    wanted = {d.lower().replace("_", "-") for n in names for d in by_module.get(n, ())} | {"cloudpickle"}
    return sorted(f"{name}=={installed[name]}" for name in wanted - {"mlflow", "aims-mlflow"} if name in installed)


def _modules_in(data: bytes) -> set[str]:
    """Return the top-level modules that a pickle refers to: GLOBALs, and the texts before STACK_GLOBALs."""
    modules = set()
    for opcode, argument, _ in pickletools.genops(data):
        if isinstance(argument, str) and ("GLOBAL" in opcode.name or "UNICODE" in opcode.name):
            top = argument.split(" ")[0].split(".")[0]
            if top.isidentifier() and top in sys.modules:
                modules.add(top)
    return modules


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    import importlib.metadata

    return importlib.metadata.packages_distributions()


def _as_function(model: Any) -> Any:
    """Wrap any object with `predict` as a function that pickles by value, so that loading needs no aims_mlflow."""

    def predict(model_input):  # type: ignore[no-untyped-def]  # MLflow reads hints as the signature
        return model.predict(model_input)

    return predict
