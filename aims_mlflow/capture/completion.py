"""The end of a session: documents, manifest, page, where it all goes, registration, and what the person hears."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.exceptions import MlflowException

from aims_mlflow.adapters.models import file_prefix
from aims_mlflow.capture.console import log, say
from aims_mlflow.capture.recorder import artifact, keep_files
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.documents.datasheet import render_datasheet
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.terminal import summary_lines
from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.evidence import registered_models, tracking
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL, session_path
from aims_mlflow.evidence.statement import SealedRecord, Subject, seal
from aims_mlflow.evidence.trust import trust_only
from aims_mlflow.evidence.verify import CheckedSession, check_session
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.underway import Underway


def complete(training: Underway, error: BaseException | None) -> list[str]:
    """Write documents, manifest and page into the run; returns what is unmet."""
    from aims_mlflow.capture.evaluation import step

    for model in training.models:
        with step(training, "model-card", [model.subject()]):
            _model_card(training, model)
    if training.tables:
        with step(training, "datasheet", training.data_subjects()):
            _document(
                training,
                "datasheet",
                training.data_subjects(),
                "datasheet.md",
                render_datasheet([*_behind(training), *training.writer.records]),
            )
    training.writer.close()
    sessions = checked_sessions(training)
    _page(training, sessions)
    written = _write(training)
    unmet = [*training.notes, *_failures(training.writer.records)]
    if error is None and written:
        unmet += register(training, unmet)
    _tell(training, sessions, unmet, error, written=written)
    return unmet


def _model_card(training: Underway, model: LoggedModel) -> None:
    name = f"{file_prefix(training.models, model)}model_card.md"
    content = render_model_card(training.writer.records, model.digest)
    _document(training, "model-card", [model.subject()], name, content)


def _document(training: Underway, kind: str, subjects: list[Subject], name: str, content: bytes) -> None:
    """Seal a document in the session's own folder, and put a copy where people look."""
    artifacts = keep_files(training, {name: content})
    training.writer.add(kind, subjects, artifacts=tuple(artifacts))
    training.files[f"aims/{name}"] = content


def checked_sessions(training: Underway) -> list[CheckedSession]:
    """Return this session and those that it rests on, checked with our own key."""
    own_key = trust_only(training.key.public, training.writer.records[0].evidence.actor)
    files = {**training.joined, training.writer.id: training.writer.jsonl()}
    return [check_session(data, session_path(name), own_key) for name, data in files.items()]


def _behind(training: Underway) -> list[SealedRecord]:
    """Return the acquisitions and preparations that this training's data come from, as far as they verify."""
    steps = {
        step["record"]
        for record in training.writer.records
        if record.evidence.kind == "lineage"
        for entry in record.evidence.details["links"]
        for step in entry["steps"]
    }
    return [
        r
        for s in checked_sessions(training)
        if s.name in map(session_path, training.joined) and s.sound
        for r in s.records
        if r.id in steps
    ]


def _page(training: Underway, sessions: list[CheckedSession]) -> None:
    """Render the page from the signed records, and sign what was rendered."""
    try:
        pictures = {path: content for path, content in training.files.items() if path.endswith(".svg")}
        page = render_index(sessions, pictures, [m.digest for m in training.models])
    except Exception as exc:  # noqa: BLE001 - a page is a view; the evidence stands without it
        log.warning("the page could not be rendered", exc_info=True)
        training.note(f"aims/index.html could not be rendered ({type(exc).__name__}, see the log)")
        return
    manifest = training.writer.records[-1]
    body = Evidence(
        id=uuid7(),
        kind="page",
        result="passed",
        actor=manifest.evidence.actor,
        key_id=training.key.key_id,
        time=utc_text(),
        mlflow=manifest.evidence.mlflow,
        system=manifest.evidence.system,
        artifacts=(artifact(PAGE, page),),
    )
    sealed = seal(body, [Subject(name=manifest.id, digest={"sha256": manifest.sha256})], training.key)
    training.files[PAGE] = page
    training.files[PAGE_SEAL] = sealed.envelope.raw + b"\n"


