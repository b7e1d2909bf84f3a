"""`aims.training(...)`: one training, from its data to its documents, as a signed session.

Only the steps before fitting may raise. Once fitting has begun, each step is independent of the others:
a step that fails becomes a record with its reason, and the model is logged and returned all the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from typing import TYPE_CHECKING, Any, Literal, Self

from aims_mlflow.adapters.models import models_in
from aims_mlflow.capture import active_run, completion, data_gate, evaluation, open_run, state, sweep, trained_models
from aims_mlflow.capture.binding import bound_parts, parameters_of, parts_used, tables_of
from aims_mlflow.capture.console import log, say, say_once
from aims_mlflow.capture.fit import Fit
from aims_mlflow.capture.plan import TrainingPlan
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.capture.training_data import TrainingData
from aims_mlflow.errors import AimsError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextvars import Token
    from pathlib import Path
    from types import TracebackType

    from aims_mlflow.adapters.models import LoggedModel
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
        self._logged: Sequence[LoggedModel] = ()
        self._out_of_fold: tuple[str, Any] | None = None
        self._parameters: dict[str, str] = {}
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
        with self._observing():
            self._run = open_run.start(self._plan)
            self._data = TrainingData(setup=self._run.setup)
            self._recorder = open_run.record(self._run)
            self._token = state.open_session(self._recorder)
            self._phase = "open"
        return self

    @contextlib.contextmanager
    def _observing(self) -> Iterator[None]:
        """With mode="observe", print an error and abandon the evidence instead of raising."""
        try:
            yield
        except Exception as exc:
            if self._plan.mode == "enforce":
                raise
            self._phase = "abandoned"
            log.debug("capture stopped", exc_info=True)
            reason = exc.sentence() if isinstance(exc, AimsError) else type(exc).__name__
            say_once(f"no evidence is recorded for {self._plan.system or 'this training'}: {reason}")
            self._close(None)

    def data(self, /, *, parameters: Mapping[str, Any] | None = None, **parts: Any) -> None:
        """Bind the data (`train=, test=, validation=`, or `X_train=, y_train=, ...`) and run the training gate.

        Raises:
            DataError, ConfigError: the data or aims.yaml cannot be used.
            GateRefused: a data check of severity "blocking" failed; its evidence is in the run.
        """
        if self._begun():
            with self._observing():
                self._admit(parameters or {}, parts)

    def call(self, arguments: Mapping[str, Any]) -> None:
        """Bind the arguments of a decorated function: its data and its settings; raises as `data` does."""
        if self._begun():
            with self._observing():
                self._admit(arguments, arguments)

    def _admit(self, parameters: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        run = self._open_run()
        if self._data.tables:
            raise ConfigError("the data are bound already", next="pass all of them in one call: data(train=, test=)")
        bound = bound_parts(parts)
        make = functools.partial(tables_of, bound, self._plan, run.setup.config.data)
        tables = make() if run.trial is None else sweep.tables_once(run.trial, bound, make)
        self._data = dataclasses.replace(self._data, tables=tables, parts=parts_used(bound, parts))
        self._parameters.update(parameters_of(parameters))
        self._data = data_gate.admit(self._plan, run, self._data, self._recorder)
        self._fit_started = time.perf_counter()

    def model(self, model: Any, name: str | None = None) -> None:
        """Hand over a fitted model (any object with `predict`), or the URI of one that is logged."""
        if self._begun():
            self._stop_clock()
            self._handed_over.append((name or self._open_run().setup.config.system.model_name, model))

    def returned(self, value: Any) -> None:
        """Hand over the models among what the training function returned."""
        if self._phase != "abandoned":
            for name, model in models_in(value, self._open_run().setup.config.system.model_name).items():
                self.model(model, name)

    def cross_validated(self, predictions: Any, *, role: str = "train") -> None:
        """Hand over out-of-fold predictions for a bound data set: they describe the procedure, not the model."""
        self._out_of_fold = (role, predictions)

    def parameter(self, /, **settings: Any) -> None:
        """Record settings of the training beside those that the function was called with."""
        self._parameters.update(parameters_of(settings))

    def chosen(self, selection: Selection) -> None:
        """Record how the run was chosen among the trials of a sweep; see `aims.select`."""
        self._run = dataclasses.replace(self._open_run(), selection=selection)

    def logged_models(self) -> list[str]:
        """Return the ids of the models that were logged into the run since the session began.

        Raises:
            Unreachable: the run cannot be read.
        """
        return trained_models.new_model_ids(self._plan, self._open_run())

    def lending(self) -> contextlib.AbstractContextManager[None]:
        """Lend the session's run to the training function; see `active_run.lent`."""
        return active_run.lent(self._plan, self._run if self._phase != "abandoned" else None)

    def finish(self, error: BaseException | None = None) -> None:
        """Evaluate the models, write the documents, sign the manifest, and print what is unmet.

        Raises:
            GateRefused: with `on_failure="raise"`, after everything is written.
        """
        if not self._begun() or self._phase == "finished":
            return
        self._phase = "finished"
        self._stop_clock()
        run, unmet = self._open_run(), []
        try:
            with active_run.at_home(run):
                unmet = self._complete(run, error)
        except Exception as exc:  # noqa: BLE001 - an observer never breaks its host's training
            log.exception("evidence could not be completed")
            self._recorder.note(
                f"the evidence is not complete ({type(exc).__name__}: see the log); the model is not affected"
            )
            unmet = list(self._recorder.notes)
            for text in unmet:
                say(f"unmet: {text}")
        finally:
            self._close(error)
        if error is None and unmet and self._plan.on_failure == "raise" and self._plan.mode == "enforce":
            raise GateRefused(
                f"Evidence for {run.setup.config.system.id} is not complete: " + "; ".join(unmet),
                run_id=run.run_id,
                model_uri=self._logged[0].uri if self._logged else None,
                unmet=unmet,
                next=f"nothing was lost: run {run.run_id}",
            )

    def _complete(self, run: OpenRun, error: BaseException | None) -> list[str]:
        """Go through the phases after fitting; returns what is unmet, one sentence each."""
        plan, recorder = self._plan, self._recorder
        fit = Fit(
            models=tuple(self._handed_over),
            out_of_fold=self._out_of_fold,
            parameters=self._parameters,
            seconds=self._fit_seconds,
            error=error,
            began=self._fit_started is not None,
        )
        if run.trial is not None:
            sweep.write_trial(run.trial, plan, run, self._data, fit, recorder)
            return []
        data = self._data.checked_again()
        self._logged = trained_models.open_models(plan, run, data, fit, recorder)
        evaluation.evaluate(plan, run, data, fit, self._logged, recorder)
        return completion.complete(plan, run, data, fit, self._logged, recorder)

    def _stop_clock(self) -> None:
        if self._fit_started is not None and not self._fit_seconds:
            self._fit_seconds = time.perf_counter() - self._fit_started

    def _close(self, error: BaseException | None) -> None:
        """Close the session and end its run, as far as they were opened."""
        if self._token is not None:
            state.close_session(self._token)
        if self._run is not None:
            self._run.end(error)

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
