"""From which documents a draft was filled in, and which of them nobody published: they count for nothing yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking
from aims_mlflow.ledger import merkle
from aims_mlflow.management.findings.live_versions import deployed
from aims_mlflow.management.legal_forms import FORMS
from aims_mlflow.records.documents.improvement import LedgerHead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintContext

# Kinds of draft that say something of the whole organisation, and the kinds of document that they are filled in from.
OF_ORGANISATION = {
    "scope": ("system",), "register": ("system", "scan"), "communication": ("ai-policy",),
    "review-inputs": ("incident", "audit-report", "nonconformity", "corrective-action"),
    "review-minutes": ("review-inputs",),
    "soa": ("system", "risk-register", "treatment-plan", "supplier-record"),
}  # fmt: skip


def with_publications(around: LintContext) -> LintContext:
    """Return what documents are compared with, and which files are published by the MLflow that is configured.

    Where none is configured, or it does not answer, no file is known to be published.
    """
    from aims_mlflow.management.library import read_library

    try:
        shelf = read_library(first=True).shelf if tracking.is_configured() else None
    except AimsError:
        shelf = None
    digests = (d.sha256 for d in shelf.documents(around.today) if d.sha256) if shelf is not None else ()
    return replace(around, published=frozenset(digests))


def with_ledger(around: LintContext, ledger: Ledger) -> LintContext:
    """Return what a draft is filled in from, with the records of what is in use and the head of a ledger.

    Raises:
        Unreachable: the ledger does not answer.
    """
    size = ledger.proofs.size()
    head = LedgerHead(size=size, root=merkle.root(size, ledger.proofs.fetch).hex()) if size else None
    records = {r.id: r for version in deployed(ledger) for r in version.records}
    ordered = tuple(sorted(records.values(), key=lambda r: (r.evidence.time, r.id)))
    return replace(around, evidence=replace(around.evidence, records=ordered), head=head)


def draft_note(kind: str, system: str | None, around: LintContext, form: str | None = None) -> Iterator[str]:
    """Yield the gap of a draft that was filled in from drafts: they are to be published, or what they say looked at."""
    if around.published is None:
        return
    used = dict.fromkeys(d.id for d in _sources(kind, system, around, form) if d.sha256 not in around.published)
    if used:
        yield f"TODO check what was filled in from documents that are not known to be published: {', '.join(used)}."
        yield "  Then delete these two lines."


def _sources(kind: str, system: str | None, around: LintContext, form: str | None) -> Iterator[FolderDocument]:
    for source in OF_ORGANISATION.get(kind, ()):
        yield from around.folder.of(source)
    if system is not None and kind != "system":
        yield from around.folder.of("system", system)
    if form is not None and form in FORMS:
        # A form takes statements from whatever is written about the system or the whole organisation.
        yield from (d for d in around.folder.documents if d.written.system in (None, system) and d.written.kind != kind)
