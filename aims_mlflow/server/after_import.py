"""Running something right after a module of MLflow was imported, before any request: MLflow has no hook for that.

It is imported in every process that finds the plug-in: nothing heavy.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType


REGISTRY_URI = "_MLFLOW_SERVER_REGISTRY_STORE"


def in_gated_server() -> bool:
    """Return whether this process is an MLflow server that was started with a gated registry."""
    return (value_of(REGISTRY_URI) or "").startswith(PREFIX)


class _AfterImport(MetaPathFinder):
    """Runs something once a module is imported."""

    def __init__(self, name: str, run: Callable[[ModuleType], None]) -> None:
        self._name, self._run = name, run

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """Return the module's own spec, with a loader that runs it after the module."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        loader: Any = spec.loader if spec else None
        if loader is not None:
            loader.exec_module = functools.partial(self._both, loader.exec_module)
        return spec

    def _both(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        execute(module)
        self._run(module)


def after_import(name: str, run: Callable[[ModuleType], None]) -> None:
    """Give a module to `run`, now or as soon as it is imported."""
    if name in sys.modules:
        run(sys.modules[name])
    else:
        sys.meta_path.insert(0, _AfterImport(name, run))
