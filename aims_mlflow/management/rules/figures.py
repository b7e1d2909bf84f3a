"""G3: every figure and every "tested" rests on evidence, and is the value that the evidence has."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from aims_mlflow.gates.citations import claim_of
from aims_mlflow.management.passages import citation_lines, paragraphs, passages, shown_value, statements
from aims_mlflow.management.rules.base import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.passages import CitationLine, Passage
    from aims_mlflow.management.rules.base import Check, LintContext

FIGURE = re.compile(r"(?<![\w./-])\d[\d,]*(\.\d+)?\s?%|(?<![\w./-])\d+\.\d+(?![\w.])|\b\d[\d,]* (of|out of) \d[\d,]*\b")
RESULT_WORD = re.compile(r"\b(tested|evaluated|mitigated|measured|validated|verified|proven)\b", re.IGNORECASE)
# Documents that say how things are; a plan or a process states limits and intervals of its own.
ABOUT_RESULTS = (
    "impact-assessment", "impact-people", "impact-society", "validation-report", "technical-documentation",
    "user-information", "customer-information", "risk-register", "reassessment", "review-inputs",
)  # fmt: skip


def matches(shown: str, value: str) -> bool:
    """Return whether a number as it is shown is a value, to half a unit of its last digit; percent is a hundredth."""
    percent = shown.endswith("%")
    try:
        number, exact = Decimal(shown.rstrip("%")), Decimal(value)
    except InvalidOperation:
        return False
    digits = -int(number.as_tuple().exponent)
    unit = Decimal(1).scaleb(-digits)
    if percent:
        number, unit = number / 100, unit / 100
    return abs(number - exact) <= unit / 2


def _unsupported(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    if document.written.kind not in ABOUT_RESULTS:
        return
    for passage in paragraphs(document):
        for sentence in passage.sentences():
            found = FIGURE.search(sentence) or RESULT_WORD.search(sentence)
            if found and "[^" not in sentence:
                yield Spot(passage.line, f"{found[0].strip()!r} rests on no evidence: “{sentence[:90]}”")
    for passage in statements(document):
        found = RESULT_WORD.search(passage.text)
        if found and passage.at[0] in ("impacts", "risks", "measures") and not _entry_cites(document, passage):
            yield Spot(passage.line, f"{found[0]!r} rests on no evidence: “{passage.text[:90]}”")


def _entry_cites(document: FolderDocument, passage: Passage) -> bool:
    """Return whether the entry that a value belongs to names evidence."""
    listed = document.fields.get(str(passage.at[0]))
    entry = listed[int(passage.at[1])] if isinstance(listed, list) and len(passage.at) > 1 else {}
    keys = ("evidence", "effectiveness_evidence", "closed_by", "cause_evidence")
    return "[^" in passage.text or any(entry.get(k) for k in keys)


def unresolved(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each mark that leads to no record, to several, or to one that cannot bear it."""
    lines = {line.name: line for line in citation_lines(document)}
    for passage in passages(document):
        for mark in passage.marks:
            if mark not in lines:
                yield Spot(passage.line, f"[^{mark}] has no line below that says what it rests on")
    for line in lines.values():
        if line.evidence is None:
            yield Spot(line.line, f"[^{line.name}] names no evidence: write `evidence ID metric column=value`")
        elif around.evidence.sources:
            yield from _checked(document, line, around)


def _every_citation(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    yield from unresolved(document, around)
    yield from other_values(document, around)


def _checked(document: FolderDocument, line: CitationLine, around: LintContext) -> Iterator[Spot]:
    found = around.evidence.find(str(line.evidence))
    name = f"[^{line.name}]"
    if len(found) != 1:
        how = "leads to no record that was read" if not found else f"fits {len(found)} records: write more of the id"
        yield Spot(line.line, f"{name} {line.evidence} {how}")
        return
    record = found[0]
    yield from (Spot(line.line, f"{name} {why}") for why in _against(record, document, around))
    if line.metric is None:
        if record.evidence.result == "not_evaluated":
            why = record.evidence.reason or "no reason is recorded"
            yield Spot(line.line, f"{name} could not be evaluated: {why}")
        return
    if claim_of(record, line.metric, dict(line.slice)) is None:
        yield Spot(line.line, f"{name} the record has no {line.metric} for {dict(line.slice) or 'all rows'}")


def other_values(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each figure that is not the value of the claim that it cites, at the digits that are shown."""
    for line in citation_lines(document):
        found = around.evidence.find(line.evidence or "")
        claim = claim_of(found[0], line.metric, dict(line.slice)) if len(found) == 1 and line.metric else None
        for passage in passages(document) if claim is not None else ():
            shown = shown_value(passage, line.name)
            if claim is not None and shown is not None and (claim.value is None or not matches(shown, claim.value)):
                yield Spot(passage.line, f"[^{line.name}] {shown} is shown, the evidence says {claim.value}")


def _against(record: SealedRecord, document: FolderDocument, around: LintContext) -> Iterator[str]:
    written, body = document.written, record.evidence
    if record.id in around.evidence.superseded:
        yield "was superseded by a later record"
    if written.system and body.system and body.system != written.system:
        yield f"is about {body.system}, not {written.system}"
    about = {d for s in record.subjects for n, d in s.digest.items() if n == "dirHash1"}
    if written.model_digests and about and not about & set(written.model_digests):
        yield f"is about model {min(about)[:12]}, which the document does not name"


def _failed(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each citation of a record that failed, or that has a value but could not be evaluated as a whole."""
    for line in citation_lines(document):
        for record in around.evidence.find(line.evidence or ""):
            if record.evidence.result == "failed":
                yield Spot(line.line, f"[^{line.name}] the record failed: say so where it is cited")
            if record.evidence.result == "not_evaluated" and line.metric is not None:
                yield Spot(
                    line.line, f"[^{line.name}] the record is not evaluated as a whole: say so where it is cited"
                )


CHECKS: dict[str, Check] = {
    "G3": _unsupported,
    "G3A": _every_citation,
    "G3B": _failed,
}
