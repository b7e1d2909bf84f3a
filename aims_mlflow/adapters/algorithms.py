"""The algorithm of a model, and what serving it needs (A.4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.model_files import model_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.adapters.models import LoggedModel

REQUIREMENTS = "requirements.txt"
MAX_LINES = 500


def algorithm_of(model: Any) -> str | None:
    """Return the class of a model; of a pipeline or a search those of its parts too. None where MLflow hides it."""
    if type(model).__module__.startswith("mlflow.pyfunc"):
        try:
            inner = model.unwrap_python_model()
        except Exception:  # noqa: BLE001 - another library's object behind a loader of MLflow
            return None
        return algorithm_of(inner)
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    best = getattr(model, "best_estimator_", None)
    parts = [best] if best is not None else [part for _, part in _steps(model)]
    inside = [text for part in parts if part is not None and (text := algorithm_of(part))]
    return f"{name} ({', '.join(inside)})" if inside else name


def _steps(model: Any) -> list[tuple[str, Any]]:
    steps = getattr(model, "steps", None)
    pairs = steps if isinstance(steps, list) else []
    return [p for p in pairs if isinstance(p, tuple) and len(p) == 2 and not isinstance(p[1], str)]


def requirements_in(model_id: str) -> list[str]:
    """Return the lines of a logged model's requirements.txt: what MLflow installs to serve it; empty without one."""
    try:
        with model_folder(model_id) as folder:
            lines = (folder / REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    except (Unreachable, OSError, ValueError):
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")][:MAX_LINES]


def described_algorithms(models: Sequence[LoggedModel]) -> dict[str, str]:
    """Return the algorithms of models by model id, where they are known."""
    return {m.model_id: text for m in models if (text := algorithm_of(m.predictor))}


def described_requirements(models: Sequence[LoggedModel]) -> dict[str, list[str]]:
    """Return what serving each model needs by model id, where it is known."""
    return {m.model_id: lines for m in models if (lines := requirements_in(m.model_id))}
