"""Publishing a document: resolved citations, one signed record, the file as artifact, in a run of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.document_runs import DOCUMENT_TAG, make_run
from aims_mlflow.evidence.session import SessionWriter, session_path
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.citations import claim_of
from aims_mlflow.gates.person_statements import day_end
from aims_mlflow.management.lint import lint, stops
from aims_mlflow.management.passages import citation_lines, passages, shown_value
from aims_mlflow.records.details.attachments import AttachmentDetails, Citation, DocumentEventDetails, DocumentStatement
from aims_mlflow.records.evidence import Artifact, MlflowIds, Supersedes

if TYPE_CHECKING:
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.passages import CitationLine
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.signing.keys import SigningKey

FILES = "aims/documents"
COMMON = (
    "id", "title", "version", "owner", "author", "supersedes", "reason_for_change", "system", "organisation",
    "approver",
    "effective_from", "review_by", "valid_until", "retention_until", "language", "sources_checked_on",
)  # fmt: skip


@dataclass(frozen=True)
class SigningAccount:
    """Who signs: the key, and the account that uses it."""

    key: SigningKey
    actor: str


def require_publishable(document: FolderDocument, around: LintContext, earlier: Publication | None) -> None:
    """Refuse a document that lint refuses, or that is published already, or changed without a reason.

    Raises:
        EvidenceError: lint finds errors in it.
        ConfigError: it is published already, or it says neither a new version nor why.
    """
    results = [r for r in lint(around, [document.id]) if r.document == document.id]
    if stops(results):
        errors = [r.sentence() for r in results if r.rule.severity == "error" and r.aside is None]
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        raise EvidenceError(
            "lint refuses it: " + "; ".join(errors[:3]) + more, next=f"aims document lint {document.path}"
        )
    if earlier is None:
        return
    if earlier.document.sha256 == document.sha256:
        raise ConfigError(
            f"version {earlier.statement.version} of {document.id} is published with exactly this content"
        )
    written = document.written
    if written.version == earlier.statement.version or not written.reason_for_change:
        raise ConfigError(
            f"version {earlier.statement.version} of {document.id} is published, and its content was another",
            where=str(document.path), next="state a new version, supersedes and reason_for_change",
        )  # fmt: skip


def citations_of(document: FolderDocument, around: LintContext) -> list[Citation]:
    """Return each citation of a document, resolved to its record.

    Raises:
        EvidenceError: one leads to no record, or to several, or the record has no such claim.
    """
    return [_resolved(document, line, around) for line in citation_lines(document)]


def _resolved(document: FolderDocument, line: CitationLine, around: LintContext) -> Citation:
    where = f"{document.path}:{line.line}"
    found = around.evidence.find(line.evidence or "")
    if len(found) != 1:
        unread = f"; not read: {around.evidence.unread[0]}" if around.evidence.unread else ""
        raise EvidenceError(
            f"[^{line.name}] {line.evidence or 'names no evidence'} leads to {len(found)} records{unread}",
            where=where, next="name the run or model that has it with --evidence",
        )  # fmt: skip
    record = found[0]
    claim = claim_of(record, line.metric, dict(line.slice)) if line.metric else None
    if line.metric and claim is None:
        raise EvidenceError(
            f"[^{line.name}] the record has no {line.metric} for {dict(line.slice) or 'all rows'}", where=where
        )
    shown = next((s for p in passages(document) if (s := shown_value(p, line.name))), None)
    facts: dict[str, Any] = {
        "name": line.name, "evidence": record.id, "sha256": record.sha256, "kind": record.evidence.kind,
        "time": record.evidence.time, "metric": line.metric, "slice": dict(line.slice) if line.metric else None,
        "role": claim.role if claim else None, "value": claim.value if claim else None, "shown": shown,
        "model_digests": _digests(record, models=True), "data_digests": _digests(record, models=False),
    }  # fmt: skip
    return Citation(**{k: v for k, v in facts.items() if v is not None})


def _digests(record: SealedRecord, *, models: bool) -> list[str] | None:
    found = [d for s in record.subjects for n, d in s.digest.items() if (n == "dirHash1") == models]
    return found or None


def statement_of(document: FolderDocument, citations: list[Citation]) -> DocumentStatement:
    """Return what the signed record says of a document."""
    written, fields = document.written, dict(document.fields)
    if citations and "evidence" in type(written).model_fields:
        given = fields.get("evidence")
        named = [str(e) for e in given] if isinstance(given, list) else []
        fields["evidence"] = list(dict.fromkeys([*named, *(c.evidence for c in citations)]))
    facts: dict[str, Any] = {name: getattr(written, name) for name in COMMON}
    facts |= {
        "sha256": document.sha256, "characters": sum(c.isalnum() for c in written.text), "fields": fields,
        "model_digests": list(written.model_digests) or None, "citations": citations or None,
        "source": written.source.model_dump(exclude_none=True) if written.source else None,
    }  # fmt: skip
    return DocumentStatement(**{k: v for k, v in facts.items() if v is not None})


def publish(
    document: FolderDocument, around: LintContext, signer: SigningAccount, earlier: Publication | None
) -> tuple[str, SealedRecord]:
    """Sign a document and keep it in a run of its own; returns the run and the record.

    Raises:
        EvidenceError, ConfigError: it may not be published.
        Unreachable: MLflow does not answer.
    """
    require_publishable(document, around, earlier)
    stated = statement_of(document, citations_of(document, around))
    path = f"{FILES}/{document.path.name}"
    form = "text/markdown" if document.path.suffix.lower() == ".md" else "application/yaml"
    file = Artifact(path=path, sha256=sha256_hex(document.content), size=len(document.content), media_type=form)
    run = make_run(f"{document.id} {stated.version}", {
        DOCUMENT_TAG: document.id, "aims.document.kind": document.written.kind, "aims.document.version": stated.version,
        "aims.document.sha256": document.sha256,
    })  # fmt: skip
    writer = SessionWriter(signer.key, signer.actor, system=document.written.system, mlflow=MlflowIds(run_id=run))
    reason = document.written.reason_for_change
    record = writer.add(
        document.written.kind,
        [subject_of(document.id, document.sha256)],
        details=AttachmentDetails(document=stated),
        artifacts=(file,),
        valid_until=day_end(stated.valid_until),
        supersedes=Supersedes(id=earlier.record.id, reason=reason) if earlier and reason else None,
    )
    writer.close()
    tracking.put(run, {path: document.content, session_path(writer.id): writer.jsonl()})
    return run, record


def subject_of(document: str, sha256: str) -> Subject:
    """Return a document's file as the subject of a record."""
    return Subject(name=f"document:{document}", digest={"sha256": sha256})


def sign_event(kind: str, publication: Publication, signer: SigningAccount, **details: str) -> tuple[str, SealedRecord]:
    """Sign an approval, a review or a withdrawal of a published document into the run of the document.

    Raises:
        EvidenceError: the publication names no run.
        Unreachable: MLflow does not answer.
    """
    run = publication.record.evidence.mlflow.run_id
    if run is None:
        raise EvidenceError("the publication names no run", where=publication.document.id)
    writer = SessionWriter(signer.key, signer.actor, system=publication.document.system, mlflow=MlflowIds(run_id=run))
    said: dict[str, Any] = {k: v for k, v in details.items() if v}
    record = writer.add(
        kind,
        [subject_of(publication.document.id, publication.statement.sha256)],
        details=DocumentEventDetails(
            document=publication.document.id,
            version=publication.statement.version,
            publication=publication.record.sha256,
            **said,
        ),
    )
    writer.close()
    tracking.put(run, {session_path(writer.id): writer.jsonl()})
    return run, record
