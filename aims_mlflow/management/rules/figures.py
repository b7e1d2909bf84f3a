"""G3: every figure and every "tested" rests on evidence, and is the value that the evidence has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.field_address import field_text
from aims_mlflow.gates.citations import claim_of
from aims_mlflow.management.cited_records import RECORD, ids_in, named_records
from aims_mlflow.management.passages import (
    GROUP,
    citation_lines,
    paragraphs,
    passages,
    shown_before,
    shown_value,
    statements,
    values,
)
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.management.shown_numbers import matches
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.passages import CitationLine, Passage
    from aims_mlflow.management.rules.base import Check, LintContext
    from aims_mlflow.records.evidence import Claim

FIGURE = re.compile(
    r"(?<![\w./-])\d[\d,]*(\.\d+)?\s?(%|per ?cent\b)|(?<![\w./-])(\d+\.\d+|0,\d+)(?!\w|\.\w)|"
    r"\b\d[\d,]* (of|out of) \d[\d,]*\b",
    re.IGNORECASE,
)
RESULT_WORD = re.compile(r"\b(tested|evaluated|mitigated|measured|validated|verified|proven)\b", re.IGNORECASE)
# Words by which a sentence says that a result is not as it should be, and what takes them back.
ADMITS = re.compile(
    r"\b(fail|beyond|below|above|miss(es|ed)?\b|exceed|worse|lower|higher|less|more|not\b|harm(?!less)|unequal|limit|only)"
    r"\w*",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(no|not|never|nothing|none|without)\b(\s+\w+){0,2}?\s+(fail|miss|exceed|worse|harm|unequal|beyond|below)\w*|"
    r"(?<!not )\b(within|inside|keeps?|kept|meets?|met|holds?|held|reache[sd]|satisfie[sd]|respects)\s+"
    r"(\w+\s+){0,3}limits?\b",
    re.IGNORECASE,
)
TOLD_FIELDS = ("says", "limits")  # where users and customers read what the system does and does not
# Kinds whose entries list the records that they rest on.
ASSESSMENTS = ("impact-assessment", "impact-people")
# Documents that say how things are; a plan or a process states limits and intervals of its own.
ABOUT_RESULTS = (
    "impact-assessment", "impact-people", "impact-society", "validation-report", "technical-documentation",
    "user-information", "customer-information", "risk-register", "reassessment", "review-inputs",
)  # fmt: skip


def _unsupported(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    if document.written.kind not in ABOUT_RESULTS:
        return
    for passage in paragraphs(document):
        for sentence in passage.sentences():
            found = FIGURE.search(sentence) or RESULT_WORD.search(sentence)
            if found and "[^" not in sentence:
                yield _unfounded(found[0], passage.line, sentence)
    yield from _told_figures(document, around)
    for passage in statements(document):
        found = RESULT_WORD.search(passage.text)
        if found and passage.at[0] in ("impacts", "risks", "measures") and not _entry_cites(document, passage):
            yield _unfounded(found[0], passage.line, passage.text)


def _unfounded(what: str, line: int, text: str) -> Spot:
    return Spot(line, f"{what.strip()!r} rests on no evidence: “{text[:90]}”")


def _told_figures(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each figure that users are told of a trained system, and that no record and no cited sentence has."""
    entry = around.systems.get(str(document.written.system))
    cited = " ".join(p.text for p in paragraphs(document) if p.marks)
    for passage in values(document) if entry is not None and entry.models else ():
        found = FIGURE.search(passage.text) if passage.at[0] in TOLD_FIELDS else None
        if found and found[0] not in cited and "[^" not in passage.text and not RECORD.search(passage.text):
            yield _unfounded(found[0], passage.line, passage.text)


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
    if document.written.kind in ASSESSMENTS and around.evidence.sources:
        yield from _listed_records(document, around)
    if isinstance(document.written, RiskRegisterDocument):
        yield from _bases_of_risks(document, document.written, around)


