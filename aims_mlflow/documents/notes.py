"""Records of a document, and the footnotes that link every number to its record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.details import details_model, read_details
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.wording import (
    against_text,
    bound_text,
    number_text,
    range_text,
    rows_text,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.details import Details
    from aims_mlflow.records.details.base import EvidenceDetails
    from aims_mlflow.records.evidence import Claim

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|])")
UNSTATED = "Not stated"


def plain(text: Any) -> str:
    """Escape text from a record for Markdown: no markup, no line breaks."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def coded(text: Any) -> str:
    """Return text from a record as a code span, in which nothing is markup."""
    return "`" + " ".join(str(text).split()).replace("`", "'") + "`"


class Notes:
    """The records of a document by kind, and its footnotes."""

    def __init__(self, records: Sequence[SealedRecord]) -> None:
        self.records = records
        self._cited: dict[str, int] = {}

    def of(self, kind: str) -> list[SealedRecord]:
        """Return the records of one kind, oldest first."""
        return [r for r in self.records if r.evidence.kind == kind]

    def last(self, kind: str) -> SealedRecord | None:
        """Return the latest record of one kind."""
        found = self.of(kind)
        return found[-1] if found else None

    def cite(self, record: SealedRecord) -> str:
        """Return the footnote mark of a record."""
        return f"[^e{self._cited.setdefault(record.id, len(self._cited) + 1)}]"

    def number(self, record: SealedRecord, value: int | str | None) -> str:
        """Return a number with the footnote mark of its record."""
        return f"{number_text(None if value is None else str(value))}{self.cite(record)}"

    def value(self, record: SealedRecord, claim: Claim) -> str:
        """Return a claim's value with its interval and mark; of one without a value, why it has none."""
        around = range_text(claim)
        why = f" ({plain(claim.note)})" if claim.value is None and claim.note else ""
        return value_text(claim) + (f" ({around})" if around else why) + self.cite(record)

    def compared(self, record: SealedRecord, claim: Claim) -> str:
        """Return a claim's value, then the group that it is against, below or above, with the rows that decide."""
        against, value = against_text(claim), self.value(record, claim)
        if not against:
            return value
        rows = f", {plain(rows_text(claim))}{self.cite(record)}" if claim.n is not None else ""
        return f"{value}, {plain(against)}{rows}"

    def measured(self, record: SealedRecord, claim: Claim) -> str:
        """Return a claim's value as `compared`, then its verdict."""
        word = verdict_word(claim)
        return self.compared(record, claim) + (f", {word}" if word else "")

    def limit(self, record: SealedRecord, claim: Claim) -> str:
        """Return a claim's limit with its mark; empty if it has none."""
        return f"{bound_text(claim)}{self.cite(record)}" if claim.limit is not None else ""

    def rows(self, record: SealedRecord, claim: Claim) -> str:
        """Return the number of rows that a claim counts, with its mark; empty where none is recorded."""
        return self.number(record, claim.n) if claim.n is not None else ""

    def footnotes(self) -> list[str]:
        """Return the footnotes in order of their first use."""
        kinds = {r.id: r.evidence.kind for r in self.records}
        return [f"[^e{n}]: evidence `{record_id}`, {kinds[record_id]}" for record_id, n in self._cited.items()]


def own_details(record: SealedRecord) -> EvidenceDetails:
    """Return a record's details by the model of its kind, for what several kinds of records have."""
    return read_details(record.evidence, details_model(record.evidence.kind))


def details(record: SealedRecord | None, model: type[Details]) -> Details:
    """Return a record's details by the model of its kind; without a record, details that state nothing."""
    return read_details(record.evidence, model) if record is not None else model()


def stated(notes: Notes, key: str) -> str:
    """Return an entry of aims.yaml about the system, or a note that it is not stated; "TODO" states nothing."""
    start = notes.last("session-start")
    value = getattr(details(start, SessionStartDetails).system, key, None)
    if not value or start is None or (isinstance(value, str) and not says(value)):
        return f"{UNSTATED} in aims.yaml (`system.{key}`)."
    if isinstance(value, list):
        return "; ".join(plain(v) for v in value) + notes.cite(start)
    return plain(value) + notes.cite(start)


def claims_of(record: SealedRecord | None, **wanted: Any) -> list[Claim]:
    """Return the claims of a record with the given field values."""
    claims = record.evidence.claims if record is not None else ()
    return [c for c in claims if all(getattr(c, k) == v for k, v in wanted.items())]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table; no rows give an empty text."""
    if not rows:
        return []
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(r)} |" for r in rows), ""]
