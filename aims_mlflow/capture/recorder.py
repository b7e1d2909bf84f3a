"""The recorder of a training: its signed records, the files beside them, and the notes for the person."""

from __future__ import annotations

import contextlib
import mimetypes
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.console import log
from aims_mlflow.capture.failures import reason_of, short_reason
from aims_mlflow.capture.logged_objects import LoggedObjects
from aims_mlflow.capture.report_head import report_head
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.session import session_path
from aims_mlflow.records.evidence import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.evidence.session import SessionWriter
    from aims_mlflow.evidence.statement import SealedRecord, Subject
    from aims_mlflow.records.details.base import EvidenceDetails
    from aims_mlflow.records.evidence import MlflowIds

REPORTS = "aims/reports"
TYPES = {".md": "text/markdown", ".jsonl": "application/jsonl", ".svg": "image/svg+xml"}


def media_type(path: str) -> str:
    """Return a file's media type by its name."""
    ending = path[path.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def artifact(path: str, content: bytes) -> Artifact:
    """Return a file as a record names it."""
    return Artifact(path=path, sha256=sha256_hex(content), size=len(content), media_type=media_type(path))


class Recorder:
    """Collects the evidence of one training: the one object that its phases change.

    Attributes:
        ids: The MLflow run that the evidence belongs to.
        files: The files that go into the run, by their path there.
        earlier_sessions: The sessions that this one is based on, by session id; they go into the run too.
        data_session: Which of them has the evidence about this one's data; empty where this one has it itself.
        tags: Tags for the run, by which data evidence is found.
        keeps_documents: Whether the run's documents are left as they are, and this session's stand in its own folder.
        notes: Sentences that the person must read at the end.
        logged: The objects that the session's logged models were made of.
    """

    def __init__(self, writer: SessionWriter, ids: MlflowIds) -> None:
        """Collect the records of `writer`."""
        self.ids = ids
        self.files: dict[str, bytes] = {}
        self.earlier_sessions: dict[str, bytes] = {}
        self.data_session = ""
        self.tags: dict[str, str] = {}
        self.keeps_documents = False
        self.notes: list[str] = []
        self.logged = LoggedObjects()
        self._writer = writer
        self._attachments: list[tuple[str, Mapping[str, Any]]] = []

    def locate(self, ids: MlflowIds) -> None:
        """Set the run that the records that follow belong to."""
        self.ids = ids
        self._writer.locate(ids)

    @property
    def closed(self) -> bool:
        """Whether the manifest is signed."""
        return self._writer.closed

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self._writer.id

    @property
    def records(self) -> Sequence[SealedRecord]:
        """The records that are signed so far."""
        return self._writer.records

    def add(
        self, kind: str, subjects: Iterable[Subject], *, details: EvidenceDetails | None = None, **fields: Any
    ) -> SealedRecord:
        """Sign the next record; see `SessionWriter.add`."""
        return self._writer.add(kind, subjects, details=details, **fields)

    def outcome(
        self, outcome: Outcome, subjects: Iterable[Subject], *, prefix: str = "", **details: Any
    ) -> SealedRecord:
        """Sign the outcome of a check; `prefix` separates the reports of several models.

        `details` are the fields of the kind's model that the caller knows: the role and the data.
        """
        subjects = list(subjects)
        head = report_head(outcome, subjects, details.get("data") or {}, self._writer)
        return self.add(
            outcome.kind,
            subjects,
            result=outcome.result,
            reason=outcome.reason,
            controls=outcome.controls or None,
            claims=outcome.claims,
            artifacts=tuple(self.keep(f"{prefix}{name}", head.on(page)) for name, page in outcome.reports.items()),
            tools=outcome.tools,
            details=outcome.recorded_details().changed(**details),
        )

    def keep(self, name: str, content: bytes) -> Artifact:
        """Put a file into the session's own reports folder; returns it as an artifact."""
        path = f"{REPORTS}/{self.session_id}/{name}"
        self.files[path] = content
        return artifact(path, content)

    def note(self, text: str) -> None:
        """Keep a sentence that the person must read at the end."""
        if text not in self.notes:
            self.notes.append(text)

    def attach(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Keep a record that a person adds until the digests of the models are known."""
        self._attachments.append((kind, fields))

    def add_attachments(self, subjects: list[Subject]) -> None:
        """Sign the records that a person added."""
        for kind, fields in self._attachments:
            with self.step(kind, subjects):
                self.add(kind, subjects, **fields)

    @contextlib.contextmanager
    def step(self, kind: str, subjects: list[Subject]) -> Iterator[None]:
        """Contain the failure of one step: it becomes a record of the step's kind with result "not evaluated"."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - nothing after fitting may raise
            log.debug("%s could not be evaluated", kind, exc_info=True)
            reason = reason_of(exc)
            try:
                self.add(kind, subjects, result="not_evaluated", reason=short_reason(reason))
            except AimsError:
                self.note(f"{kind}: could not be evaluated: {reason}")

    def close(self) -> None:
        """Sign the manifest; no record can be added any more."""
        self._writer.close()

    def jsonl(self) -> bytes:
        """Return the session's envelopes, one on each line."""
        return self._writer.jsonl()

    def session_files(self) -> dict[str, bytes]:
        """Return the files of this session and of those that it is based on, by their path in the run."""
        sessions = {self.session_id: self.jsonl(), **self.earlier_sessions}
        return {session_path(name): content for name, content in sessions.items()}
