"""The decorators `@aims.trains`, `@aims.acquires` and `@aims.prepares`."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aims_mlflow.capture import data_steps
from aims_mlflow.capture.binding import check_name
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.training import Training
from aims_mlflow.capture.wrapping import decorated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from aims_mlflow.capture.plan import Mode, OnFailure

P = ParamSpec("P")
R = TypeVar("R")


def trains(
    system: str,
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    mode: Mode = "enforce",
    register: bool | Mapping[str, Any] = False,
    on_failure: OnFailure = "report",
    predict: Callable[[Any, Any], Any] | None = None,
    sensitive: Any = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make each call of a training function leave signed evidence in its MLflow run.

    The function's data are found by argument name: `train, test` (and `validation`) with the target
    inside, or `X_train, y_train, X_test, y_test`; sensitive columns that are no features come as
    `sensitive_train, sensitive_test`, or through `sensitive=`. It returns the fitted model (or several, by
    name), or logs it itself. The arguments are those of `aims.training`.

    MLflow is left to the function as it was: it may start, end and nest runs, set the experiment or the server, and log
    as it does without us. The evidence goes into the run that it used, or into one of the session's own. Any callable
    can be decorated: methods, partials, callable objects, coroutines and generators too.

    Raises (when decorated):
        ConfigError: what is decorated cannot be called, or is a class; an argument is not known.

    Raises (from the decorated function, before it is entered):
        ConfigError, DataError, KeyUnavailable, Unreachable, GateRefused. Once it runs, only what it raises
        itself; with `on_failure="raise"`, GateRefused after everything is logged.
    """
    check_name("trains", system)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plan = functools.partial(
            TrainingPlan,
            system=system,
            config=config,
            mode=mode,
            register=register,
            on_failure=on_failure,
            predict=predict,
            sensitive=sensitive,
        )
        plan()  # a wrong argument is said when the function is decorated
        return decorated("trains", function, functools.partial(_training, plan))

    return decorate


@contextlib.contextmanager
def _training(
    plan: Callable[..., TrainingPlan], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[Callable[[Any], None]]:
    """Open the session of one call; yields the function that takes what the call returned."""
    session = Training(plan(function=function)).start()
    try:
        session.call(function, args, kwargs)
        yield session.returned
    except BaseException as exc:
        session.finish(exc)
        raise
    session.finish()


def acquires(
    name: str, *, config: str | Path | Mapping[str, Any] | None = None, **source: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record where a data set comes from (A.7.3, A.7.5): the decorated function returns it.

    `source` (uri, owner, purpose, licence, rights, subjects, selection_reason, collected, retention,
    personal_data, description) stands in aims.yaml under `data.sources.NAME`, or is given here.

    Raises:
        ConfigError: when decorated: `source` has an unknown key, or it cannot be called.
            Calls never raise but for the function itself.
    """
    check_name("acquires", name)
    details = data_steps.source_of(name, source)

    @contextlib.contextmanager
    def acquisition(
        function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[Callable[[Any], None]]:
        results: list[Any] = []
        yield results.append
        for returned in results[-1:]:
            data_steps.record_acquisition(name, details, function, (args, kwargs), returned, config)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return decorated("acquires", function, acquisition)

    return decorate


def prepares(
    why: str, *, config: str | Path | Mapping[str, Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record a preparation step (A.7.6): input and output digest, rows and columns gone and made, and why.

    The first argument that is a table (or the path of one) is the input; every table that the function
    returns is an output.

    Raises:
        ConfigError: when decorated: `why` is empty, or it cannot be called.
            Calls never raise but for the function itself.
    """
    data_steps.check_reason(why)

    @contextlib.contextmanager
    def preparation(
        function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[Callable[[Any], None]]:
        inputs, results = data_steps.inputs_of(function, args, kwargs, config), list[Any]()
        yield results.append
        for returned in results[-1:]:
            data_steps.record_preparation(why, function, inputs, returned, config)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return decorated("prepares", function, preparation)

    return decorate