def _listed_records(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each id of a record that an impact names, and that leads to none, or to one of other bytes."""
    cited = {r.id for line in citation_lines(document) for r in around.evidence.find(line.evidence or "")}
    for value in values(document):
        if value.text.strip() in cited:
            continue  # its citation is checked
        if value.at[0] != "impacts" or not RECORD.fullmatch(value.text.strip()):
            continue
        found = around.evidence.find(value.text.strip())
        name = f"{field_text(value.at)}: {value.text.strip()}"
        if len(found) != 1:
            yield Spot(value.line, f"{name} leads to no record that was read")
        for why in _against(found[0], document, around) if len(found) == 1 else ():
            yield Spot(value.line, f"{name} {why}")


def _bases_of_risks(document: FolderDocument, register: RiskRegisterDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each record that a risk rests on and that is not there, for systems of which evidence was read."""
    for index, risk in enumerate(register.risks):
        read = around.evidence.of_system(risk.system or register.system)
        for named in (n for n in named_records(risk) if read and not around.evidence.find(n)):
            if all(named not in (d.id, *ids_in(d.fields)) for d in around.folder.documents):
                text = f"risk {risk.id} rests on {named}, which leads to no record that was read"
                yield Spot(document.line("risks", index), text)


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
    yield from _other_groups(document, line)


def _other_groups(document: FolderDocument, line: CitationLine) -> Iterator[Spot]:
    """Yield each sentence that names groups of a cited column, and not the one whose value it cites."""
    for passage in passages(document):
        for sentence in (s for s in passage.sentences() if f"[^{line.name}]" in s):
            named = [(g.partition("=")[0], g.partition("=")[2].strip("\"'.:")) for g in GROUP.findall(sentence)]
            for column, value in line.slice:
                others = [other for at, other in named if at == column]
                if others and not any(value.startswith(other) for other in others):
                    text = f"[^{line.name}] is of {column}={value}, the sentence is about {column}={others[0]}"
                    yield Spot(passage.line, text)


def other_values(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each figure that is not the value of the claim that it cites, at the digits that are shown."""
    for line in citation_lines(document):
        found = around.evidence.find(line.evidence or "")
        if len(found) != 1:
            continue
        claim = claim_of(found[0], line.metric, dict(line.slice)) if line.metric else None
        for passage in passages(document):
            shown = shown_value(passage, line.name)
            if line.metric is None:
                yield from _of_no_claim(passage, line, shown, found[0])
            elif claim is not None and shown is not None:
                if not _is_shown(shown, claim, passage, line):
                    yield Spot(passage.line, f"[^{line.name}] {shown} is shown, the evidence says {claim.value}")
            elif claim is not None:
                yield from _further_off(passage, line, claim)


def _is_shown(shown: str, claim: Claim, passage: Passage, line: CitationLine) -> bool:
    """Return whether a figure is the value, or a limit or bound that stands behind the value in its sentence."""
    if claim.value is None or matches(shown, claim.value):
        return claim.value is not None
    bound = any(matches(shown, v) for v in _numbers(claim))
    return bound and any(matches(f, claim.value) for f in shown_before(passage, line.name))


def _of_no_claim(passage: Passage, line: CitationLine, shown: str | None, record: SealedRecord) -> Iterator[Spot]:
    """Yield a figure that cites a record without a metric, and is no number of any of its claims."""
    known = [v for c in record.evidence.claims for v in _numbers(c)]
    if shown is not None and known and re.search(r"[.,%]", shown) and not any(matches(shown, v) for v in known):
        text = (
            f"[^{line.name}] {shown} is shown, and the {record.evidence.kind} record has no such value: name the metric"
        )
        yield Spot(passage.line, text)


def _further_off(passage: Passage, line: CitationLine, claim: Claim) -> Iterator[Spot]:
    """Yield the first figure of a sentence before the mark at its end, where none of its figures is the value."""
    others = [v for v in _numbers(claim) if v != claim.value]
    figures = [f for f in shown_before(passage, line.name) if not any(matches(f, v) for v in others)]
    figures = [f for f in figures if f != "95%" or claim.interval is None]
    if figures and claim.value is not None and not any(matches(f, claim.value) for f in figures):
        yield Spot(passage.line, f"[^{line.name}] {figures[0]} is shown, the evidence says {claim.value}")


def _numbers(claim: Claim) -> list[str]:
    bounds = (claim.interval.low, claim.interval.high) if claim.interval else ()
    return [str(v) for v in (claim.value, claim.limit, claim.n, *bounds) if v is not None]


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
    """Yield each citation of a record that failed, or that has a value but could not be evaluated as a whole.

    One of a claim beyond its limit, in a record that has not failed, needs a sentence that says so.
    """
    for line in citation_lines(document):
        for record in around.evidence.find(line.evidence or ""):
            if record.evidence.result == "failed":
                yield Spot(line.line, f"[^{line.name}] the record failed: say so where it is cited")
            elif record.evidence.result == "not_evaluated":
                text = f"[^{line.name}] the record is not evaluated as a whole: say so where it is cited"
                yield from [Spot(line.line, text)] if line.metric is not None else []
            elif _missed(record, line) and not _admitted(document, line):
                yield Spot(line.line, f"[^{line.name}] is beyond its limit: say so where it is cited")


def unadmitted(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each citation of what failed, or could not be evaluated, whose sentence says nothing of that."""
    for line in citation_lines(document):
        for record in around.evidence.find(line.evidence or ""):
            result = record.evidence.result
            if (result in ("failed", "not_evaluated") or _missed(record, line)) and not _admitted(document, line):
                what = "beyond its limit" if _missed(record, line) else result.replace("_", " ")
                yield Spot(line.line, f"[^{line.name}] is {what}, and the sentence that cites it does not say so")
                break


def _missed(record: SealedRecord, line: CitationLine) -> bool:
    """Return whether a cited claim is beyond its limit."""
    claim = claim_of(record, line.metric, dict(line.slice)) if line.metric else None
    return claim is not None and claim.passed is False


def _admitted(document: FolderDocument, line: CitationLine) -> bool:
    said = [s for p in paragraphs(document) for s in p.sentences() if f"[^{line.name}]" in s]
    return any(ADMITS.search(DENIES.sub("", sentence)) for sentence in said)


CHECKS: dict[str, Check] = {
    "G3": _unsupported,
    "G3A": _every_citation,
    "G3B": _failed,
}
