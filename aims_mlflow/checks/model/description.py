"""What a model's own description, the file `MLmodel`, lets run when the model is loaded: its loader and trusted types.

A file of the format skops holds data alone only as long as nothing but that is trusted. MLflow hands skops the types
that `MLmodel` names (`skops_trusted_types`), and imports the modules that it names as `loader_module` and, for Keras,
as `keras_module`. Of a model of transformers that was logged without its weights MLflow loads what the hub has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from aims_mlflow.strict_yaml import SafeLoader

if TYPE_CHECKING:
    from aims_mlflow.checks.model.file_formats import State

NAME = "MLmodel"
MAX_BYTES = 8 << 20
# `numpy.dtype` is the kind of a column. It is named wherever an encoder or an imputer met texts, and runs nothing.
HARMLESS_TYPES = frozenset(("numpy.dtype",))
# MLflow's loaders that run nothing but what the files beside hold, which are looked at one by one.
LOADERS = frozenset(
    f"mlflow.{name}"
    for name in (
        "catboost", "diffusers", "h2o", "keras", "lightgbm", "onnx", "openai", "paddle", "pmdarima", "prophet",
        "pyfunc.loaders.chat_agent", "pyfunc.loaders.chat_model", "pyfunc.loaders.code_model",
        "pyfunc.loaders.responses_agent", "pyfunc.model", "pytorch", "sentence_transformers", "shap", "sklearn",
        "spacy", "spark", "statsmodels", "tensorflow", "transformers", "xgboost",
    )
)  # fmt: skip
KERAS = frozenset(("keras", "keras.src", "tensorflow.keras", "tf_keras"))


class Description(NamedTuple):
    """How a description is judged, and in words what it lets run; `unread` where it cannot be read."""

    state: State = "safe"
    words: str = ""
    unread: bool = False


def described(mlmodel: bytes) -> Description:
    """Return what the content of a file `MLmodel` lets run when MLflow loads the model."""
    if len(mlmodel) > MAX_BYTES:
        return Description("unknown", unread=True)
    try:
        content = yaml.load(mlmodel, Loader=SafeLoader)  # noqa: S506 - a safe one
    except Exception:  # noqa: BLE001  what cannot be read is said, never passed
        return Description("unknown", unread=True)
    flavours = content.get("flavors") if isinstance(content, dict) else None
    if not isinstance(flavours, dict):
        return Description("unknown", unread=True)
    settings = [each for each in flavours.values() if isinstance(each, dict)]
    trusted = {name for each in settings for name in _names(each.get("skops_trusted_types"))} - HARMLESS_TYPES
    loaders = {name for each in settings for name in _names(each.get("loader_module"))} - LOADERS
    loaders |= {name for each in settings for name in _names(each.get("keras_module"))} - KERAS
    own = sorted(name for name in loaders if not name.startswith("mlflow."))
    elsewhere = _elsewhere(flavours.get("transformers"))
    words = [f"{NAME} trusts {', '.join(sorted(trusted))}"] if trusted else []
    words += [f"{NAME} loads by {', '.join(sorted(loaders))}"] if loaders else []
    words += [f"{NAME} loads {elsewhere} from elsewhere, and not what was registered"] if elsewhere else []
    state: State = "code" if trusted or own else ("unknown" if loaders or elsewhere else "safe")
    return Description(state, "; ".join(words))


def _names(value: Any) -> list[str]:
    """Return the names of a setting; what is no name is named by its kind: YAML's references can grow without end."""
    values = value if isinstance(value, list) else ([] if value is None else [value])
    return [each if isinstance(each, str) else f"a {type(each).__name__}" for each in values]


def _elsewhere(transformers: Any) -> str:
    """Return the model that transformers loads from its hub; empty where the weights lie among the model's files."""
    if not isinstance(transformers, dict) or transformers.get("model_binary"):
        return ""
    return ", ".join(_names(transformers.get("source_model_name"))) or "a model"
