"""What lint alone finds: errors of lint about published documents, under the ids of its rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.management.findings.rules import LINT_RULES, ManagementFinding
from aims_mlflow.management.findings.wording_context import wording_context
from aims_mlflow.management.rules import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintRule, RaisedAs, Spot

# What a text identifies: days, ids and numbers, and quoted names.
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# A day that cannot be, as rule G8 puts it, and how findings put that one lies ahead.
DATED = re.compile(r"\d{4}-\d{2}-\d{2} is (before [a-z_]+ \d{4}-|in the future$)")
AHEAD = re.compile(r"\b(future|ahead|from \d{4}-\d{2}-\d{2} on|begins on)\b")
HEADER_DAYS = ("effective_from", "review_by", "valid_until", "retention_until")
NAMED = re.compile(r"[\w./@-]*\d[\w./@-]*|'[^']+'")


def lint_findings(
    state: ManagementState, now: datetime, others: list[ManagementFinding]
) -> Iterator[ManagementFinding]:
    """Yield each error of lint about a document in force that none of the other findings reports."""
    around = wording_context(state, now)
    of_document: dict[str, list[ManagementFinding]] = {}
    for other in others:
        for name in other.evidence:
            of_document.setdefault(name, []).append(other)
    for document in around.folder.documents:
        mine = of_document.get(document.id, [])
        for rule, raised in _rules_for(document.written.kind):
            beside = [f for f in mine if f.rule in raised.beside or "*" in raised.beside]
            for spot in dict.fromkeys(CHECKS[rule.id](document, around)):
                if not _is_told(document, spot, beside):
                    yield _finding(rule, document, spot)


def _rules_for(kind: str) -> Iterator[tuple[LintRule, RaisedAs]]:
    for rule in LINT_RULES.values():
        if rule.finding is not None and kind not in rule.finding.told_kinds and (not rule.kinds or kind in rule.kinds):
            yield rule, rule.finding


def _is_told(document: FolderDocument, spot: Spot, beside: list[ManagementFinding]) -> bool:
    """Return whether a finding about the document reports the same place: its line, or what its text identifies."""
    named = set(NAMED.findall(spot.text))
    if DATED.search(spot.text):
        return any(_tells_days(other.fact, spot.text) for other in beside)
    for other in beside:
        entry = other.about.removeprefix(document.id).rpartition("/")[2].casefold()
        same_line = document.content and other.fact.startswith(f"{_place(document, spot)}:")
        if same_line or (entry and entry in spot.text.casefold()) or named & set(NAMED.findall(other.fact)):
            return True
    return False


def _tells_days(fact: str, dated: str) -> bool:
    """Return whether a fact reports what is wrong with a day: each day, and that it lies ahead where that is it.

    Days of a header, such as that of the review, are facts of their own rules: one of them is enough.
    """
    days, told = set(DAY.findall(dated)), set(DAY.findall(fact))
    if dated.startswith(HEADER_DAYS):
        return bool(days & told)
    return days <= told and (not dated.endswith("in the future") or AHEAD.search(fact) is not None)


def _place(document: FolderDocument, spot: Spot) -> str:
    line = f", line {spot.line}" if document.content else ""
    return f"{document.written.kind} {document.id}{line}"


def _finding(rule: LintRule, document: FolderDocument, spot: Spot) -> ManagementFinding:
    kind = document.written.kind
    needing = controls_for_kind(kind) if kind in kinds() else ()
    about = f"{document.id}/{digest_of(['spot', spot.text])[:16]}"
    fact = f"{_place(document, spot)}: {spot.text}"
    fix = f"{rule.fix}; then: aims document publish {document.id}"
    control = next((name for name, need in needing if need == "required"), None)
    return ManagementFinding(rule.id, about, fact, fix, document.written.system, (document.id,), control)
