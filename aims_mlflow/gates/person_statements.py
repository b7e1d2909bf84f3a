"""What people state: whether a text says anything, and whether a document by a person may count.

A document counts when it is published, when another person than its authors approved exactly this publication in a role
that the keyring gives, and while its dates hold. What its author writes about its approval counts for nothing, and
neither does a file that was attached by hand: it can be the source of a published document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.placeholders import is_placeholder
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.details import details_model, read_details
from aims_mlflow.records.details.attachments import AttachmentDetails, Citation
from aims_mlflow.records.documents import as_form, not_of_one_system
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.documents.base import WrittenDocument

CLOCK_SKEW = timedelta(minutes=10)
LONGEST_REVIEW = timedelta(days=3 * 366)
BY_HAND = "it is stated by hand: `aims document new` makes a document of it, which can be published and approved"


MANAGEMENT = "top-management"
# What binds the whole organisation is approved by its management.
OF_MANAGEMENT = frozenset({"ai-policy", "leadership", "risk-method", "soa"})


def approving_role(kind: str) -> str:
    """Return the role of the keyring whose approval a kind of document needs."""
    return MANAGEMENT if kind in OF_MANAGEMENT else "approver"


def says(value: object) -> bool:
    """Return whether a statement says something: a number or words, and no placeholder such as "TODO" or "n/a"."""
    if isinstance(value, bool) or value is None:
        return value is True
    if isinstance(value, int):
        return True
    if isinstance(value, str):
        text = value.strip()
        enough = sum(c.isalnum() for c in text) >= 2 or any(c.isdigit() for c in text)
        return enough and not is_placeholder(text)
    if isinstance(value, Mapping):
        return any(says(v) for v in value.values())
    return isinstance(value, list | tuple) and bool(value) and all(says(v) for v in value)


@dataclass(frozen=True)
class DocumentApproval:
    """An approval whose signature was verified: of one publication, by an owner in roles of the keyring.

    `publication` is the sha256 of the record that published the document. What the document is about stands there and
    not in its file: an approval of the file alone would cover whatever another person states about the same file.
    """

    sha256: str
    owner: str
    roles: tuple[str, ...]
    time: str
    publication: str | None = None

    def is_of(self, document: PublishedDocument) -> bool:
        """Return whether it approves this content, as this publication describes it."""
        return (self.sha256, self.publication) == (document.sha256, document.record)


@dataclass(frozen=True)
class PublishedDocument:
    """What a person wrote: a published document, or a file that somebody attached to a run.

    Attributes:
        sha256: Digest of the content that approvals are bound to; None where there is no file.
        author: Owner of the key that signed it.
        writers: Further people who wrote it or answer for it as its author; none of them may approve it.
        effective_from: First day on which it applies.
        owner: The person who answers for it, as stated; None where that is not known.
        citations: The figures that it rests on, as they were when it was published.
        reviewed: What a signed review cleared: a citation's name, and the evidence that spoke against it.
        record: sha256 of the record that published it; None for a file that somebody attached.
        fields: What it states, in the field names of its kind.
        system: The system that it is about; None for the whole organisation.
        model_digests: The models that it is about; empty where it is about no single one.
        problems: Why its content cannot count, such as an empty file.
    """

    kind: str
    id: str
    sha256: str | None
    author: str
    time: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None
    model_digests: tuple[str, ...] = ()
    review_by: str | None = None
    valid_until: str | None = None
    problems: tuple[str, ...] = ()
    supersedes: str | None = None
    writers: tuple[str, ...] = ()
    effective_from: str | None = None
    citations: tuple[Citation, ...] = ()
    reviewed: frozenset[tuple[str, str]] = frozenset()
    record: str | None = None
    owner: str | None = None

    @cached_property
    def written(self) -> WrittenDocument | None:
        """What it states, in the form of its kind, since it was published by default; None where it does not fit."""
        author = (*self.writers, self.author)[0]
        return as_form(
            self.kind, self.fields, id=self.id, title=self.id, owner=self.owner or author, author=author,
            system=self.system, model_digests=self.model_digests, review_by=self.review_by,
            effective_from=self.effective_from or self.time[:10],
            valid_until=self.valid_until and self.valid_until[:10],
        )  # fmt: skip

    @property
    def authors(self) -> tuple[str, ...]:
        """Everyone who wrote it: none of them may approve it."""
        return (self.author, *self.writers)

    @property
    def name(self) -> str:
        """The document as a sentence names it."""
        return self.kind if self.id == self.kind else f"{self.kind} {self.id}"


def attached(record: SealedRecord, author: str) -> PublishedDocument:
    """Return the file that a record attaches, as a document."""
    body, details = record.evidence, read_details(record.evidence, details_model(record.evidence.kind))
    first = body.artifacts[0] if body.artifacts else None
    problems = [f"{a.path.rpartition('/')[2]} is empty" for a in body.artifacts if a.size == 0]
    if first is None:
        problems.append("there is no file, only a record")
    if body.result in ("not_evaluated", "failed"):
        problems.append(body.reason or f"its record says {body.result.replace('_', ' ')}")
    named = details.approver if isinstance(details, AttachmentDetails) else None
    problems.append(f"{BY_HAND}; {named!r} is only named, by {author}" if says(named) else BY_HAND)
    return PublishedDocument(
        body.kind,
        body.id,
        first.sha256 if first else None,
        author,
        body.time,
        body.details,
        body.system,
        tuple(d for s in record.subjects for name, d in s.digest.items() if name == "dirHash1"),
        details.review_date if isinstance(details, AttachmentDetails) else None,
        body.valid_until,
        tuple(dict.fromkeys(problems)),
        body.supersedes.id if body.supersedes else None,
    )


@dataclass(frozen=True)
class DocumentQuestion:
    """What a document must be about, and whose approval it needs; `judged` is false where no policy is here."""

    system: str | None
    model_digest: str | None
    approvals: Sequence[DocumentApproval]
    judged: bool
    role: str = "approver"


def judge(document: PublishedDocument, asked: DocumentQuestion, at: datetime) -> Judgement:
    """Return whether a document may count, whatever it says: the first reason against it, or its approval."""
    name = document.name
    wrong = _content(document, asked) or _dated_ahead(document, at)
    if wrong:
        return _about(document, Judgement("missing", f"{name}: {wrong}", basis="person"))
    ahead = _begins_later(document, at)
    if ahead:
        return _about(document, Judgement("missing", f"{name}: {ahead}", basis="person"))
    outdated = _outdated(document, asked, at)
    if outdated:
        return _about(document, Judgement("stale", f"{name}: {outdated}", basis="person"))
    approval, why = _approval(document, asked, at)
    if approval is None and not asked.judged:
        text = f"{name} by {document.author} is here; no policy is here to judge {why}"
        return _about(document, Judgement("captured", text, basis="person"))
    if approval is None:
        return _about(document, Judgement("missing", f"{name}: {why}", basis="person"))
    ends = min((d for d in (day_end(document.review_by), document.valid_until) if d), default=None)
    text = f"{name} by {document.author}, approved by {approval.owner} on {approval.time[:10]}"
    what = f"review of {document.kind}"
    return _about(document, Judgement("holds", text, since=approval.time, until=ends, ends=what, basis="person"))


def _about(document: PublishedDocument, verdict: Judgement) -> Judgement:
    return Judgement(
        verdict.outcome,
        verdict.sentence,
        (document.id,),
        verdict.since or document.time,
        verdict.until,
        verdict.ends,
        "person",
    )


def _content(document: PublishedDocument, asked: DocumentQuestion) -> str | None:
    if document.problems:
        return "; ".join(document.problems)
    if document.sha256 is None:
        return "there is no content that an approval could be bound to"
    wrong = not_of_one_system(document.kind, document.system)
    if wrong:
        return wrong
    if asked.system is not None and document.system not in (None, asked.system):
        return f"it is about {document.system}, not {asked.system}"
    return None


def _dated_ahead(document: PublishedDocument, at: datetime) -> str | None:
    ahead = parse_time(document.time) > at + CLOCK_SKEW
    return f"it is dated in the future ({document.time[:10]})" if ahead else None


def _begins_later(document: PublishedDocument, at: datetime) -> str | None:
    first = document.effective_from
    return f"it applies from {first} on" if first and first > at.strftime("%Y-%m-%d") else None


def _outdated(document: PublishedDocument, asked: DocumentQuestion, at: datetime) -> str | None:
    if document.model_digests and asked.model_digest and asked.model_digest not in document.model_digests:
        return f"it describes model {document.model_digests[0][:12]}, not {asked.model_digest[:12]}"
    if document.valid_until and parse_time(document.valid_until) < at:
        return f"it was valid until {document.valid_until[:10]}"
    review = day_end(document.review_by)
    if review is not None and parse_time(review) < at:
        return f"its review was due on {document.review_by}"
    return None


def counting_approvals(
    document: PublishedDocument, approvals: Iterable[DocumentApproval], at: datetime, role: str = "approver"
) -> list[DocumentApproval]:
    """Return the approvals of exactly this publication in a role, by other people than its author, not dated ahead."""
    return [
        a
        for a in approvals
        if a.is_of(document) and not is_among(a.owner, document.authors)
        if role in a.roles and parse_time(a.time) <= at + CLOCK_SKEW
    ]


def _approval(
    document: PublishedDocument, asked: DocumentQuestion, at: datetime
) -> tuple[DocumentApproval | None, str]:
    """Return the first approval that counts, else None and what is missing."""
    review = day_end(document.review_by)
    if review is None:
        return None, "its review date: none is stated as YYYY-MM-DD"
    if parse_time(review) > at + LONGEST_REVIEW:
        return None, f"its review date: {document.review_by} is more than three years away"
    able = counting_approvals(document, asked.approvals, at, asked.role)
    if able:
        return min(able, key=lambda a: a.time), ""
    mine = [a for a in asked.approvals if a.is_of(document)]
    others = [a for a in mine if not is_among(a.owner, document.authors)]
    if others:
        return None, f"approval by a key with the role {asked.role!r}: {others[0].owner}'s does not count"
    if mine:
        who, signer = mine[0].owner, document.author
        wrote = "published it" if is_among(who, (signer,)) else f"is an author of it; {signer} published it"
        return None, f"approval by another person: {who} approved it, and {wrote}"
    named = document.fields.get("approver")
    typed = f": {named!r} is only named, by {document.author}" if says(named) else ""
    return None, f"approval by another person than its author{typed}"


def day_end(day: str | None) -> str | None:
    """Return the end of a day that was typed as YYYY-MM-DD; None for anything else."""
    try:
        first = datetime.strptime(str(day), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return utc_text(first + timedelta(days=1) - timedelta(microseconds=1))
