"""The decorators `@aims.trains`, `@aims.acquires` and `@aims.prepares`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aims_mlflow.capture import data_steps
from aims_mlflow.capture.binding import bind, check_name, check_plain
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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

    A function that calls `mlflow.start_run()` itself gets the session's run from it, so that there is one run.

    Raises (when decorated):
        ConfigError: what is decorated is no plain function, or the system's id is missing.

    Raises (from the decorated function, before it is entered):
        ConfigError, DataError, KeyUnavailable, Unreachable, GateRefused. Once it runs, only what it raises
        itself; with `on_failure="raise"`, GateRefused after everything is logged.
    """
    check_name("trains", system)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        check_plain("trains", function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            arguments = bind(function, args, kwargs)
            plan = TrainingPlan(
                system=system,
                config=config,
                mode=mode,
                register=register,
                on_failure=on_failure,
                predict=predict,
                sensitive=sensitive,
                function=function,
            )
            session = Training(plan).start()
            try:
                session.call(arguments)
                with session.lending():
                    returned = function(*args, **kwargs)
            except BaseException as exc:
                session.finish(exc)
                raise
            session.returned(returned)
            session.finish()
            return returned

        return call

    return decorate


def acquires(
    name: str, *, config: str | Path | Mapping[str, Any] | None = None, **source: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record where a data set comes from (A.7.3, A.7.5): the decorated function returns it.

    `source` (uri, owner, licence, rights, subjects, selection_reason, collected, retention, personal_data,
    description) stands in aims.yaml under `data.sources.NAME`, or is given here.

    Raises:
        ConfigError: when decorated: `source` has an unknown key, or it is no plain function.
            Calls never raise but for the function itself.
    """
    check_name("acquires", name)
    details = data_steps.source_of(name, source)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        check_plain("acquires", function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            returned = function(*args, **kwargs)
            data_steps.record_acquisition(name, details, function, bind(function, args, kwargs), returned, config)
            return returned

        return call

    return decorate


def prepares(
    why: str, *, config: str | Path | Mapping[str, Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record a preparation step (A.7.6): input and output digest, rows and columns gone and made, and why.

    The first argument that is a table (or the path of one) is the input; every table that the function
    returns is an output.

    Raises:
        ConfigError: when decorated: `why` is empty, or it is no plain function.
            Calls never raise but for the function itself.
    """
    data_steps.check_reason(why)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        check_plain("prepares", function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            inputs = data_steps.inputs_of(bind(function, args, kwargs), function, config)
            returned = function(*args, **kwargs)
            data_steps.record_preparation(why, function, inputs, returned, config)
            return returned

        return call

    return decorate
