"""`aims.training(...)`: one training, from its data to its documents, as a signed session.

Only the steps before fitting may raise. Once fitting has begun, each step is independent of the others:
a step that fails becomes a record with its reason, and the model is logged and returned all the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from aims_mlflow.adapters.models import models_in
from aims_mlflow.capture import data_gate, earlier_sessions, logged_objects, open_run, state, sweep, trained_models
from aims_mlflow.capture.binding import bound_parts, parts_used, tables_of
from aims_mlflow.capture.callables import bind
from aims_mlflow.capture.console import log, say_once
from aims_mlflow.capture.ending import TrainingEnd
from aims_mlflow.capture.fit import Fit
from aims_mlflow.capture.parameters import Settings, settings_of
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.quiet_warnings import no_errors
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.capture.training_data import TrainingData
from aims_mlflow.errors import AimsError, ConfigError, set_elsewhere
from aims_mlflow.evidence.patience import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Token
    from pathlib import Path
    from types import TracebackType

    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import Mode, OnFailure
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.sweep import Selection


class Training:
    """One training of one system. Use it as a context manager, or call `start` and `finish`."""

    def __init__(self, plan: TrainingPlan) -> None:
        """Prepare the training that `plan` describes; nothing is read or started."""
        self._plan = plan
        self._phase: Literal["planned", "open", "abandoned", "finished"] = "planned"
        self._run: OpenRun | None = None
        self._recorder: Recorder
        self._data: TrainingData
        self._token: Token[Recorder | None] | None = None
        self._handed_over: list[tuple[str, Any]] = []
        self._out_of_fold: tuple[str, Any] | None = None
        self._settings = Settings()
        self._fit_started: float | None = None
        self._fit_seconds = 0.0

    @property
    def run_id(self) -> str:
        """The MLflow run that holds the evidence."""
        return self._open_run().run_id

    def start(self) -> Self:
        """Find aims.yaml, the key and the run, and open the session.

        Raises:
            ConfigError, KeyUnavailable, Unreachable: before anything was started; never with mode="observe".
        """
        with self._observing(), patience.bounded():
            self._run = open_run.start(self._plan)
            self._data = TrainingData(setup=self._run.setup)
            self._recorder = open_run.open_session(self._run)
            logged_objects.watch()
            self._token = state.open_session(self._recorder)
            self._phase = "open"
        return self

    @contextlib.contextmanager
    def _observing(self) -> Iterator[None]:
        """With mode="observe", print an error and abandon the evidence instead of raising."""
        try:
            with no_errors():
                yield
        except Exception as exc:
            if self._plan.mode == "enforce":
                raise
            self._phase = "abandoned"
            log.debug("capture stopped", exc_info=True)
            reason = exc.shown() if isinstance(exc, AimsError) else type(exc).__name__
            say_once(f"no evidence is recorded for {self._plan.system or 'this training'}: {reason}")
            self._close_session()
            if self._run is not None:
                self._run.abandon()

    def data(self, /, *, parameters: Mapping[str, Any] | None = None, **parts: Any) -> None:
        """Bind the data (`train=, test=, validation=`, or `X_train=, y_train=, ...`) and run the training gate.

        Raises:
            DataError, ConfigError: the data or aims.yaml cannot be used.
            GateRefused: a data check of severity "blocking" failed; its evidence is in the run.
        """
        if self._begun():
            with self._observing(), patience.bounded(), set_elsewhere(self._set_by_code):
                self._admit(parameters or {}, parts)

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Bind the arguments of a decorated function's call: its data and its settings; raises as `data` does."""
        if self._begun():
            with self._observing(), patience.bounded(), set_elsewhere(self._set_by_code):
                arguments = bind(function, args, kwargs)
                self._admit(arguments, arguments)

    def _set_by_code(self, entry: str) -> str | None:
        """Return where the person's code sets an entry of aims.yaml; None where it does not."""
        if entry == "data.sensitive" and self._plan.sensitive is not None:
            return "sensitive="
        return f"{entry} in config=" if isinstance(self._plan.config, Mapping) else None

    def _admit(self, parameters: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        run = self._open_run()
        if self._data.tables:
            raise ConfigError("the data are bound already", next="pass all of them in one call: data(train=, test=)")
        bound = bound_parts(parts)
        make = functools.partial(tables_of, bound, self._plan, run.setup.config.data)
        tables = make() if run.trial is None else sweep.tables_once(run.trial, bound, make)
        self._data = dataclasses.replace(self._data, tables=tables, parts=parts_used(bound, parts))
        self._settings.update(settings_of({k: v for k, v in parameters.items() if k not in self._data.parts}))
        self._data = data_gate.admit(self._plan, run, self._data, self._recorder)
        if self._plan.evaluates:
            earlier_sessions.add(run, self._recorder)
        self._fit_started = time.perf_counter()

    def model(self, model: Any, name: str | None = None) -> None:
        """Hand over a fitted model (any object with `predict`), or the URI of one that is logged."""
        if self._begun():
            self._stop_clock()
            self._handed_over.append((name or self._open_run().setup.config.system.model_name, model))

    def returned(self, value: Any) -> None:
        """Hand over the models among what the training function returned; never raises."""
        if self._phase == "abandoned":
            return
        try:
            for name, model in models_in(value, self._open_run().setup.config.system.model_name).items():
                self.model(model, name)
        except Exception as exc:  # noqa: BLE001 - a stranger's object may do anything when it is asked
            log.debug("what was returned", exc_info=True)
            self._recorder.note(f"what the function returned could not be read ({type(exc).__name__})")

    def cross_validated(self, predictions: Any, *, role: str = "train") -> None:
        """Hand over out-of-fold predictions for a bound data set: they describe the procedure, not the model."""
        self._out_of_fold = (role, predictions)

    def parameter(self, /, **settings: Any) -> None:
        """Record settings of the training beside those that the function was called with."""
        self._settings.update(settings_of(settings))

    def trained(self, settings: Settings, seconds: float = 0.0) -> None:
        """Record settings and duration of a training that is over: of a trial, or of a model that was kept."""
        self._settings.update(settings)
        self._fit_seconds = seconds

    def chosen(self, selection: Selection) -> None:
        """Record how the run was chosen among the trials of a sweep; see `aims.select`."""
        self._run = dataclasses.replace(self._open_run(), selection=selection)

    def logged_models(self) -> list[str]:
        """Return the ids of the models that were logged into the run since the session began.

        Raises:
            Unreachable: the run cannot be read.
        """
        return trained_models.new_model_ids(self._plan, self._open_run())

    def finish(self, error: BaseException | None = None) -> None:
        """Log and evaluate the models, write the documents, sign the manifest, and print what is unmet.

        Raises:
            GateRefused: with `on_failure="raise"`, after everything is written.
        """
        if not self._begun() or self._phase == "finished":
            return
        self._phase = "finished"
        self._stop_clock()
        ending = TrainingEnd(self._plan, self._open_run(), self._data, self._fit(error), self._recorder)
        try:
            with no_errors():
                unmet = ending.complete()
        finally:
            self._run = ending.run
            self._close_session()
        if error is None and unmet and self._plan.on_failure == "raise" and self._plan.mode == "enforce":
            raise GateRefused(
                f"Evidence for {ending.run.setup.config.system.id} is not complete: " + "; ".join(unmet),
                run_id=ending.run.run_id,
                model_uri=ending.models[0].uri if ending.models else None,
                unmet=unmet,
                next=f"nothing was lost: run {ending.run.run_id}",
            )

    def _fit(self, error: BaseException | None) -> Fit:
        return Fit(
            models=tuple(self._handed_over),
            out_of_fold=self._out_of_fold,
            settings=self._settings,
            seconds=self._fit_seconds,
            error=error,
            began=self._fit_started is not None,
        )

    def _stop_clock(self) -> None:
        if self._fit_started is not None and not self._fit_seconds:
            self._fit_seconds = time.perf_counter() - self._fit_started

    def _close_session(self) -> None:
        if self._token is not None:
            state.close_session(self._token, self._recorder)
            self._token = None

    def _begun(self) -> bool:
        """Tell whether evidence is recorded.

        Raises:
            ConfigError: the training was not started.
        """
        if self._phase != "abandoned":
            self._open_run()
        return self._phase != "abandoned"

    def _open_run(self) -> OpenRun:
        if self._run is None:
            raise ConfigError(
                "the training was not started", next="call start(), or use `with aims.training(...) as t:`"
            )
        return self._run

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)


def training(
    system: str,
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    mode: Mode = "enforce",
    register: bool | Mapping[str, Any] = False,
    on_failure: OnFailure = "report",
    predict: Callable[[Any, Any], Any] | None = None,
    sensitive: Any = None,
) -> Training:
    """Return a training session for notebooks, pipelines and deep learning; `trains` is the same as a decorator.

    Args:
        system: id of the system, as in aims.yaml.
        config: path of aims.yaml, or its content; found by default (`AIMS_CONFIG`, script's folder upwards).
        mode: "enforce" raises before fitting when something is missing; "observe" records and never raises.
        register: register the model when the evidence is complete: True under the system's model name, or
            `{name: model}` for several.
        on_failure: "raise" raises `aims.GateRefused` after everything is logged.
        predict: `(model, features) -> labels` for models that need it.
        sensitive: names of sensitive columns, or `{role: columns}` where they are no features.

    Raises:
        ConfigError: an argument is not known. Everything else is raised by `start` and `data`.
    """
    return Training(
        TrainingPlan(
            system=system,
            config=config,
            mode=mode,
            register=register,
            on_failure=on_failure,
            predict=predict,
            sensitive=sensitive,
        )
    )
