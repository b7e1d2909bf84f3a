"""`aims monitor run`: compares new data with the baseline of a registered model; the result is a signed record."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.models import digest_of_logged, load
from aims_mlflow.adapters.predict import Question
from aims_mlflow.adapters.reading.files import file_digest, read_table, require_columns
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND, ReadTable
from aims_mlflow.adapters.tables import Table
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.console import say
from aims_mlflow.capture.recorder import Recorder
from aims_mlflow.capture.setup import load_setup
from aims_mlflow.checks.drift.baseline import FILE, PREDICTION, TARGET
from aims_mlflow.checks.drift.baseline import KIND as BASELINE
from aims_mlflow.checks.drift.monitoring import compare, drifted
from aims_mlflow.checks.engines.opening import count_source_of, short_name
from aims_mlflow.checks.engines.remote_table import remote_table
from aims_mlflow.checks.packs import pack_digest
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.checks.tables.plain_columns import plain
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import CheckError, ConfigError, EvidenceError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.digests import arrow_digest
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import SealedRecord, Subject
from aims_mlflow.evidence.verify import KeyLookup, check_session
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.records.pack import Pack
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.system import ReadingOptions

ROLE = "operation"


@dataclass(frozen=True)
class MonitorReport:
    """The outcome of a monitor, and the MLflow run that holds it."""

    outcome: Outcome
    run_id: str
    name: str
    version: str | None
    rows: int

    @property
    def drifted(self) -> list[str]:
        """Columns that broke a limit."""
        return drifted(self.outcome.claims)


def monitor(
    model: str,
    source: Any,
    lookup: KeyLookup,
    *,
    prediction: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    reading: ReadingOptions | None = None,
) -> MonitorReport:
    """Compare new data with the baseline of a model's training, and keep the result as evidence.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/m-ID`.
        source: A file, the address of a count source, or a frame.
        lookup: The keys that the baseline's signature is checked with.
        prediction: The column with predictions; by default the model is loaded and asked.
        config: aims.yaml, whose pack has the limits; found where there is one for this system, else defaults.
        reading: How a file is read; by default as aims.yaml says.

    Raises:
        ConfigError, DataError, Unreachable: model or data cannot be used.
        EvidenceError: the model has no baseline that verifies.
    """
    target = tracking.resolve(model)
    if target.model_id is None:
        raise ConfigError(f"{model} names no logged model", next="name a version that was logged with MLflow 3")
    digest = digest_of_logged(target.model_id)
    record, baseline = _baseline(target, digest, lookup)
    pack, described = _described(config, record.evidence.system)
    data, data_subjects = _data(source, baseline, prediction, target.model_id, reading or described)
    outcome = compare(data, baseline, pack.monitor)
    run_id = _new_run(target)
    subjects = [Subject(name=f"models:/{target.model_id}", digest={"dirHash1": digest}), *data_subjects]
    with _ended_if_it_fails(run_id):
        tracking.put(run_id, _sealed(outcome, target, run_id, subjects, record, pack))
        _finish(target, run_id, outcome)
    return MonitorReport(outcome, run_id, target.name or target.model_id, target.version, data.rows)


def _baseline(target: tracking.Target, digest: str, lookup: KeyLookup) -> tuple[SealedRecord, dict[str, Any]]:
    """Return the newest baseline record of the model's bytes, and its content: signature and bytes checked."""
    problems: list[str] = []
    baselines: list[SealedRecord] = []
    for name, content in tracking.session_files(target.run_id).items():
        session = check_session(content, name, lookup)
        mine = [r for r in session.records if r.evidence.kind == BASELINE and r.has_subject(digest)]
        if mine and session.problems:
            problems.append(session.problems[0].sentence())
        else:
            baselines += [r for r in mine if r.evidence.result == "passed"]
    if not baselines:
        why = f": {problems[0]}" if problems else ""
        raise EvidenceError(
            f"there is no drift baseline of this model that verifies{why}",
            where=f"run {target.run_id}",
            next="trust the trainer's key with --key, or make a baseline: aims.evaluate(model, train=..., test=...)",
        )
    record = max(baselines, key=lambda r: r.evidence.time)
    entry = next((a for a in record.evidence.artifacts if a.path.endswith(FILE)), None)
    content = tracking.read_file(target.run_id, entry.path) if entry is not None else b""
    if entry is None or sha256_hex(content) != entry.sha256:
        raise EvidenceError("the baseline file is not the one that was signed", where=f"run {target.run_id}")
    return record, json.loads(content)


def _described(config: str | Path | Mapping[str, Any] | None, system: str | None) -> tuple[Pack, ReadingOptions]:
    """Return the pack of aims.yaml, and how it reads files; where none is found for this system, the defaults."""
    try:
        setup = load_setup(config, None, system)
    except ConfigError:
        if config is not None:
            raise
        return Pack(name="defaults", version="1", description="The limits of a monitor without aims.yaml."), AS_FOUND
    return setup.pack, setup.config.data.reading


