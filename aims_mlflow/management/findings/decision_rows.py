"""Findings P9: what rows of the statement of applicability lack, and decisions that are overdue or rest on nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.gates.document_content.residual_risks import wrong_residual_risks
from aims_mlflow.gates.document_content.risks import registered_risks
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import ApplicabilityDocument, ControlStatement

# Kinds of one word that mean nothing else where a statement names what implements a control.
ONE_WORD = ("requirements", "communication", "disclosure")
KIND = re.compile(rf"\b(?:[a-z]+(?:-[a-z]+)+|{'|'.join(ONE_WORD)})\b")
NOT_IN_PLACE = re.compile(r"\bnot (yet )?(in place|implemented|started)\b|\bplanned (for|from|by)\b", re.IGNORECASE)
# Words that say that a control is implemented, and not by what.
IN_WORDS = re.compile(
    r"\W*((it|this|is|are|has|been|already|we|have)\W+)*(fully|partly|partially|completely|yes|done|implemented|complete|"
    r"completed|in place|active|met)(\W+(implemented|in place|done|met))?\W*",
    re.IGNORECASE,
)
# Kinds of evidence that the gate seals, and no run has.
LEAVES = frozenset({"gate-decision", "gate-policy", "document-approval", "document-review", "document-withdrawal"})
SHOWN = 6


def row_findings(statement: ApplicabilityDocument, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield P9 for each field that rows lack, for what is left of risks, and for rows that are overdue or rest on none.

    A control that applies and is not in place yet has a reason that says so in place of how it is implemented.
    """
    questions = {"owner": "who answers for it", "review": "when it is reviewed", "implemented": "how it is implemented"}
    for field, asked in questions.items():
        bare = [row.control for row in statement.controls if not _states(row, field)]
        if bare:
            more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
            fact = f"of {len(bare)} controls {statement.id} does not state {asked}: {', '.join(bare[:SHOWN])}{more}"
            fix = f"state `{field}` of each, and publish it again: aims document publish {statement.id}"
            fix += "; what is not in place yet says so in its reason" if field == "implemented" else ""
            yield ManagementFinding("P9", f"{statement.id}/{field}", fact, fix, None, (statement.id,))
    yield from _residual(statement, state)
    there = {d.kind for d in state.documents}
    for row in statement.controls:
        every = KIND.findall(row.implemented or "")
        named = [k for k in every if k in KINDS and k not in there] + _no_record(every, state)
        wrong = None
        if row.review and row.review < today:
            wrong = f"was to be reviewed by {row.review}"
        elif row.applies and named:
            what = "document" if named[0] in KINDS else "record of a version in use"
            wrong = f"is said to be implemented by {named[0]}, and there is no such {what}"
        if wrong:
            fix = f"correct {row.control}, and publish it again: aims document publish {statement.id}"
            yield ManagementFinding("P9", row.control, f"{row.control} {wrong}", fix, None, (statement.id,))


def _no_record(named: list[str], state: ManagementState) -> list[str]:
    """Return the kinds of evidence among some words of which no version in use has a record."""
    if state.deployed is None:
        return []
    there = {r.evidence.kind for r in state.records_in_use} | LEAVES | set(KINDS)
    return [name for name in named if name in kinds() and name not in there]


def _states(row: ControlStatement, field: str) -> bool:
    if field == "implemented":
        named = says(row.implemented) and not IN_WORDS.fullmatch(str(row.implemented))
        return not row.applies or named or bool(NOT_IN_PLACE.search(row.reason or ""))
    return getattr(row, field) is not None and (field == "review" or says(row.owner))


def _residual(statement: ApplicabilityDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    left = [r for r in registered_risks(state) if r.risk.residual is not None]
    if left and not says(statement.residual_risks):
        fact = f"{statement.id} does not state what risk is left and who accepted it, and of {len(left)} risks "
        fact += f"something is left: {', '.join(r.risk.id for r in left[:SHOWN])}"
        fix = f"state it in residual_risks, and let top management approve it: aims document publish {statement.id}"
        ids = (statement.id, *dict.fromkeys(r.register for r in left))
        yield ManagementFinding("P9", f"{statement.id}/residual_risks", fact, fix, None, ids)
    elif wrong := wrong_residual_risks(statement, state):
        fact = f"residual_risks of {statement.id} {'; '.join(wrong[:SHOWN])}"
        fix = f"state in residual_risks what the registers have: aims document publish {statement.id}"
        yield ManagementFinding("P9", f"{statement.id}/residual_risks", fact, fix, None, (statement.id,))
