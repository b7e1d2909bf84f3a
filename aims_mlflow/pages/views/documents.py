"""Documents that people published: the list with states, and one document with what it states, cites and lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.documents.page_blocks import (
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    missing,
    state_cell,
    to,
)
from aims_mlflow.field_address import field_text
from aims_mlflow.gates.citations import suspects
from aims_mlflow.gates.person_statements import approving_role, says
from aims_mlflow.gates.published_documents import counting
from aims_mlflow.pages.library import leaves_of
from aims_mlflow.pages.views.common import (
    RowRange,
    day_text,
    document_cell,
    leaf_cell,
    record_cell,
    system_cell,
    time_text,
)
from aims_mlflow.pages.views.erased import erased_documents
from aims_mlflow.pages.views.stated import stated_blocks
from aims_mlflow.pages.views.states import catalogue, live_versions
from aims_mlflow.records.documents import missing_for_met
from aims_mlflow.records.wording import metric_text, slice_text
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.gates.person_statements import DocumentApproval, PublishedDocument
    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource

ALL = "all"
STATES = ("overdue", "due", "published", "approved", "withdrawn", "superseded")
ONLY_SEALED = (
    "Shown are documents that were published and sealed in this ledger. Drafts in a team's folder are not here, and a "
    "document about the organisation is shown to readers who may read all registered models."
)


def documents(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of documents, those that need a person first."""
    kind, system, state = (query.get(name, "") for name in ("kind", "system", "state"))
    readable = source.documents
    found = readable.remembered("by state", lambda: sorted(readable.all, key=lambda d: (STATES.index(d.state), d.id)))
    if kind not in ("", ALL):
        found = [d for d in found if d.kind == kind]
    if state not in ("", ALL):
        found = [d for d in found if d.state == state]
    if system:
        found = [d for d in found if d.publication.document.system == system]
    paging = RowRange("documents", query, len(found))
    shown = found[paging.first - 1 : paging.first - 1 + paging.most]
    leaves = leaves_of(source, (d.publication for d in shown))
    table = PageTable(
        "Documents, those to be reviewed first",
        ("Document", "State", "Kind", "System", "Version", "Owner", "Review by", "Approved by", "Sealed"),
        [_row(d, leaves.get(d.publication.record.sha256)) for d in shown],
        total=paging.total,
        first=paging.first,
        empty="No published document fits, of those that this reader may read.",
    )
    given = readable.remembered("kinds", lambda: sorted({d.kind for d in readable.all}))
    form = Form(
        "Filter",
        "documents",
        (
            FormInput("kind", "Kind", kind or ALL, "choice", (ALL, *given)),
            FormInput("state", "State", state or ALL, "choice", (ALL, *STATES[:-1])),
            FormInput("system", "System (all if empty)", system),
        ),
        "Show",
    )
    return PageView("Documents", "documents", (ONLY_SEALED,), (table, form, *erased_documents(source)), **paging.links)


def _row(found: SealedDocument, leaf: int | None) -> tuple[Any, ...]:
    document, stated = found.publication.document, found.publication.statement
    return (
        document_cell(document.id, stated.title),
        state_cell(found.state),
        document.kind,
        system_cell(document.system) if document.system else "the organisation",
        stated.version,
        stated.owner,
        document.review_by or "no day is stated",
        ", ".join(found.approved_by) or "nobody",
        leaf_cell(leaf),
    )


