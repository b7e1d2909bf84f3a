"""The evaluation after fitting: signs provenance and resources, and checks models and data.

Each step is independent: one that fails becomes a record with result "not evaluated", and the next one runs.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.algorithms import described_algorithms, described_requirements
from aims_mlflow.adapters.label_input import check_label_is_no_input
from aims_mlflow.adapters.models import file_prefix
from aims_mlflow.adapters.predict import Question, known_labels, read_answers
from aims_mlflow.capture import environment, model_output, trained_models
from aims_mlflow.capture.code import code_version
from aims_mlflow.capture.failures import failure_of, short_reason
from aims_mlflow.capture.hyperparameters import hyperparameters
from aims_mlflow.capture.incumbent import ask_incumbent
from aims_mlflow.capture.probe import answers_to, inspect_files, probe_on
from aims_mlflow.capture.sweep import Selection
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.predictions import EvaluatedModel
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.mlflow_address import is_of_gate
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.training import ProvenanceDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.predict import Answer, Predict
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData
    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.evidence.statement import Subject
    from aims_mlflow.records.evidence import Result

    Models = Sequence[LoggedModel]

NO_TEST = "no held-out data: pass test (or X_test and y_test)"


def evaluate(
    plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, models: Models, recorder: Recorder
) -> None:
    """Sign the evidence of a training that ended: provenance, resources, and the checks of its models."""
    subjects = [m.subject() for m in models] or data.subjects()
    if plan.evaluates is None:
        record_provenance(plan, run, data, fit, models, recorder)
    record_resources(fit, models, subjects, recorder)
    predictions = check_models(plan, data, models, recorder)
    if models and not data.tables:
        recorder.note("no data were bound, so nothing could be evaluated: call t.data(train=..., test=...)")
    if models and "train" in data.tables:
        check_drift(data, subjects, recorder)
        record_baselines(data, models, predictions, recorder)
    if fit.out_of_fold is not None:
        with recorder.step("performance", subjects):
            check_out_of_fold(data, fit.out_of_fold, subjects, recorder)
    recorder.add_attachments(subjects)


def record_provenance(
    plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, models: Models, recorder: Recorder
) -> None:
    """Sign the training record: function, parameters, code, data and models."""
    selection = run.selection or Selection()
    claims = selection.claims
    result, reason = training_result(fit, models)
    failed = fit.error is not None and result == "failed"
    others = trained_models.others_logged(plan, run, models)
    if fit.models:
        trained_models.tell_others(others)
    details = ProvenanceDetails(
        function=plan.function_name,
        parameters=dict(fit.settings.values),
        parameters_left_out=fit.settings.left_out or None,
        hyperparameters={m.model_id: told for m in models if (told := hyperparameters(m.predictor))} or None,
        code=code_version(plan.function),
        data=data.described(),
        models=[m.described() for m in models],
        other_models=others or None,
        fit_seconds=decimal_text(round(fit.seconds, 3)),
        trials=selection.trials,
        parent_run_id=selection.parent_run_id,
        selection_metric=selection.metric,
        failure=failure_of(fit.error) if fit.error is not None and failed else None,
    )
    if result == "passed" and any(c.passed is False for c in claims):
        result = "warned"
    recorder.add(
        "training-provenance",
        [m.subject() for m in models] or data.subjects(),
        result=result,
        reason=reason,
        claims=claims,
        tools=environment.tool_versions(),
        details=details,
    )


def training_result(fit: Fit, models: Models) -> tuple[Result, str | None]:
    """Return the result of the training itself, and the reason where it did not pass.

    Where a gate refused a registration inside the function, the training itself went well.
    """
    if fit.error is not None and not is_of_gate(fit.error):
        what = "the training function raised" if fit.began else "training did not start:"
        return "failed", f"{what} {type(fit.error).__name__}"
    if models:
        return "passed", None
    if fit.models:
        return "not_evaluated", "no model could be logged"
    return "not_evaluated", "no model was logged or returned: return the fitted model, or log it in the function"


def record_resources(fit: Fit, models: Models, subjects: list[Subject], recorder: Recorder) -> None:
    """Sign the tooling with the list of all packages, and the computing resources (A.4.4, A.4.5)."""
    with recorder.step("tooling-record", subjects):
        recorder.add(
            "tooling-record",
            subjects,
            tools=environment.tool_versions(),
            artifacts=(recorder.keep(environment.PACKAGES, environment.package_list()),),
            details=environment.tooling().changed(
                algorithms=described_algorithms(models) or None, serving=described_requirements(models) or None
            ),
        )
    with recorder.step("compute-record", subjects):
        recorder.add("compute-record", subjects, details=environment.computing(fit.seconds))


def check_models(
    plan: TrainingPlan, data: TrainingData, models: Models, recorder: Recorder
) -> dict[str, InMemoryTable]:
    """Evaluate each model on held-out data; returns the test data with a model's predictions, by model id."""
    incumbent = functools.cache(functools.partial(ask_incumbent, data, plan.predict))
    predictions = {}
    for model in models:
        prefix = file_prefix(models, model)
        with recorder.step("performance", [model.subject()]):
            if "test" not in data.tables:
                leave_unchecked(model, data, NO_TEST, prefix, recorder)
                continue
            try:
                question = question_of(model.predictor, data, plan.predict)
                dataset, answer = predict_test(question, data)
                check_label_is_no_input(question, data.tables["test"], answer)
                answers = answers_to(question, data.tables["test"], answer.meaning)
                evaluated = dataset.with_model(EvaluatedModel(predict=answers, incumbent=incumbent()))
                outcomes = check_model(model, data, evaluated, answer, plan.predict)
            except AimsError as exc:
                leave_unchecked(model, data, short_reason(exc.sentence()), prefix, recorder)
                continue
            predictions[model.model_id] = dataset
            described = {"test": data.tables["test"].described()}
            for outcome in outcomes:
                recorder.outcome(outcome, [model.subject()], prefix=prefix, data=described)
    return predictions


