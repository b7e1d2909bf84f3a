"""Findings S10 and W6 about the context: needs of parties that nothing meets, and whether climate change matters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import ContextDocument, PartiesDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

CONTROL = re.compile(r"\bA\.\d+(?:\.\d+)*\b")
STANDARD = re.compile(r"\b(?:ISO|IEC|EN|DIN)\b[\s/A-Z]*(\d{4,5})")
CLIMATE = re.compile(r"\bclimat|\bcarbon|\bemissions?\b|\bCO2\b", re.IGNORECASE)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about interested parties and about matters of the context."""
    applies = {c.control: c.applies for c in (state.statement.controls if state.statement else ())}
    for document in state.of(PartiesDocument):
        for party in document.parties:
            why = _why_not_met(party.how_met, applies)
            if party.binding == "duty" and not says(party.how_met):
                why = "nothing is named that meets it, and it is a duty"
            if why:
                fact = f"{party.who} need {str(party.need)[:60]!r} ({document.id}): {why}"
                fix = f"name in how_met what meets it: aims document publish {document.id}"
                yield ManagementFinding("S10", f"{document.id}/{party.who}", fact, fix, None, (document.id,))
    issues = [i for d in state.of(ContextDocument) for i in d.issues]
    # The amendment of 2024 to all standards of management systems asks whether climate change is a relevant issue.
    english = all(d.language == "en" for d in state.of(ContextDocument))
    if issues and english and not any(i.climate is not None or CLIMATE.search(f"{i.issue} {i.effect}") for i in issues):
        (context, *_) = state.of(ContextDocument)
        fact = f"no issue of {context.id} states whether climate change is relevant here (clause 4.1)"
        fix = f"state it as an issue with `climate`, and what it means: aims document publish {context.id}"
        yield ManagementFinding("W6", f"{context.id}/climate", fact, fix, None, (context.id,), "4.1")


def _why_not_met(how: tuple[str, ...], applies: dict[str, bool]) -> str | None:
    """Return why the controls that are to meet a need do not."""
    named = [c[0] for text in how for c in CONTROL.finditer(text) if not _of_another(text[: c.start()])]
    unknown = [c for c in named if c not in controls() and not any(known.startswith(f"{c}.") for known in controls())]
    excluded = [c for c in named if applies.get(c) is False]
    if unknown:
        return f"{unknown[0]} is to meet it, which is no control of Annex A"
    return f"{excluded[0]} is to meet it, which the statement excludes" if excluded else None


def _of_another(before: str) -> bool:
    """Return whether the standard that was named last before a control is another one, such as ISO 27001."""
    return STANDARD.findall(before)[-1:] not in ([], ["42001"])
