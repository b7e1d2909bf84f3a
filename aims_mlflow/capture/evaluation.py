"""What happens after fitting: models, checks, documents, manifest.

Each step stands alone: one that fails becomes a record that says "not evaluated", and the rest goes on.
"""

from __future__ import annotations

import contextlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.models import LoggedModel, file_prefix, log_model, open_logged
from aims_mlflow.adapters.predict import features_for, predict
from aims_mlflow.adapters.tables import first_rows, is_intact
from aims_mlflow.capture import completion, environment, sweep
from aims_mlflow.capture.console import log
from aims_mlflow.capture.data_gate import dataset_of
from aims_mlflow.capture.incumbent import beside_production
from aims_mlflow.capture.probe import probe
from aims_mlflow.capture.recorder import record_outcome
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.errors import AimsError, CheckError
from aims_mlflow.records.base import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.capture.underway import Underway
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.evidence.statement import Subject
    from aims_mlflow.records.evidence import Result

SIGNATURE_ROWS = 200
NO_TEST = "no held-out data: pass test (or X_test and y_test)"


def run(training: Underway, error: BaseException | None) -> list[str]:
    """Complete the evidence of a training; returns what is unmet, one sentence each."""
    if training.trial is not None:
        return sweep.write_trial(training, error)
    watch_data(training)
    if training.tables or training.given or error is None:
        _models(training, error)
    subjects = [m.subject() for m in training.models] or training.data_subjects()
    if training.evaluates is None:
        _provenance(training, error, subjects)
    _resources(training, subjects)
    for model in training.models:
        with step(training, "performance", [model.subject()]):
            model_checks(training, model)
    if training.models and not training.tables:
        training.note("no data were bound, so nothing could be evaluated: call t.data(train=..., test=...)")
    if training.models and "train" in training.tables:
        data_checks(training, subjects)
    if training.out_of_fold is not None:
        with step(training, "performance", subjects):
            cross_validation(training, subjects)
    for queued in training.queued:
        with step(training, queued["kind"], subjects):
            training.writer.add(queued.pop("kind"), subjects, **queued)
    return completion.complete(training, error)


def watch_data(training: Underway) -> None:
    """Find the data sets whose values the training function wrote over: nothing may be claimed about them any more.

    Columns that it dropped, added or replaced do not count: those are kept as they were passed.
    """
    for role, table in training.tables.items():
        with contextlib.suppress(AimsError):
            if not is_intact(table):
                training.spoiled.add(role)


@contextlib.contextmanager
def step(training: Underway, kind: str, subjects: list[Subject]) -> Iterator[None]:
    """Keep one step's failure to itself: it becomes a record of its kind that was not evaluated."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - nothing after fitting may raise
        log.debug("%s could not be evaluated", kind, exc_info=True)
        reason = exc.sentence() if isinstance(exc, AimsError) else f"{type(exc).__name__} (see the log)"
        try:
            training.writer.add(kind, subjects, result="not_evaluated", reason=_short(reason))
        except AimsError:
            training.note(f"{kind}: could not be evaluated: {reason}")


def _short(text: str) -> str:
    return text if len(text) <= 500 else text[:497] + "..."


def _models(training: Underway, error: BaseException | None) -> None:
    """Find the models that were logged, and log those that were only returned."""
    ids: list[str] = []
    given = [(name, model) for name, model in training.given if not isinstance(model, str)]
    with _alone(training):
        ids += training.new_model_ids()
    for _, uri in training.given:
        with _alone(training):
            if isinstance(uri, str) and (found := _model_id(uri)) not in ids:
                ids.append(found)
    for model_id in ids:
        with _alone(training):
            training.models.append(open_logged(model_id))
    if error is None and len(ids) < len(given):
        for name, model in given:
            with _alone(training):
                training.models.append(_log(training, name, model))


@contextlib.contextmanager
def _alone(training: Underway) -> Iterator[None]:
    """Keep one model's failure from the others."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - nothing after fitting may raise
        log.debug("model", exc_info=True)
        what = exc.sentence() if isinstance(exc, AimsError) else f"{type(exc).__name__} (see the log)"
        training.note(f"a model could not be logged or read back, so nothing is bound to it: {what}")


def _model_id(uri: str) -> str:
    from aims_mlflow.evidence.tracking import resolve

    target = resolve(uri)
    if target.model_id is None:
        raise AimsError(f"{uri} names no logged model", next="use models:/m-ID")
    return target.model_id


def _log(training: Underway, name: str, model: Any) -> LoggedModel:
    """Log a returned model under its name and open it again."""
    features: Any = None
    labels: Any = []
    table = training.tables.get("test") or training.tables.get("train")
    if table is not None:
        data, task = training.setup.config.data, training.setup.pack.task
        with contextlib.suppress(Exception):  # they only make the signature
            few, known = first_rows(table, SIGNATURE_ROWS), distinct_labels(table.frame[data.target])
            features = features_for(model, few)
            labels = predict(model, few, data.target, data.favourable, training.predict, task, known).labels
    model_id = log_model(model, name, features, labels)
    return open_logged(model_id, model)