def _write(training: Underway) -> bool:
    """Put everything into the run; where that fails, into a folder here, so that nothing is lost."""
    files = {
        **training.files,
        session_path(training.writer.id): training.writer.jsonl(),
        **{session_path(name): data for name, data in training.joined.items()},
    }
    try:
        tracking.put(training.run_id, files)
        tracking.tag_run(
            training.run_id, {"aims.session": training.writer.id, "aims.system": training.setup.config.system.id}
        )
        for model in training.models:
            tracking.tag_model(model.model_id, {"aims.run": training.run_id, "aims.session": training.writer.id})
    except Unreachable as exc:
        folder = Path.cwd() / "aims-unsent" / training.writer.id
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        training.note(
            f"{exc.sentence()}. The evidence was kept in {folder}: when the store is back, "
            f"`mlflow artifacts log-artifacts --run-id {training.run_id} --local-dir {folder}` puts it there"
        )
        return False
    return True


def _failures(records: list[SealedRecord]) -> list[str]:
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


def register(training: Underway, unmet: list[str]) -> list[str]:
    """Register the models where that was asked for; a gated registry decides itself, elsewhere all must be met."""
    if not training.register or training.trial is not None:
        return []
    gated = bool(registered_models.known_gate())
    if unmet and not gated:
        return ["not registered: the evidence is not complete"]
    out = []
    names = _names(training)
    for model in training.models:
        name = names.get(model.name)
        if name is None:
            continue
        try:
            version = register_model(model.uri, name)
            say(f"registered {name} version {version}")
        except GateRefused as exc:
            out.append(exc.what)
        except AimsError as exc:
            out.append(exc.sentence())
    return out


def _names(training: Underway) -> dict[str, str]:
    if isinstance(training.register, Mapping):
        return {_model_name(training, model): str(name) for name, model in training.register.items()}
    return {m.name: training.setup.config.system.model_name for m in training.models[:1]}


def _model_name(training: Underway, model: Any) -> str:
    """Return under which name a model was logged: `register={registered name: model or its name}`."""
    return next((n for n, given in training.given if given is model), str(model))


def register_model(uri: str, name: str) -> str:
    """Register a logged model; where the gate refuses, remove the empty registered model that MLflow leaves.

    Raises:
        GateRefused: the registry's gate said no.
        Unreachable: MLflow could not do it.
    """
    client = mlflow.MlflowClient()
    existed = registered_models.has_registered_model(name)
    try:
        version = mlflow.register_model(uri, name)
    except MlflowException as exc:
        if (
            not existed
            and registered_models.has_registered_model(name)
            and not client.search_model_versions(f"name = '{name}'")
        ):
            with contextlib.suppress(MlflowException):
                client.delete_registered_model(name)
        if exc.error_code == "PERMISSION_DENIED":
            raise GateRefused(str(exc.message).removeprefix("PERMISSION_DENIED: "), model_uri=uri) from None
        raise Unreachable(f"{name} could not be registered: {str(exc.message).splitlines()[0]}") from None
    return str(version.version)


def _tell(
    training: Underway, sessions: list[CheckedSession], unmet: list[str], error: BaseException | None, *, written: bool
) -> None:
    """Print what the evidence shows, and what is unmet; what stopped a training before it is said by its exception."""
    if error is not None and not training.fitting:
        where = f": run {training.run_id}" if written else ""
        say(f"training did not start; the evidence holds the reason{where}")
        return
    with contextlib.suppress(Exception):
        width = shutil.get_terminal_size().columns
        digest = training.models[0].digest if training.models else None
        for line in summary_lines(control_statuses(sessions, digest), width=width):
            say(line)
    for sentence in unmet:
        say(f"unmet: {sentence}")
    if error is not None:
        say("the training function failed; the evidence holds the reason")
    if written:
        say(
            f"evidence of {training.setup.config.system.id}: run {training.run_id}, "
            "open aims/index.html in its artifacts"
        )