def document(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one document: its version in force, or the one with the digest that is asked for."""
    name, wanted = args["document"], query.get("sha256", "")
    address = to("documents", name)
    versions = source.documents.versions(name)
    chosen = [p for p in versions if wanted in ("", p.statement.sha256)]
    if not chosen:
        return missing(f"Document {name}", address, "No published version of this document is sealed here.")
    current = source.documents.library.shelf.in_force(name, source.moment[:10])
    shown = current if current in chosen and not wanted else chosen[-1]
    blocks: list[Block] = [
        _about(source, shown),
        _lacking(shown),
        _approvals(source, shown),
        *_citations(source, shown),
        *stated_blocks(shown.document.kind, shown.statement.fields),
        _versions(source, versions),
    ]
    title = f"{shown.statement.title} ({name}), version {shown.statement.version}"
    return PageView(title, address, (ONLY_SEALED,), blocks, (("Documents", "documents"),))


def _about(source: PageSource, shown: Publication) -> Facts:
    document, stated = shown.document, shown.statement
    known = kinds().get(document.kind)
    serves = [c for c in catalogue().values() if any(use.kind == document.kind for use in c.evidence)]
    place = (stated.source.get("path") or stated.source.get("uri")) if stated.source else None
    kept = f"; the original is kept at {place}" if place else ""
    rows: list[tuple[str, Any]] = [
        ("Kind", f"{document.kind}: {known.description}" if known else document.kind),
        ("State", state_cell(source.documents.state(shown))),
        ("System", system_cell(document.system) if document.system else "the organisation"),
        ("Serves", [PageCell(f"{c.id} {c.title}", to("controls", c.id)) for c in serves] or "no control"),
        ("Owner, author", f"{stated.owner}, {stated.author}"),
        ("Signed by", f"{document.author}, {time_text(document.time)} by the signer's clock"),
        ("In force since", stated.effective_from or "not stated"),
        ("Review by", document.review_by or "not stated"),
        ("Valid until", day_text(document.valid_until) or "not stated"),
        ("Kept until", stated.retention_until or "not stated"),
        ("Why it was changed", stated.reason_for_change or "not stated"),
        ("About the models", [code_cell(d) for d in document.model_digests] or "no single one"),
        (
            "Its text",
            (
                f"{stated.characters:,} letters and digits, in the file of the run below, not in the ledger{kept}"
                if stated.characters
                else f"none beside the fields that are shown here{kept}"
            ),
        ),
        ("sha256 of the file", code_cell(stated.sha256)),
        ("MLflow run", code_cell(shown.record.evidence.mlflow.run_id)),
        ("Sealed", leaf_cell(leaves_of(source, [shown]).get(shown.record.sha256))),
    ]
    if source.scope.whole:
        rows.append(("Record", record_cell(document.kind, shown.record.id)))
    return Facts("Document", rows)


def _lacking(shown: Publication) -> PageTable:
    """Return what a control that rests on it needs, and what it does not say."""
    found = missing_for_met(shown.document.kind, shown.statement.fields, says)
    rows: list[tuple[Any, ...]] = [(field_text(path), question) for path, question in found]
    rows += [("its text", problem) for problem in shown.document.problems]
    return PageTable(
        "Fields that are empty, and that a control needs",
        ("Field", "What an auditor asks there"),
        rows,
        empty="No field that a control needs is empty; whether what it states is enough is the auditor's judgement.",
    )


def _approvals(source: PageSource, shown: Publication) -> PageTable:
    document = shown.document
    rows = [
        (a.owner, ", ".join(a.roles), time_text(a.time), _whether_it_counts(a, document))
        for a in source.shelf.approvals_of(document)
    ]
    return PageTable(
        "Approvals of exactly this content",
        ("By", "Roles of the key", "Signed at", "Counts"),
        rows,
        empty="Nobody approved this version.",
    )


def _whether_it_counts(approval: DocumentApproval, document: PublishedDocument) -> PageCell:
    if is_among(approval.owner, document.authors):
        return state_cell("failed", "", "does not count: an author of the document")
    if not counting(document, (approval,)):
        return state_cell("failed", "", f"does not count: the role {approving_role(document.kind)!r} is needed")
    return state_cell("holds", "", "another person than its authors")


def _citations(source: PageSource, shown: Publication) -> list[PageTable | Prose]:
    document = shown.document
    if not document.citations:
        return [Prose("What it cites", ("It cites no evidence.",))]
    doubted = _doubts(source, shown)
    rows = [
        (
            c.name,
            record_cell(c.kind, c.evidence),
            f"{metric_text(c.metric)} {slice_text(c.slice or {})}".strip() if c.metric else "the record",
            c.shown or "",
            c.value or "",
            state_cell("stale", "", doubted[c.name]) if c.name in doubted else "nothing speaks against it",
        )
        for c in document.citations
    ]
    compared = "the versions in use of its system" if document.system else "no model: it is about the organisation"
    return [
        PageTable(
            "What it cites",
            ("Mark", "Record", "What", "Shown in the text", "Value then", "Now"),
            rows,
            f"Compared with the evidence of {compared}. What a signed review cleared is left out.",
        )
    ]


def _doubts(source: PageSource, shown: Publication) -> dict[str, str]:
    """Return what speaks against citations, by their marks, in the evidence of the versions in use."""
    out: dict[str, str] = {}
    for version in live_versions(source):
        if shown.document.system is None or version["system"] != shown.document.system:
            continue
        judged = source.judgement(version["model"], version["version"])
        if judged is not None:
            found = suspects(shown.document, judged.subject.records, judged.subject.digest)
            out |= {s.citation.name: s.text for s in found}
    return out


def _versions(source: PageSource, versions: Sequence[Publication]) -> PageTable:
    leaves = leaves_of(source, versions)
    rows = [
        (
            PageCell(f"version {p.statement.version}", to("documents", p.document.id, sha256=p.statement.sha256)),
            state_cell(source.documents.state(p)),
            p.document.author,
            time_text(p.document.time),
            p.statement.reason_for_change or "",
            code_cell(p.statement.sha256, most=12),
            leaf_cell(leaves.get(p.record.sha256)),
        )
        for p in reversed(versions)
    ]
    return PageTable(
        "Versions, newest first",
        ("Version", "State", "Signed by", "Signed at", "Why it was changed", "sha256 of the file", "Sealed"),
        rows,
    )
