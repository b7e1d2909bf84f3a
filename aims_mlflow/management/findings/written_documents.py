"""Findings W1-W9: documents that nobody published or approved, that are out of date, lack something, or are missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.field_address import field_text
from aims_mlflow.gates.document_content.reviews import REVIEW_INPUTS
from aims_mlflow.gates.person_statements import LONGEST_REVIEW, approving_role, counting_approvals, says
from aims_mlflow.management.findings.far_days import far_days
from aims_mlflow.management.findings.needed_documents import missing
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.findings.two_documents import two_for_one_purpose
from aims_mlflow.records.documents import missing_for_met, stated_fields
from aims_mlflow.records.documents.information import DisclosureDutiesDocument
from aims_mlflow.records.documents.leadership import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument

SHOWN = 3
YEAR = timedelta(days=365)
# Fields about which a rule of their own says more (R1, R4, L6, L7, O2, M1, M2, I2, I4, I5, P2, S4, K5, T1, T2, T4, T7).
SAID_ELSEWHERE: dict[str, frozenset[str]] = {
    "risk-register": frozenset({"owner", "treatment"}), "treatment-plan": frozenset({"measure", "owner", "due"}),
    "corrective-action": frozenset({"owner", "done"}), "measurement-plan": frozenset({"limit"}),
    "monitoring-plan": frozenset({"limit"}), "development-objectives": frozenset({"limit"}),
    "use-objectives": frozenset({"target"}), "report-log": frozenset({"tests", "reached", "triage", "by"}),
    "review-inputs": frozenset(REVIEW_INPUTS), "audit-report": frozenset({"owner", "due", "sample", "team", "held"}),
    "soa": frozenset({"reason"}), "system": frozenset({"roles"}), "risk-method": frozenset({"acceptance"}),
    "supplier-evaluation": frozenset({"tests", "data_digest", "n", "results"}),
    "supplier-record": frozenset({"components", "documents"}), "responsibility-matrix": frozenset({"accountable"}),
    "communication": frozenset({"policy", "policy_version"}),
    "review-minutes": frozenset({"top_management", "attendees", "inputs", "decisions", "owner", "due"}),
}  # fmt: skip


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the control of documented information (7.5)."""
    if state.published is not None:
        yield from _drafts(state)
        yield from _unapproved(state, now)
        yield from _backdated(state, now)
    yield from _unreadable(state)
    longest = _longest_review(state)
    for document in state.documents:
        yield from _dates(document, longest, now)
        yield from far_days(document, longest, now)
        yield from _law(document, now)
        yield from _own_approver(document, state)
        yield from _incomplete(document)
    yield from two_for_one_purpose(state)
    yield from missing(state)
    yield from _kept(state, now.strftime("%Y-%m-%d"))


