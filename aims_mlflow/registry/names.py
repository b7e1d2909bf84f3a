"""Names in a registry with a meaning for the gate: the reserved namespace, its tags, and the marks of prompts."""

from __future__ import annotations

from typing import Any

from mlflow.prompt.constants import _PROMPT_SOURCE_PLACEHOLDERS

RESERVED = "aims."
# Tag of a version: the request of the decision that let it in.
REQUEST_TAG = "aims.request"
IS_PROMPT_TAG = "mlflow.prompt.is_prompt"


def is_reserved(name: str) -> bool:
    """Return whether only the gate may write a name, whatever its case."""
    return str(name).lower().startswith(RESERVED)


def is_prompt_source(source: str) -> bool:
    """Return whether a source is the placeholder that MLflow gives to prompts."""
    return source in _PROMPT_SOURCE_PLACEHOLDERS


def is_prompt(version: Any) -> bool:
    """Return whether a version is a prompt's by its source, which models cannot use (`create_model_version`)."""
    return is_prompt_source(version.source) and not version.model_id and not version.run_id


def is_tagged_prompt(model: Any) -> bool:
    """Return whether a registered model has the tag of a prompt, which every client may set."""
    return bool((model.tags or {}).get(IS_PROMPT_TAG) == "true")


def quoted(name: str) -> str:
    """Return a model name as it is written in one of MLflow's filters."""
    return f'"{name}"' if "'" in name else f"'{name}'"