def _data(
    source: Any, baseline: Mapping[str, Any], prediction: str | None, model_id: str, reading: ReadingOptions
) -> tuple[Dataset, list[Subject]]:
    """Return the new rows and their subjects: a table that stays in its engine has no digest, so no subject."""
    remote, task = count_source_of(source), PredictionTask(baseline["task"])
    name = short_name(source) if isinstance(source, str | Path) else ROLE
    if remote is not None:
        return remote_table(ROLE, remote, task, prediction=prediction), []
    is_file = isinstance(source, str | Path)
    read = read_table(Path(source), reading) if is_file else ReadTable(source)
    frame = as_frame(read.frame, ROLE)
    digest = {"arrowIpcSha256": arrow_digest(frame), **(file_digest(Path(source)) if is_file else {})}
    subject = [Subject(name=name, digest=digest)]
    require_columns(frame, [prediction] if prediction else [], name)
    data = make_dataset(ROLE, frame.drop(columns=[prediction] if prediction else []), task)
    for note in (*read.notes, *data.notes):
        say(f"{name}: {note}")
    if prediction is not None:
        return dataclasses.replace(data, predictions=Predictions(plain(frame[prediction]).to_numpy())), subject
    if PREDICTION not in baseline["columns"]:
        return data, subject
    return dataclasses.replace(data, predictions=_predictions(frame, baseline, model_id, digest)), subject


def _predictions(frame: Any, baseline: Mapping[str, Any], model_id: str, digest: dict[str, str]) -> Predictions | None:
    target = str(baseline["target"])
    features = frame.drop(columns=[target], errors="ignore")
    table = Table(ROLE, ROLE, features, features, digest)
    counted = baseline["columns"].get(TARGET, {}).get("counts")
    labels = list(counted) if isinstance(counted, dict) else []
    labels += [baseline["favourable"]] if baseline["favourable"] else []
    known = {str(label_key(label)): label for label in labels}
    task = PredictionTask(baseline["task"], target, baseline["favourable"])
    try:
        question = Question(model=load(model_id), task=task, known=known, proved_before=True, scored=False)
        return question.answer(table).predictions
    except CheckError as exc:
        say(f"predictions are not compared: {exc.sentence()}")
        return None


def _new_run(target: tracking.Target) -> str:
    client = tracking.client()
    with tracking.reaching("start a run"):
        experiment = client.get_run(target.run_id).info.experiment_id
        called = f"monitor {target.name or target.model_id}" + (f" v{target.version}" if target.version else "")
        return str(client.create_run(experiment, run_name=called).info.run_id)


@contextlib.contextmanager
def _ended_if_it_fails(run_id: str) -> Iterator[None]:
    """End the run as failed where the block raises: MLflow would show it as running for ever."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to report
            tracking.client().set_terminated(run_id, "FAILED")
        raise


def _sealed(
    outcome: Outcome, target: tracking.Target, run_id: str, subjects: list[Subject], baseline: SealedRecord, pack: Pack
) -> dict[str, bytes]:
    """Return the run's files: one session with the record, and its reports."""
    ids, system = MlflowIds(run_id=run_id, model_id=target.model_id), baseline.evidence.system
    recorder = Recorder(
        SessionWriter(signing_key(say), who(), system=system, mlflow=ids, pack_digest=pack_digest(pack)), ids
    )
    recorder.outcome(
        outcome,
        subjects,
        model=target.name or target.model_id,
        version=target.version or "",
        baseline_record=baseline.id,
        baseline_sha256=baseline.sha256,
    )
    recorder.close()
    return {**recorder.files, **recorder.session_files()}


def _finish(target: tracking.Target, run_id: str, outcome: Outcome) -> None:
    """Link the run to the model and its version, and end it."""
    from mlflow.entities import LoggedModelInput

    client = tracking.client()
    tags = {
        "aims.monitor": outcome.result,
        "aims.monitor.model_id": str(target.model_id),
        **({"aims.monitor.version": f"models:/{target.name}/{target.version}"} if target.name else {}),
    }
    tracking.tag_run(run_id, tags)
    with tracking.reaching("link the run to the model"):
        client.log_inputs(run_id, models=[LoggedModelInput(model_id=str(target.model_id))])
        for claim in outcome.claims:
            if claim.metric in ("drift", "drifted_share") and claim.value is not None:
                name = f"{claim.metric}/{claim.slice['column']}" if claim.slice else claim.metric
                client.log_metric(run_id, _metric(name), float(claim.value))
        client.set_terminated(run_id, "FINISHED")


def _metric(name: str) -> str:
    """Return a metric's name in the letters that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)[:250]
