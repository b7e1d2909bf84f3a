"""Conflicts of interest: people who approved, waived, accepted, validated or audited what is their own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aims_mlflow.cached_values import cached_property
from aims_mlflow.documents.page_blocks import PageCell, PageTable, to
from aims_mlflow.pages.library import leaves_of
from aims_mlflow.pages.views.common import day_text, document_cell, leaf_cell, model_cell
from aims_mlflow.pages.views.interests import Interests, in_document, own_waivers
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.gate import SampleDetails
from aims_mlflow.records.documents.improvement import AuditReportDocument
from aims_mlflow.signing.owners import is_among, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource

BUILT = "training-provenance"  # the record that says which model came out of a training
COLUMNS = ("What", "Person", "About", "Why it is a conflict", "Signed at", "Sealed")
MOST = 200
NOTE = (
    "Compared are owners of keys and names in documents, under any spelling. Who builds a model is who signed the "
    "record of its training; who owns a system, and who entered it in the register, its register entry says. Two "
    "people who share a key, and one who uses another name, no page can tell. Where policy asks for another person, "
    "the gate does not count the signature of one who built the model."
)


class Builders:
    """Who built what, by the signatures of training records that are sealed."""

    def __init__(self, source: PageSource) -> None:
        self._source = source

    def owner(self, key_id: str | None) -> str:
        """Return the owner of a key as one person under any spelling; empty for an unknown key."""
        return person(self._source.owner(key_id))

    @cached_property
    def of_system(self) -> dict[str, set[str]]:
        """The people who trained a model of each system."""
        out: dict[str, set[str]] = defaultdict(set)
        sql = f"SELECT DISTINCT r.system, r.key_id FROM record r WHERE r.kind = '{BUILT}'"
        for row in self._source.rows(sql):
            if owner := self.owner(row["key_id"]):
                out[row["system"] or ""].add(owner)
        return out

    def of_model(self, digest: str | None) -> set[str]:
        """Return the people who trained the model with these bytes."""
        sql = f"SELECT DISTINCT key_id FROM record WHERE digest = :d AND kind = '{BUILT}'"
        return {owner for row in self._source.rows(sql, d=digest) if (owner := self.owner(row["key_id"]))}

    def systems_of(self, name: str) -> list[str]:
        """Return the systems that a person trained a model of."""
        return sorted(system for system, people in self.of_system.items() if person(name) in people)


def conflicts_table(source: PageSource) -> PageTable:
    """Return the conflicts that the ledger shows, for a reader of everything."""
    builders, interests = Builders(source), Interests(source)
    documents = source.documents.remembered("conflicts", lambda: list(_documents(source, builders, interests)))
    waivers = own_waivers(source, interests)
    found = [*_consents(source, builders), *waivers, *documents, *_samples(source, builders)]
    empty = (
        "Nobody signed an approval, a waiver, a validation, a sample or an audit report about a model that the same "
        "person trained, approved a document of their own, waived a gap of a system that they own or wrote about, "
        "accepted a risk of their own, or holds a duty that controls another one of theirs, as far as the ledger shows."
    )
    return PageTable("Conflicts of interest", COLUMNS, found[:MOST], NOTE, empty, total=len(found))


def _consents(source: PageSource, builders: Builders) -> Iterator[tuple[Any, ...]]:
    """Yield approvals and waivers by people who trained the model that they are about."""
    sql = (
        "SELECT DISTINCT c.*, r.key_id AS built_by FROM consent c JOIN record r ON r.digest = c.digest "
        f"AND r.kind = '{BUILT}' WHERE c.type IN ('approval', 'waiver') ORDER BY c.sequence DESC"
    )
    for row in source.rows(sql):
        signer = builders.owner(row["key_id"])
        if signer and signer == builders.owner(row["built_by"]):
            what = f"{row['type']} for {row['stage'] or 'every stage'}"
            yield (
                what, source.owner(row["key_id"]), model_cell(row["model"]), "signed the record of its training",
                day_text(row["time"]), leaf_cell(row["sequence"]),
            )  # fmt: skip


def _documents(source: PageSource, builders: Builders, interests: Interests) -> Iterator[tuple[Any, ...]]:
    """Yield documents approved by their author, validations of an own model, and what else documents in force show."""
    conflicts = [
        (d, (*_of_document(source, d, builders), *in_document(d, source.moment[:10], interests)))
        for d in source.documents.in_force
    ]
    leaves = leaves_of(source, (d.publication for d, found in conflicts if found))
    for each, found in conflicts:
        about = document_cell(each.id, f"{each.kind} {each.id}")
        sealed = leaf_cell(leaves.get(each.publication.record.sha256))
        at = day_text(each.publication.document.time)
        yield from ((what, who, about, why, at, sealed) for what, who, why in found)


def _of_document(source: PageSource, each: SealedDocument, builders: Builders) -> Iterator[tuple[str, str, str]]:
    """Yield what was done, by whom, and why it is a conflict."""
    document = each.publication.document
    for approval in source.shelf.approvals_of(document):
        if is_among(approval.owner, document.authors):
            yield "approval of a document", approval.owner, "wrote or published it"
    if each.kind == "validation-report":
        built = set().union(*map(builders.of_model, document.model_digests))
        built |= builders.of_system.get(document.system or "", set()) if not document.model_digests else set()
        mine = {who: author for author in document.authors if (who := person(author)) in built}.values()
        yield from (("validation", author, "signed the record of its training") for author in mine)
    if each.kind == "audit-report" and isinstance(each.written, AuditReportDocument):
        yield from _audits(each.written, document.system, builders)


def _audits(report: AuditReportDocument, system: str | None, builders: Builders) -> Iterator[tuple[str, str, str]]:
    """Yield members of an audit's team who trained models of a system that was audited; of any, if none is named."""
    named = {s for s in (system, *(f.system for f in report.findings)) if s}
    for member in report.team:
        own = [s for s in builders.systems_of(member.person) if not named or s in named]
        if own:
            yield "audit", member.person, f"trained models of {', '.join(own)}"


def _samples(source: PageSource, builders: Builders) -> Iterator[tuple[Any, ...]]:
    """Yield samples that were tested by people who trained a model in them."""
    rows = source.rows("SELECT sha256, id, key_id, system, time, leaf FROM record WHERE kind = 'audit-sample'")
    records = source.records_of({row["sha256"]: row["leaf"] for row in rows})
    for row in rows:
        record, signer = records.get(row["sha256"]), builders.owner(row["key_id"])
        items = read_details(record.evidence, SampleDetails).items or () if record is not None else ()
        own = [item.leaf for item in items if signer in builders.of_model(_digest(source, item.leaf))]
        if own:
            about = PageCell(f"sample {row['id'][:13]}…", to("records", row["id"]))
            why = f"trained the model of {len(own):,} of {len(items):,} items"
            owner, sealed = source.owner(row["key_id"]), leaf_cell(row["leaf"])
            yield "audit sample", owner, about, why, day_text(row["time"]), sealed


def _digest(source: PageSource, leaf: int) -> str | None:
    row = source.row("SELECT digest FROM decision WHERE sequence = :s AND {scope}", s=leaf)
    return row["digest"] if row else None
