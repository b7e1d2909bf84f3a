"""ISO/IEC 42001 lifecycle evidence for MLflow, captured where it arises.

The names below are loaded when they are first used: `import aims_mlflow` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aims_mlflow.capture.attach import attach, record
    from aims_mlflow.capture.decorators import acquires, prepares, trains
    from aims_mlflow.capture.evaluate import evaluate
    from aims_mlflow.capture.refused import GateRefused
    from aims_mlflow.capture.sweep_selection import select
    from aims_mlflow.capture.training import training
    from aims_mlflow.errors import AimsError
    from aims_mlflow.registry.loading import load_model

__version__ = "0.1.0"

_WHERE = {
    "AimsError": "errors",
    "GateRefused": "capture.refused",
    "acquires": "capture.decorators",
    "attach": "capture.attach",
    "evaluate": "capture.evaluate",
    "load_model": "registry.loading",
    "prepares": "capture.decorators",
    "record": "capture.attach",
    "select": "capture.sweep_selection",
    "training": "capture.training",
    "trains": "capture.decorators",
}

__all__ = [
    "AimsError",
    "GateRefused",
    "acquires",
    "attach",
    "evaluate",
    "load_model",
    "prepares",
    "record",
    "select",
    "training",
    "trains",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    from aims_mlflow.errors import show_uncaught_in_one_sentence

    show_uncaught_in_one_sentence()
    value = getattr(importlib.import_module(f"aims_mlflow.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