def _unreadable(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield W1: a file of the folder that is no valid document, so that nothing in it counts."""
    for file in state.unreadable:
        first = file.problems[0]
        fact = (
            f"{file.path.name} cannot be read as a document (line {first.line}: {first.what}), and nothing of it counts"
        )
        fix = f"aims document lint {file.path}, then publish what it says again"
        yield ManagementFinding("W1", f"file/{file.path.name}", fact, fix)


def _drafts(state: ManagementState) -> Iterator[ManagementFinding]:
    for file in state.files:
        written, published = file.document.written, file.published
        if file.state in ("published", "approved", "due", "superseded", "withdrawn"):
            continue
        if published is not None and published.document.sha256 == file.document.sha256:
            continue  # overdue, which is a finding of its own
        why = f"version {published.statement.version}" if published else "nothing"
        fact = f"the file of {written.called} is a draft: {why} of it was published"
        fix = f"aims document lint {file.document.path}, then aims document publish {written.id}"
        yield ManagementFinding("W1", written.id, fact, fix, written.system, (written.id,))


def _unapproved(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    shelf = state.published.shelf if state.published is not None else None
    for publication, written in _in_force(state, now):
        role = approving_role(written.kind)
        if shelf is None or counting_approvals(publication.document, shelf.approvals, now, role):
            continue
        fact = (
            f"{written.called} version {written.version} is published, and nobody with the role {role} but its "
            "authors approved exactly this publication"
        )
        whom = f"{written.approver or 'another person'}, with a key of the role {role},"
        fix = f"{whom} runs: aims approve document:{written.id}"
        yield ManagementFinding("W2", written.id, fact, fix, written.system, (written.id,))


def _in_force(state: ManagementState, now: datetime) -> tuple[tuple[Publication, WrittenDocument], ...]:
    return state.published.in_force(now.strftime("%Y-%m-%d")) if state.published is not None else ()


def _backdated(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield W8: a document that applied before anybody had approved exactly this file."""
    shelf = state.published.shelf if state.published is not None else None
    for publication, written in _in_force(state, now):
        approvals = shelf.approvals if shelf is not None else ()
        able = counting_approvals(publication.document, approvals, now, approving_role(written.kind))
        first, since = min((a.time[:10] for a in able), default=None), written.effective_from
        if first and since and since < first:
            fact = f"{written.called} version {written.version} applies from {since} on, approved on {first}"
            fix = f"state the day of its approval, or a later one, in effective_from of {written.id}"
            yield ManagementFinding("W8", written.id, fact, fix, written.system, (written.id,))


def _law(document: WrittenDocument, now: datetime) -> Iterator[ManagementFinding]:
    """Yield W3: duties by a law that nobody has looked up for a year."""
    oldest = (now - YEAR).strftime("%Y-%m-%d")
    if document.sources_checked_on and document.sources_checked_on < oldest:
        fact = f"the law behind {document.kind} {document.id} was looked up on {document.sources_checked_on}, "
        fact += "over a year ago"
        fix = f"look it up, and state the day in sources_checked_on of {document.id}"
        yield ManagementFinding("W3", f"{document.id}/sources", fact, fix, document.system, (document.id,))
    for duty in document.duties if isinstance(document, DisclosureDutiesDocument) else ():
        if duty.checked_on and duty.checked_on < oldest:
            fact = f"{duty.law or 'the law'}, by which {duty.to} is to be told ({document.id}), was looked up on "
            fact += f"{duty.checked_on}, over a year ago"
            fix = f"look it up, and state the day in checked_on of {document.id}"
            yield ManagementFinding("W3", f"{document.id}/{duty.law}", fact, fix, document.system, (document.id,))


def _longest_review(state: ManagementState) -> timedelta:
    """Return how far away a review may be: as the AI policy has it, and three years at most."""
    stated = [timedelta(days=p.longest_review_days) for p in state.of(PolicyDocument) if p.longest_review_days]
    return min([LONGEST_REVIEW, *stated])


def _dates(document: WrittenDocument, longest: timedelta, now: datetime) -> Iterator[ManagementFinding]:
    """Yield W3: a review that is overdue, never due, or due too late, and a document that ended."""
    today, latest = now.strftime("%Y-%m-%d"), (now + longest).strftime("%Y-%m-%d")
    review, last = document.review_by, document.valid_until
    fix = f"review it, and publish it again: aims document publish {document.id}"
    if last and last < today:
        why = f"it was valid until {last}"
        fix = f"publish a version that applies, or aims document withdraw {document.id}"
    elif document.effective_from and document.effective_from > today:
        why = f"the version that came last applies from {document.effective_from} on, so none holds today"
        fix = f"publish the version that holds today, or let this one apply: effective_from of {document.id}"
    elif review and review < today:
        why = f"its review was due on {review}"
    elif review and review > latest:
        most = "three years away" if longest == LONGEST_REVIEW else f"{longest.days} days away, as the AI policy has it"
        why = f"its review on {review} is more than {most}"
        fix = f"state a day before {latest} in review_by, and publish it again: aims document publish {document.id}"
    elif review is None:
        why = "no day of its review is stated"
        fix = f"state one before {latest} in review_by, and publish it again: aims document publish {document.id}"
    else:
        return
    fact = f"{document.called}: {why}"
    yield ManagementFinding("W3", document.id, fact, fix, document.system, (document.id,))


def _own_approver(document: WrittenDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield W4: an approver who is the author, whatever spelling their name has."""
    if document.approver and state.same_person(document.approver) == state.same_person(document.author):
        spelling = "" if document.approver == document.author else f" (written {document.author!r} as its author)"
        fact = f"{document.approver!r} is to approve {document.called}, and wrote it{spelling}"
        fix = f"name another person as approver of {document.id}, who runs: aims approve document:{document.id}"
        yield ManagementFinding("W4", document.id, fact, fix, document.system, (document.id,))


def _incomplete(document: WrittenDocument) -> Iterator[ManagementFinding]:
    """Yield W6: fields without which no control is met by the document."""
    elsewhere = SAID_ELSEWHERE.get(document.kind, frozenset())
    missing = missing_for_met(document.kind, stated_fields(document), says)
    lacking = [(path, question) for path, question in missing if path[-1] not in elsewhere]
    if not lacking:
        return
    asked = "; ".join(f"{field_text(path)}: {question}" for path, question in lacking[:SHOWN])
    more = f"; and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    needing = controls_for_kind(document.kind) if document.kind in kinds() else ()
    control = next((name for name, need in needing if need == "required"), None)
    fact = f"{document.called} does not state: {asked}{more}"
    fix = f"answer each of these questions, and publish it again: aims document lint {document.id}"
    yield ManagementFinding("W6", document.id, fact, fix, document.system, (document.id,), control)


def _kept(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield W9: documents of which nobody stated until when they are kept, and those kept beyond that day."""
    unstated = [d.id for d in state.documents if d.retention_until is None]
    if unstated:
        more = f" and {len(unstated) - SHOWN} more" if len(unstated) > SHOWN else ""
        fact = f"{len(unstated)} of {len(state.documents)} documents do not state until which day they are kept: "
        fact += f"{', '.join(unstated[:SHOWN])}{more}"
        fix = f"state it in retention_until, and publish each again: aims document publish {unstated[0]}"
        yield ManagementFinding("W9", "retention", fact, fix, None, tuple(unstated))
    for document in state.documents:
        if document.retention_until and document.retention_until < today:
            fact = f"{document.called} is in force, and was to be kept until {document.retention_until} only"
            fix = f"aims document withdraw {document.id}; or state a later day in retention_until, and publish it again"
            yield ManagementFinding("W9", document.id, fact, fix, document.system, (document.id,))
