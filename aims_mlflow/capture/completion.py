"""Completion of a session: writes documents, manifest and page, registers the models, and prints what is unmet."""

from __future__ import annotations

import contextlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.adapters.models import file_prefix
from aims_mlflow.capture import earlier_sessions, run_view
from aims_mlflow.capture.console import log, say
from aims_mlflow.capture.kept_models import unsent_folder
from aims_mlflow.capture.recorder import artifact
from aims_mlflow.capture.registration import register
from aims_mlflow.documents.datasheet import render_datasheet
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.own_steps import owed_by_others, own_steps
from aims_mlflow.documents.terminal import summary_lines, warnings_told
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL, session_path
from aims_mlflow.evidence.statement import SealedRecord, Subject, seal
from aims_mlflow.evidence.trust import trust_account
from aims_mlflow.evidence.verify import CheckedSession, check_session
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.gates.wording import refusal_lines
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import LineageDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData
    from aims_mlflow.signing.keys import SigningKey

    Models = Sequence[LoggedModel]


def complete(
    plan: TrainingPlan, run: OpenRun, data: TrainingData, fit: Fit, models: Models, recorder: Recorder
) -> list[str]:
    """Write documents, manifest and page into the run, and register the models; returns one sentence for each gap."""
    write_documents(data, models, recorder, run.key)
    recorder.close()
    sessions = checked_sessions(run.key, recorder)
    add_page(sessions, models, recorder, run.key)
    written = write(run, models, recorder)
    if written:
        run_view.show(run, data, models, recorder)
    unmet = [*recorder.notes, *failures(recorder.records)]
    if fit.error is None and written:
        unmet += register(plan, run, fit, models, unmet)
    tell(run, fit, models, sessions, unmet, written=written)
    return unmet


def write_documents(data: TrainingData, models: Models, recorder: Recorder, key: SigningKey) -> None:
    """Render and seal a model card for each model, and the data sheet."""
    read_back = {s.name: s for s in checked_sessions(key, recorder)}
    # What is rendered is what was sealed, so that whoever has the records makes the same bytes again.
    own = read_back.pop(session_path(recorder.session_id)).records
    of_data = records_of_data(key, recorder)
    for model in models:
        with recorder.step("model-card", [model.subject()]):
            name = f"{file_prefix(models, model)}model_card.md"
            sound = [s for s in read_back.values() if s.sound]
            about = [r for s in sound if any(r.has_subject(model.digest) for r in s.records) for r in s.records]
            content = render_model_card([*about, *of_data, *own], model.digest)
            _document(recorder, "model-card", [model.subject()], name, content)
    if data.tables:
        with recorder.step("datasheet", data.subjects()):
            content = render_datasheet([*records_behind(key, recorder), *of_data, *recorder.records])
            _document(recorder, "datasheet", data.subjects(), "datasheet.md", content)


def _document(recorder: Recorder, kind: str, subjects: list[Subject], name: str, content: bytes) -> None:
    """Seal a document in the session's own folder, and put a copy where people look."""
    recorder.add(kind, subjects, artifacts=(recorder.keep(name, content),))
    if not recorder.keeps_documents:
        recorder.files[f"aims/{name}"] = content


def checked_sessions(key: SigningKey, recorder: Recorder) -> list[CheckedSession]:
    """Return this session and those that it is based on, verified with our own key."""
    own_key = trust_account(key.public, recorder.records[0].evidence.actor)
    files = {**recorder.earlier_sessions, recorder.session_id: recorder.jsonl()}
    return [check_session(content, session_path(name), own_key) for name, content in files.items()]


def records_of_data(key: SigningKey, recorder: Recorder) -> list[SealedRecord]:
    """Return the evidence about the data that the first trial of a sweep signed for all of them."""
    return [
        r
        for s in checked_sessions(key, recorder)
        if recorder.data_session and s.name == session_path(recorder.data_session) and s.sound
        for r in s.records
        if r.evidence.kind not in ("session-start", "trial", "session")
    ]


def records_behind(key: SigningKey, recorder: Recorder) -> list[SealedRecord]:
    """Return the acquisitions and preparations that this training's data come from, as far as they verify."""
    steps = {
        step.record
        for record in (*records_of_data(key, recorder), *recorder.records)
        if record.evidence.kind == "lineage"
        for entry in read_details(record.evidence, LineageDetails).links or []
        for step in entry.steps
    }
    return [
        r
        for s in checked_sessions(key, recorder)
        if s.name in map(session_path, recorder.earlier_sessions) and s.sound
        for r in s.records
        if r.id in steps
    ]


