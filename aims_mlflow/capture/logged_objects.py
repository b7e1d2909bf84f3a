"""The objects that logged models were made of: noted while MLflow logs a model in an open session.

A model that a function logged and returned is then known by identity, whatever its library.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DEPTH = 3  # a search over a pipeline has its model at this depth


class LoggedObjects:
    """The objects that the logged models of one session were made of."""

    def __init__(self) -> None:
        """Know of no model yet."""
        self._whole: list[tuple[str, Callable[[], Any]]] = []
        self._inner: list[tuple[str, Callable[[], Any]]] = []

    def note(self, model_id: str, objects: Iterable[Any]) -> None:
        """Note what a logged model was made of; never keeps an object alive that can be referred to weakly."""
        for value in objects:
            self._whole += [(model_id, _reference(each)) for each in (value, *_values(value))]
            self._inner += [(model_id, _reference(part)) for part in _inner_models(value, DEPTH)]

    def id_of(self, model: Any) -> str | None:
        """Return the id of the logged model that an object is, or is what predicts in it; the newest of several."""
        noted = [*self._inner, *self._whole]  # what is the model comes before what has it inside
        return next((model_id for model_id, reference in reversed(noted) if reference() is model), None)


def watch() -> None:
    """Let MLflow's log_model note in the open session what each model was made of; its own work is as before."""
    with contextlib.suppress(ImportError, AttributeError, KeyError):  # without it, models are compared by their answers
        from mlflow.models import Model

        log = Model.__dict__["log"].__func__
        if not hasattr(log, "notes_for_aims"):
            setattr(Model, "log", classmethod(_noting(log)))  # noqa: B010 - mypy lets nobody assign a method


def _noting(log: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(log)
    def noting(*args: Any, **kwargs: Any) -> Any:
        info = log(*args, **kwargs)
        with contextlib.suppress(Exception):  # a stranger's object may do anything when it is looked into
            recorder = state.current_recorder()
            if recorder is not None:
                recorder.logged.note(str(info.model_id), kwargs.values())
        return info

    vars(noting)["notes_for_aims"] = True
    return noting


def _reference(value: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def _values(value: Any) -> Iterator[Any]:
    """Yield the components where a model is logged as a mapping of them, as those of transformers are."""
    if isinstance(value, Mapping):
        yield from value.values()


def _inner_models(value: Any, depth: int) -> Iterator[Any]:
    """Yield what predicts inside: a pipeline's last step, the best of a search, what a model of functions refers to."""
    import mlflow

    steps = getattr(value, "steps", None)
    inner = [steps[-1][1]] if isinstance(steps, list) and steps and isinstance(steps[-1], tuple) else []
    inner += [value.best_estimator_] if hasattr(value, "best_estimator_") else []
    inner += vars(value).values() if isinstance(value, mlflow.pyfunc.PythonModel) else ()
    for part in inner:
        yield part
        if depth:
            yield from _inner_models(part, depth - 1)
