"""Models in MLflow: finds those that a training made, and opens a logged one with the digest of its bytes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.adapters.log_model import is_answered_by_mlflow
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.model_files import model_folder
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.tracking import client, reaching
from aims_mlflow.records.details.training import ModelDescription

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LoggedModel:
    """A model in MLflow: the digest of its bytes, and an object that predicts.

    Attributes:
        inputs: The columns that its signature names; empty without any.
        function: How the person's `predict=` is kept: "with the model", "beside the model" where the model was logged
            without us, "not stored" where it cannot be pickled; empty without one.
    """

    name: str
    model_id: str
    digest: str
    flavor: str
    predictor: Any
    inputs: tuple[str, ...] = ()
    function: str = ""

    @property
    def uri(self) -> str:
        """The MLflow URI of the logged model."""
        return f"models:/{self.model_id}"

    def subject(self) -> Subject:
        """Return the model as a statement's subject."""
        return Subject(name=f"models:/{self.model_id}", digest={"dirHash1": self.digest})

    def described(self) -> ModelDescription:
        """Return the model as the training record lists it."""
        return ModelDescription(
            name=self.name,
            model_id=self.model_id,
            digest=self.digest,
            flavor=self.flavor,
            inputs=list(self.inputs) or None,
        )


def models_in(returned: Any, system: str) -> dict[str, Any]:
    """Return the models among what a training function returned, by name; numbers and frames are none."""
    if returned is None or isinstance(returned, str):
        return {}
    if getattr(returned, "model_id", None) and isinstance(getattr(returned, "model_uri", None), str):
        return {system: f"models:/{returned.model_id}"}  # MLflow's ModelInfo: logged already
    if isinstance(returned, Mapping):
        return {str(k): v for k, v in returned.items() if _is_model(v)}
    if _is_model(returned) or inspect.isfunction(returned):
        return {system: returned}
    if isinstance(returned, Sequence):
        models = [v for v in returned if _is_model(v)]
        return {system if len(models) == 1 else f"{system}-{i}": v for i, v in enumerate(models, 1)}
    return {}


def _is_model(value: Any) -> bool:
    """Tell whether a value can be asked: an object with `predict`, or a network of PyTorch, which is called."""
    is_network = hasattr(value, "forward") and hasattr(value, "state_dict")
    return (hasattr(value, "predict") or is_network) and not isinstance(value, type)


def predicts(model_id: str) -> bool:
    """Tell whether a logged model predicts: MLflow gives a scaler no flavor of functions."""
    with model_folder(model_id) as folder, reaching(f"read model {model_id}"):
        return "python_function" in mlflow.models.get_model_info(str(folder)).flavors


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


def open_logged(
    model_id: str, predictor: Any = None, function: str = "", inputs: Sequence[str] | None = None
) -> LoggedModel:
    """Return a logged model with its digest; without `predictor`, one is loaded from the logged bytes.

    `function` tells how the person's `predict=` is kept, `inputs` the columns where a signature cannot name them.

    Raises:
        Unreachable: it cannot be read or loaded.
        EvidenceError: its folder is not in order.
    """
    with model_folder(model_id) as folder:
        digest = model_digest(folder)
        with reaching(f"read model {model_id}"):
            logged = client().get_logged_model(model_id)
            info = mlflow.models.get_model_info(str(folder))
        predictor = load(model_id, folder) if predictor is None else predictor
    flavors = [f for f in info.flavors if f != "python_function"] or ["python_function"]
    schema = info.signature.inputs if info.signature is not None else None
    named = schema.input_names() if schema is not None and schema.has_input_names() else inputs
    return LoggedModel(logged.name, model_id, digest, flavors[0], predictor, tuple(named or ()), function)


def load(model_id: str, folder: Path | None = None) -> Any:
    """Load a model from the logged bytes: the library's own object where the flavor has one.

    `folder` is a copy of its files that stays as long as the model is used.

    Raises:
        Unreachable: it cannot be loaded here.
    """
    try:
        loaded = mlflow.pyfunc.load_model(str(folder or f"models:/{model_id}"), suppress_warnings=True)
    except Exception as exc:  # a model's loader may raise anything
        raise Unreachable(f"model {model_id} cannot be loaded here ({type(exc).__name__})") from exc
    try:
        raw = loaded.get_raw_model()
    except Exception:  # noqa: BLE001 - not every flavor gives its object out
        return loaded
    return raw if hasattr(raw, "predict") and not is_answered_by_mlflow(raw) else loaded