def _provenance(training: Underway, error: BaseException | None, subjects: list[Subject]) -> None:
    """Sign the training record: function, parameters, code, data and the models that came of it."""
    failed = error is not None and not is_refusal(error)
    details: dict[str, Any] = {
        "function": training.function_name,
        "parameters": training.parameters,
        "code": training.code(),
        "data": training.described_data(),
        "models": [m.described() for m in training.models],
        "fit_seconds": decimal_text(round(training.fit_seconds, 3)),
        **training.sweep,
    }
    result: Result = "passed"
    reason = None
    if failed and error is not None:
        details["failure"] = failure_of(error)
        what = "the training function raised" if training.fitting else "training did not start:"
        result, reason = "failed", f"{what} {type(error).__name__}"
    elif not training.models:
        result = "not_evaluated"
        reason = "no model was logged or returned: return the fitted model, or log it in the function"
        if training.given:
            reason = "no model could be logged"
    claims = tuple(training.sweep_claims)
    if result == "passed" and any(c.passed is False for c in claims):
        result = "warned"
    training.writer.add(
        "training-provenance",
        subjects,
        result=result,
        reason=reason,
        claims=claims,
        tools=environment.tool_versions(),
        details=details,
    )


def is_refusal(error: BaseException) -> bool:
    """Tell whether a registry's gate refused inside the function: the training itself went well then."""
    return getattr(error, "error_code", None) == "PERMISSION_DENIED"


def failure_of(error: BaseException) -> dict[str, str]:
    """Return type and place of an exception, never its message: messages quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "aims_mlflow" not in f.filename] or frames
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}" if own else "unknown"
    return {"type": type(error).__name__, "where": where}


def _resources(training: Underway, subjects: list[Subject]) -> None:
    """Sign the tooling and computing resources (A.4.4, A.4.5)."""
    with step(training, "tooling-record", subjects):
        training.writer.add(
            "tooling-record", subjects, tools=environment.tool_versions(), details=environment.tooling()
        )
    with step(training, "compute-record", subjects):
        fit = decimal_text(round(training.fit_seconds, 3))
        training.writer.add("compute-record", subjects, details={**environment.computing(), "fit_seconds": fit})


def model_checks(training: Underway, model: LoggedModel) -> None:
    """Evaluate one model on held-out data: performance, and fairness where sensitive columns are named."""
    subjects = [model.subject()]
    prefix = file_prefix(training.models, model)
    table = training.tables.get("test")
    if table is None:
        for kind in ("performance", "fairness"):
            training.writer.add(kind, subjects, result="not_evaluated", reason=NO_TEST)
        probe(training, model, None, prefix)
        return
    try:
        data = beside_production(training, predicted(training, model, "test"))
    except CheckError as exc:
        for kind in ("performance", *(["fairness"] if table.sensitive else [])):
            training.writer.add(kind, subjects, result="not_evaluated", reason=_short(exc.sentence()))
        probe(training, model, None, prefix)
        return
    described = {"data": {"test": table.described()}}
    pack = training.setup.pack
    record_outcome(training, run_check("performance", data, pack), subjects, prefix=prefix, **described)
    if data.sensitive_names:
        record_outcome(training, run_check("fairness", data, pack), subjects, prefix=prefix, **described)
    train = dataset_of(training, training.tables["train"]) if "train" in training.tables else None
    probe(training, model, data, prefix)
    for mine in pack.checks:
        record_outcome(training, run_check(mine.name, data, pack, train), subjects, prefix=prefix, **described)


def predicted(training: Underway, model: LoggedModel, role: str) -> InMemoryTable:
    """Return a data set with the model's predictions beside it.

    Raises:
        CheckError: the model cannot predict it.
    """
    import dataclasses

    table, config = training.tables[role], training.setup.config.data
    data = dataset_of(training, table)
    found = predict(model.predictor, table, config.target, data.task.favourable, training.predict, data.task.kind)
    said = dataclasses.replace(data, predictions=found)
    training.predicted[model.model_id, role] = said
    return said


def data_checks(training: Underway, subjects: list[Subject]) -> None:
    """Compare test with train, and keep the baseline that a monitor needs."""
    pack = training.setup.pack
    described = training.described_data()
    if "test" in training.tables:
        with step(training, "drift", subjects):
            train, test = (dataset_of(training, training.tables[role]) for role in ("train", "test"))
            record_outcome(training, run_check("drift", test, pack, train), subjects, data=described)
    for model in training.models:
        with step(training, "drift-baseline", [model.subject()]):
            train = dataset_of(training, training.tables["train"])
            said = training.predicted.get((model.model_id, "test"))
            outcome = run_check("drift_baseline", train, pack, said)
            prefix = file_prefix(training.models, model)
            record_outcome(training, outcome, [model.subject()], prefix=prefix, data={"train": described["train"]})


def cross_validation(training: Underway, subjects: list[Subject]) -> None:
    """Record out-of-fold predictions as claims of role cross-validation: they describe the procedure."""
    import dataclasses

    from aims_mlflow.adapters.predict import read_labels, read_numbers, read_output
    from aims_mlflow.checks.statistics.labels import distinct_labels

    role, raw = training.out_of_fold
    table, config = training.tables[role], training.setup.config.data
    data = dataset_of(training, table)
    rows, known = len(table.frame), distinct_labels(table.frame[config.target])
    if data.task.kind == "regression":
        found = read_numbers(raw, rows)
    elif data.task.kind == "multiclass-classification":
        found = read_labels(raw, rows, known, None, ())
    else:
        found = read_output(raw, rows, known, data.task.favourable, None)
    data = dataclasses.replace(data, role="cross-validation", predictions=found)
    outcome = run_check("performance", data, training.setup.pack)
    record_outcome(training, outcome, subjects, prefix="cross-validation-", data={role: table.described()})