def add_page(sessions: list[CheckedSession], models: Models, recorder: Recorder, key: SigningKey) -> None:
    """Render the page from the signed records, and sign what was rendered."""
    if recorder.keeps_documents:
        return
    try:
        pictures = {path: content for path, content in recorder.files.items() if path.endswith(".svg")}
        page = render_index(sessions, pictures, [m.digest for m in models])
    except Exception as exc:  # noqa: BLE001 - a page is a view; the evidence is complete without it
        log.warning("the page could not be rendered", exc_info=True)
        recorder.note(f"aims/index.html could not be rendered ({type(exc).__name__}, see the log)")
        return
    manifest = recorder.records[-1]
    body = Evidence(
        id=uuid7(),
        kind="page",
        result="passed",
        actor=manifest.evidence.actor,
        key_id=key.key_id,
        time=utc_text(),
        mlflow=manifest.evidence.mlflow,
        system=manifest.evidence.system,
        artifacts=(artifact(PAGE, page),),
    )
    sealed = seal(body, [Subject(name=manifest.id, digest={"sha256": manifest.sha256})], key)
    recorder.files[PAGE] = page
    recorder.files[PAGE_SEAL] = sealed.envelope.raw + b"\n"


def write(run: OpenRun, models: Models, recorder: Recorder) -> bool:
    """Put all files and tags into the run; where that fails, the files into a folder here, so that nothing is lost.

    Further runs that logged one of the models get the same files: who looks there finds the evidence.
    """
    try:
        for run_id in (run.run_id, *run.copies):
            tracking.put(run_id, {**recorder.files, **earlier_sessions.not_there(run_id, recorder)})
            tags = {"aims.session": recorder.session_id, "aims.system": run.setup.config.system.id}
            tracking.tag_run(run_id, {**recorder.tags, **tags})
        for model in models:
            tracking.tag_model(model.model_id, {"aims.run": run.run_id, "aims.session": recorder.session_id})
    except Unreachable as exc:
        write_here(run, recorder, exc)
        return False
    return True


def write_here(run: OpenRun, recorder: Recorder, error: BaseException) -> None:
    """Write the files of the session into a folder here, and note how they get into the run.

    Raises:
        Unreachable: no folder can be written.
    """
    folder = unsent_folder(recorder.session_id) / "run"
    for name, content in {**recorder.files, **recorder.session_files()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    reason = error.sentence() if isinstance(error, AimsError) else type(error).__name__
    recorder.note(
        f"{reason}. The evidence was kept in {folder}: when the store is back, "
        f"`mlflow artifacts log-artifacts --run-id {run.run_id} --local-dir {folder}` puts it there"
    )


def failures(records: Sequence[SealedRecord]) -> list[str]:
    """Return one sentence for each record that failed or could not be evaluated."""
    out = []
    for record in records:
        body = record.evidence
        if body.result not in ("failed", "not_evaluated") or body.kind == "session":
            continue
        failed = [c for c in body.claims if c.passed is False and c.severity != "warning"]
        if failed:
            out += [f"{body.kind}: {describe(c)}" for c in failed]
        else:
            out.append(f"{body.kind}: {body.reason or body.result.replace('_', ' ')}")
    return list(dict.fromkeys(out))


def without_repeats(unmet: Sequence[str]) -> list[str]:
    """Return the sentences without those whose claim a registry's refusal names too, with the server's own limit."""
    refusals = [sentence for sentence in unmet if sentence.startswith("Registration refused")]

    def told(sentence: str) -> bool:
        claim = sentence.partition(": ")[2].partition(" is ")[0]
        return bool(claim) and any(claim in refusal for refusal in refusals)

    return [sentence for sentence in unmet if sentence in refusals or not told(sentence)]


def digest_of(models: Models) -> str:
    """Return the digest of the first model; empty without one."""
    return models[0].digest if models else ""


def tell(
    run: OpenRun, fit: Fit, models: Models, sessions: list[CheckedSession], unmet: list[str], *, written: bool
) -> None:
    """Print what the evidence shows and what is unmet; the exception itself tells why a training did not start."""
    if fit.error is not None and not fit.began:
        where = f": run {run.run_id}" if written else ""
        say(f"training did not start; the evidence holds the reason{where}")
        return
    with contextlib.suppress(Exception):
        width = shutil.get_terminal_size().columns
        subject = StatusSubject(run.setup.config.system.id, digest=digest_of(models) or None, sessions=tuple(sessions))
        statuses = control_statuses(subject, datetime.now(UTC))
        for told in (own_steps, owed_by_others, summary_lines):
            for line in told(statuses, width=width):
                say(line)
    for sentence in without_repeats(unmet):
        first, *more = refusal_lines(sentence)
        say(f"unmet: {first}")
        for line in more:
            say(f"  {'  ' if line.startswith('aims waive') else ''}{line}")
    with contextlib.suppress(Exception):
        for line in warnings_told(EvidenceVerdict.of((r for s in sessions for r in s.records), digest_of(models))):
            say(line)
    if fit.error is not None:
        say("the training function failed; the evidence holds the reason")
    if written:
        say(f"evidence of {run.setup.config.system.id}: run {run.run_id}, open aims/index.html in its artifacts")
