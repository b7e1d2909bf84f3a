"""The end of a training: the fitted models go to disk, then to MLflow, are evaluated, and the session is written.

Nothing here raises but what ends the process (Ctrl-C, SIGTERM, SystemExit), and that only after the models and the
records so far are written. A server that is gone is waited for a while, with a word.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.log_model import log_model
from aims_mlflow.adapters.models import open_logged
from aims_mlflow.capture import active_run, completion, evaluation, kept_models, sweep, trained_models
from aims_mlflow.capture.console import log, say
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.model_files import one_download_each
from aims_mlflow.evidence.patience import patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData

EVALUATIONS = ("performance", "fairness")


class TrainingEnd:
    """The end of one training.

    Attributes:
        run: The session's run; it may be another one than before.
        models: The models that MLflow has.
    """

    def __init__(self, plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, recorder: Recorder) -> None:
        """Keep the fitted models on disk, before anything else is tried."""
        self.run = run
        self.models: Sequence[LoggedModel] = ()
        self._plan, self._data, self._fit, self._recorder = plan, data, fit, recorder
        about = {"system": run.setup.config.system.id, "run_id": run.run_id, "function": plan.function_name}
        self._kept = (
            kept_models.keep(recorder.session_id, fit, about) if run.trial is None else kept_models.KeptModels()
        )

    def complete(self) -> list[str]:
        """Log and evaluate the models, and write the session; returns what is unmet, one sentence each.

        Raises:
            BaseException: what ends the process, after the models and the records so far are written.
        """
        status = "FINISHED" if self._fit.error is None else "FAILED"
        with patience.bounded(), _terminable():
            try:
                patience.wait_for(tracking.check_server)
                self._join()
                with active_run.at_home(self.run), one_download_each():
                    unmet = self._evidence()
            except Exception as exc:  # noqa: BLE001 - an observer never breaks its host's training
                if not isinstance(exc, Unreachable):
                    log.warning("evidence could not be completed", exc_info=True)
                unmet = self._rescue(exc)
            except BaseException as exc:
                status = "KILLED"
                self._rescue(exc)
                raise
            finally:
                self._tidy(status)
        return unmet

    def _join(self) -> None:
        """Join the run that the function used; where it cannot be found, the session's own run stays."""
        if self._plan.run_id is not None or self.run.trial is not None:
            return
        try:
            self.run = active_run.joined(self.run, self._recorder.session_id, self._plan.system)
        except Unreachable as exc:
            self._recorder.note(f"the runs of the training could not be looked for: {exc.sentence()}")
        self._recorder.locate(self.run.ids)
        if self.run.skipped_models:
            self._recorder.note(
                f"{self.run.skipped_models} models in child runs are not evaluated, as trials of this training: "
                'aims.evaluate("models:/m-ID", test=...) evaluates one'
            )

    def _evidence(self) -> list[str]:
        """Go through the phases after fitting."""
        plan, run, fit, recorder = self._plan, self.run, self._fit, self._recorder
        if run.trial is not None:
            sweep.write_trial(run.trial, plan, run, self._data, fit, recorder)
            return []
        data = self._data.checked_again()
        self.models = trained_models.open_models(plan, run, data, fit, recorder)
        evaluation.evaluate(plan, run, data, fit, self.models, recorder)
        return completion.complete(plan, run, data, fit, self.models, recorder)

    def _rescue(self, error: BaseException) -> list[str]:
        """Write the models and the records so far, after `error` stopped the evaluation; never raises an Exception."""
        if not isinstance(error, Exception):
            say("stopping: the fitted model and the evidence so far are written; press Ctrl-C again to stop at once")
        try:
            if patience.lost or _server_is_gone():
                return self._write_here(error)
            with active_run.at_home(self.run):
                self.models = self.models or tuple(self._logged_unasked())
                return self._closed(error)
        except Exception as exc:  # noqa: BLE001 - what was fitted is on disk
            log.exception("the evidence so far could not be written")
            text = f"the evidence is not complete ({type(exc).__name__}: see the log); the model is not affected"
            say(f"unmet: {text}")
            return [*self._recorder.notes, text]

    def _logged_unasked(self) -> Iterator[LoggedModel]:
        """Log the models that were handed over without asking them anything: that may be what stopped."""
        known = trained_models.new_model_ids(self._plan, self.run)
        handed = [] if self._fit.error is not None else self._fitted()
        for name, model in handed:
            model_id = self._recorder.logged.id_of(model)
            if model_id not in known:
                model_id = log_model(model, name, None, [], self._plan.predict)
                self._recorder.logged.note(model_id, [model])
            yield open_logged(model_id, predictor=model)
        if not handed:
            yield from (open_logged(model_id, predictor=object()) for model_id in known)

    def _fitted(self) -> list[tuple[str, Any]]:
        """Return the fitted objects among what was handed over, with their names."""
        return [(name, model) for name, model in self._fit.models if not isinstance(model, str)]

    def _closed(self, error: BaseException) -> list[str]:
        """Sign that the evaluation was stopped, close the session, and write it."""
        plan, recorder = dataclasses.replace(self._plan, register=False), self._recorder
        if recorder.closed:
            completion.write(self.run, self.models, recorder)
            return [*recorder.notes, *completion.failures(recorder.records)]
        self._sign_stop(error)
        return completion.complete(plan, self.run, self._data, self._fit, self.models, recorder)

    def _sign_stop(self, error: BaseException) -> None:
        """Sign the training, and for each model that it was not evaluated."""
        recorder, kinds = self._recorder, {record.evidence.kind for record in self._recorder.records}
        if self._plan.evaluates is None and "training-provenance" not in kinds:
            evaluation.record_provenance(self._plan, self.run, self._data, self._fit, self.models, recorder)
        subjects = [model.subject() for model in self.models] or self._data.subjects()
        for kind in EVALUATIONS:
            if kind not in kinds:
                reason = f"the evaluation was stopped by {type(error).__name__} before it was complete"
                recorder.add(kind, subjects, result="not_evaluated", reason=reason)

    def _write_here(self, error: BaseException) -> list[str]:
        """Close the session without MLflow, and write its files into a folder here."""
        recorder = self._recorder
        if not recorder.closed:
            self._sign_stop(error)
            recorder.close()
        completion.write_here(self.run, recorder, error)
        for text in recorder.notes:
            say(f"unmet: {text}")
        return list(recorder.notes)

    def _tidy(self, status: str) -> None:
        """End the run; keep the files of the models that MLflow does not have, and say so."""
        there = {model.model_id for model in self.models}
        if self.run.trial is not None or all(self._recorder.logged.id_of(m) in there for _, m in self._fitted()):
            self._kept.discard()
        else:
            say(self._kept.advice())
        if patience.lost is None and not _server_is_gone():
            self.run.end(status)


def _server_is_gone() -> bool:
    try:
        tracking.check_server()
    except Unreachable:
        return True
    return False


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the process as an exception does, so that what was fitted is written first."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
