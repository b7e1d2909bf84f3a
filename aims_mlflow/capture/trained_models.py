"""The models of a training: opens those that the function logged, and logs those that it handed over."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import ask, takes_groups
from aims_mlflow.adapters.inputs import columns_taken
from aims_mlflow.adapters.log_model import is_answered_by_mlflow, log_model, with_groups_beside
from aims_mlflow.adapters.models import logged_ids, open_logged, predicts
from aims_mlflow.adapters.requirements import requirements_of
from aims_mlflow.adapters.same_model import is_same
from aims_mlflow.adapters.tables import first_rows
from aims_mlflow.capture.console import log, say
from aims_mlflow.capture.failures import reason_of
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.tracking import client, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData

SIGNATURE_ROWS = 200


def new_model_ids(plan: TrainingPlan, run: OpenRun) -> list[str]:
    """Return the ids of the models that were logged into the run since the session began.

    Raises:
        Unreachable: the run cannot be read.
    """
    if plan.evaluates:
        return [plan.evaluates]
    found = [*(m for m in logged_ids(run.run_id) if m not in run.models_before), *run.models_elsewhere]
    return list(dict.fromkeys(found))


def open_models(
    plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, recorder: Recorder
) -> tuple[LoggedModel, ...]:
    """Return the models that were handed over, each logged once, or else those that the function logged.

    There is none where the training failed before it had data or a model.
    """
    if fit.error is not None and not data.tables and not fit.models:
        return ()
    ids: list[str] = []
    with _alone(recorder):
        ids += new_model_ids(plan, run)
    models: dict[str, LoggedModel] = {}
    given = [(name, handed) for name, handed in fit.models if fit.error is None or isinstance(handed, str)]
    for name, handed in given:
        with _alone(recorder):
            model = _handed_over(plan, data, name, handed, ids, recorder)
            models[model.model_id] = model
    for model_id in ids if not given else ():
        with _alone(recorder):
            if plan.evaluates or predicts(model_id):
                models[model_id] = _open(plan, model_id)
    return tuple(models.values())


def _handed_over(
    plan: TrainingPlan, data: TrainingData, name: str, handed: Any, ids: list[str], recorder: Recorder
) -> LoggedModel:
    """Return a model that was handed over: the logged one that is proved to be it, or else it is logged."""
    if isinstance(handed, str):
        named = handed.removeprefix("models:/")
        return _open(plan, named if named in ids else _model_id(handed))
    known = recorder.logged.id_of(handed)
    if known is not None and known in ids:
        return _open(plan, known)
    model = _same(plan, data, handed, ids) or _log(plan, data, name, handed)
    recorder.logged.note(model.model_id, [handed])
    return model


def _open(plan: TrainingPlan, model_id: str) -> LoggedModel:
    return open_logged(model_id, function="beside the model" if plan.predict else "")


def _same(plan: TrainingPlan, data: TrainingData, handed: Any, ids: list[str]) -> LoggedModel | None:
    """Return the logged model that answers as the one that was handed over; the newest of several."""
    task = PredictionTask.of(data.setup.config.data, data.setup.pack.task)
    for model_id in reversed(ids):
        try:
            model = _open(plan, model_id)
            if is_same(model, handed, data.tables.values(), task, plan.predict):
                return model
        except Exception:  # noqa: BLE001 - what cannot be read or asked is not proved to be it
            log.debug("model %s could not be compared", model_id, exc_info=True)
    return None


def others_logged(plan: TrainingPlan, run: OpenRun, models: Iterable[LoggedModel]) -> dict[str, str]:
    """Return id and name of each model that the function logged and that is none of `models`, the training's results.

    It is empty where MLflow does not answer: a training is recorded all the same.
    """
    results, found = {model.model_id for model in models}, {}
    with contextlib.suppress(Exception):
        for model_id in new_model_ids(plan, run):
            logged = client().get_logged_model(model_id)
            if model_id not in results and str(logged.status) != "FAILED":  # of an attempt nothing was logged
                found[model_id] = str(logged.name)
    return found


def tell_others(others: Mapping[str, str]) -> None:
    """Name the models that the function logged beside those that it returned: they are no result of the training."""
    for model_id, name in others.items():
        say(
            f"the function logged {name} (models:/{model_id}) beside the model that it returned: it is neither "
            f'evaluated nor registered; aims.evaluate("models:/{model_id}", test=...) evaluates it, if it predicts'
        )


@contextlib.contextmanager
def _alone(recorder: Recorder) -> Iterator[None]:
    """Contain the failure of one model, so that the others are still logged."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - nothing after fitting may raise
        log.debug("model", exc_info=True)
        recorder.note(f"a model could not be logged or read back, so nothing is bound to it: {reason_of(exc)}")


def _model_id(uri: str) -> str:
    target = resolve(uri)
    if target.model_id is None:
        raise AimsError(f"{uri} names no logged model", next="use models:/m-ID")
    return target.model_id


def _log(plan: TrainingPlan, data: TrainingData, name: str, model: Any) -> LoggedModel:
    """Log a model under its name and open it again; what MLflow must translate a table for is asked through MLflow."""
    features: Any = None
    output: Any = []
    taken: list[str] | None = None
    function = plan.predict
    table = data.tables.get("test") or data.tables.get("train")
    if table is not None:
        task = PredictionTask.of(data.setup.config.data, data.setup.pack.task)
        with contextlib.suppress(Exception):  # they only make the signature
            few = first_rows(table, SIGNATURE_ROWS)
            taken = columns_taken(model, few, task, plan.predict)
            features = few.features if taken is None else few.frame[taken]
            if function is None and taken is not None and takes_groups(model):
                function = with_groups_beside(tuple(map(str, few.features.columns)), table.sensitive)
            output = ask(model, few, task, plan.predict, scored=False).output
    kept = "" if plan.predict is None else "with the model" if requirements_of(plan.predict) else "not stored"
    asked_by_mlflow = plan.predict is None and is_answered_by_mlflow(model)
    model_id = log_model(model, name, features, output, function)
    return open_logged(model_id, None if asked_by_mlflow else model, kept, taken)