def leave_unchecked(model: LoggedModel, data: TrainingData, reason: str, prefix: str, recorder: Recorder) -> None:
    """Sign that a model was not evaluated; only its files are inspected."""
    test = data.tables.get("test")
    for kind in ("performance", *(["fairness"] if test is None or test.sensitive else [])):
        recorder.add(kind, [model.subject()], result="not_evaluated", reason=reason)
    recorder.outcome(inspect_files(model, data.setup.pack), [model.subject()], prefix=prefix)


def question_of(predictor: Any, data: TrainingData, function: Predict | None, *, scored: bool = True) -> Question:
    """Return how a model is asked: its output is proved on training rows, without them on the held-out ones.

    Raises:
        CheckError, DataError: the held-out data cannot be used.
    """
    task = data.dataset("test").task
    proof = data.tables.get("train") if "train" not in data.overwritten else None
    return Question(
        model=predictor,
        task=task,
        known=known_labels(task, data.tables.values(), predictor),
        function=function,
        proof=proof or data.tables["test"],
        scored=scored,
    )


def predict_test(question: Question, data: TrainingData) -> tuple[InMemoryTable, Answer]:
    """Return the test data with the model's predictions, and what its output means.

    Raises:
        CheckError: the model cannot predict them, or it is not clear what its output means.
    """
    dataset, answer = data.dataset("test"), question.answer(data.tables["test"])
    task = dataclasses.replace(dataset.task, labels=tuple(question.known.values()))
    return dataclasses.replace(dataset, task=task, predictions=answer.predictions), answer


def check_model(
    model: LoggedModel, data: TrainingData, dataset: InMemoryTable, answer: Answer, function: Predict | None
) -> list[Outcome]:
    """Return the checks of one model: performance, fairness where there are sensitive columns, and the team's own.

    Meanwhile the logged model is loaded back: nothing is signed of one that does not answer what was evaluated.

    Raises:
        CheckError: the logged model does not answer as the one that was evaluated.
    """
    pack = data.setup.pack
    with model_output.loading_back(model, data.tables["test"]) as load_back:
        performance = run_check("performance", dataset, pack)
        outcomes = [run_check("fairness", dataset, pack)] if dataset.sensitive_names else []
        train = data.dataset("train") if "train" in data.tables else None
        outcomes.append(probe_on(model, dataset, pack))
        outcomes += [run_check(own.name, dataset, pack, train) for own in pack.checks]
        loaded = load_back.confirm(answer, dataset.task) if load_back is not None else None
    return [model_output.described(performance, answer, loaded, function, model.function), *outcomes]


def check_drift(data: TrainingData, subjects: list[Subject], recorder: Recorder) -> None:
    """Compare the test data with the training data."""
    if "test" not in data.tables:
        return
    with recorder.step("drift", subjects):
        train, test = data.dataset("train"), data.dataset("test")
        recorder.outcome(run_check("drift", test, data.setup.pack, train), subjects, data=data.described())


def record_baselines(
    data: TrainingData, models: Models, predictions: Mapping[str, InMemoryTable], recorder: Recorder
) -> None:
    """Sign the baseline of each model, which a monitor compares new data with."""
    for model in models:
        with recorder.step("drift-baseline", [model.subject()]):
            train = data.dataset("train")
            outcome = run_check("drift_baseline", train, data.setup.pack, predictions.get(model.model_id))
            described = {"train": data.tables["train"].described()}
            recorder.outcome(outcome, [model.subject()], prefix=file_prefix(models, model), data=described)


def check_out_of_fold(
    data: TrainingData, out_of_fold: tuple[str, Any], subjects: list[Subject], recorder: Recorder
) -> None:
    """Sign out-of-fold predictions as claims of role cross-validation: they describe the procedure, not a model.

    Raises:
        CheckError: they cannot be read as predictions for the data set.
    """
    role, raw = out_of_fold
    table, dataset = data.tables[role], data.dataset(role)
    known = known_labels(dataset.task, data.tables.values())
    predictions = read_answers(raw, table, dataset.task, known)
    dataset = dataclasses.replace(dataset, role="cross-validation", predictions=predictions)
    outcome = run_check("performance", dataset, data.setup.pack)
    recorder.outcome(outcome, subjects, prefix="cross-validation-", data={role: table.described()})
