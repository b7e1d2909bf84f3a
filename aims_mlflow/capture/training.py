"""`aims.training(...)`: one training, from its data to its documents, as a signed session.

Only what runs before fitting may raise. Once fitting has begun, every step is kept apart from the
others: what fails becomes a record that says so, and the model is logged and returned all the same.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

import mlflow

from aims_mlflow.adapters.models import logged_ids
from aims_mlflow.capture import data_gate, evaluation, state
from aims_mlflow.capture.active_run import at_home
from aims_mlflow.capture.binding import ADVICE, data_arguments, make_tables, parameters_of
from aims_mlflow.capture.console import log, say, say_once
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.capture.setup import load_setup
from aims_mlflow.capture.sweep import setup_of_sweep, tables_once, trial_in
from aims_mlflow.capture.underway import Mode, OnFailure, Underway
from aims_mlflow.errors import AimsError, ConfigError, DataError, KeyUnavailable
from aims_mlflow.evidence import registered_models, tracking
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import ephemeral_key, who

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from aims_mlflow.adapters.tables import Table


class Training(Underway):
    """One training of one system. Use it as a context manager, or call `start` and `finish`."""

    # -- life cycle -------------------------------------------------------------------------

    def start(self) -> Self:
        """Find aims.yaml, the key and the run, and open the session.

        Raises:
            ConfigError, KeyUnavailable, Unreachable: before anything was started; never with mode="observe".
        """
        with self._observing():
            self._open()
        return self

    def _open(self) -> None:
        tracking.check_server()
        known = setup_of_sweep(mlflow.active_run(), self.config)
        self.setup = known or load_setup(self.config, self.function, self.system)
        key = self._key()
        with tracking.reaching("start a run"):
            self.run = self._active_run()
            if self._resume is None:
                self.trial = None if self.register else trial_in(self.run)
                self._models_before = set(logged_ids(self.run.info.run_id)) if self.trial is None else set()
        gate = {} if self.trial is not None else registered_models.known_gate()
        self.writer = SessionWriter(
            key,
            who(),
            system=self.setup.config.system.id,
            mlflow=MlflowIds(run_id=self.run.info.run_id, experiment_id=self.run.info.experiment_id),
            pack_digest=self.setup.pack_digest,
            policy_digest=gate.get("policy_digest"),
            checkpoint=gate.get("checkpoint"),
        )
        self.key = key
        self._token = state.open_session(self)

    @contextlib.contextmanager
    def _observing(self) -> Iterator[None]:
        """With mode="observe", say what went wrong and stand aside instead of raising."""
        try:
            yield
        except Exception as exc:
            if self.mode == "enforce":
                raise
            self.dead = True
            log.debug("capture stopped", exc_info=True)
            reason = exc.sentence() if isinstance(exc, AimsError) else type(exc).__name__
            say_once(f"no evidence is recorded for {self.system or 'this training'}: {reason}")
            if self.run is not None:
                state.close_session(self._token)
                self.end_run(None)

    def _key(self) -> Any:
        try:
            return signing_key(say)
        except KeyUnavailable as exc:
            if self.mode == "enforce":
                raise
            say_once(f"{exc.sentence()} Until then, records are signed with a key that no registry will trust.")
            return ephemeral_key()

    def _active_run(self) -> Any:
        if self._resume is not None:
            active = mlflow.active_run()
            if active is not None and active.info.run_id == self._resume:
                return active
            self.own_run = True
            return mlflow.start_run(run_id=self._resume, nested=active is not None)
        active = mlflow.active_run()
        if active is not None:
            return active
        self.own_run = True
        return mlflow.start_run(run_name=self.system)

    def data(self, /, *, parameters: Mapping[str, Any] | None = None, **parts: Any) -> None:
        """Bind the data (`train=, test=, validation=`, or `X_train=, y_train=, ...`) and run the training gate.

        Raises:
            DataError, ConfigError: the data or aims.yaml cannot be used.
            GateRefused: a data check of severity "blocking" failed; its evidence is in the run.
        """
        if not self._begun():
            return
        with self._observing():
            self._bind(parameters, parts)

    def call(self, arguments: Mapping[str, Any]) -> None:
        """Bind the arguments of a decorated function: its data and its settings; raises as `data` does."""
        if self._begun():
            with self._observing():
                self._bind(arguments, arguments)

    def _bind(self, parameters: Mapping[str, Any] | None, parts: Mapping[str, Any]) -> None:
        if self.tables:
            raise ConfigError("the data are bound already", next="pass all of them in one call: data(train=, test=)")
        bound = data_arguments(parts)
        unknown = set(parts) - {"parameters"} - _part_names(bound, parts)
        if unknown and not bound:
            raise DataError(f"{min(unknown)!r} names no data set", next=ADVICE)
        data = self.setup.config.data

        needed = "test" if self.evaluates else "train"

        def make() -> dict[str, Table]:
            return make_tables(bound, data.target, data.sensitive, self.sensitive, needed)

        self.raw_parts = {name: value for name, value in parts.items() if name in _part_names(bound, parts)}
        self.tables = make() if self.trial is None else tables_once(self.trial, bound, make)
        self.parameters.update(parameters_of(parameters or {}))
        data_gate.run(self)
        self.fitting = True
        self.fit_started = time.perf_counter()

    def model(self, model: Any, name: str | None = None) -> None:
        """Hand over a fitted model (any object with `predict`), or the URI of one that is logged."""
        if not self._begun():
            return
        self.stop_clock()
        self.given.append((name or self.setup.config.system.model_name, model))

    def cross_validated(self, predictions: Any, *, role: str = "train") -> None:
        """Hand over out-of-fold predictions for a bound data set: they describe the procedure, not the model."""
        self.out_of_fold = (role, predictions)

    def parameter(self, **settings: Any) -> None:
        """Record settings of the training beside those that the function was called with."""
        self.parameters.update(parameters_of(settings))

    def finish(self, error: BaseException | None = None) -> None:
        """Evaluate the models, write the documents, sign the manifest, and say what is unmet.

        Raises:
            GateRefused: with `on_failure="raise"`, after everything is written.
        """
        if not self._begun() or self.finished:
            return
        self.finished = True
        self.stop_clock()
        unmet: list[str] = []
        try:
            with at_home(self):
                unmet = evaluation.run(self, error)
        except Exception as exc:  # noqa: BLE001 - an observer never breaks its host's training
            log.exception("evidence could not be completed")
            self.note(f"the evidence is not complete ({type(exc).__name__}: see the log); the model is not affected")
            unmet = list(self.notes)
            for text in unmet:
                say(f"unmet: {text}")
        finally:
            state.close_session(self._token)
            self.end_run(error)
        if error is None and unmet and self.on_failure == "raise" and self.mode == "enforce":
            raise GateRefused(
                f"Evidence for {self.setup.config.system.id} is not complete: " + "; ".join(unmet),
                run_id=self.run_id,
                model_uri=self.models[0].uri if self.models else None,
                unmet=unmet,
                next=f"nothing was lost: run {self.run_id}",
            )

    def _begun(self) -> bool:
        if self.run is None and not self.dead:
            raise ConfigError(
                "the training was not started", next="call start(), or use `with aims.training(...) as t:`"
            )
        return not self.dead

    # -- context manager --------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)


def _part_names(bound: Mapping[str, Mapping[str, Any]], parts: Mapping[str, Any]) -> set[str]:
    used = [id(v) for found in bound.values() for v in found.values()]
    return {name for name, value in parts.items() if id(value) in used}


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
        system,
        config=config,
        mode=mode,
        register=register,
        on_failure=on_failure,
        predict=predict,
        sensitive=sensitive,
    )
