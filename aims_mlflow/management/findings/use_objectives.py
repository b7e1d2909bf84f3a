"""Finding O4: objectives of use that were missed and not acted on, or that nobody looked at for a year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.stated_results import falls_short
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import CorrectiveActionDocument, NonconformityDocument
from aims_mlflow.records.documents.information import UseObjectivesDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

YEAR = timedelta(days=365)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about objectives of use."""
    acted = " ".join(f"{a.cause or ''} {a.action}" for d in state.of(CorrectiveActionDocument) for a in d.actions)
    acted += " ".join(f" {n.fact} {n.cause or ''}" for d in state.of(NonconformityDocument) for n in d.nonconformities)
    acted_on = content_words(acted)
    for document in state.of(UseObjectivesDocument):
        entry = state.systems.get(str(document.system))
        for objective in document.objectives if entry is None or entry.stage != "retirement" else ():
            target, result, seen = objective.target or "", objective.result or "", objective.reviewed
            words = content_words(f"{objective.objective} {objective.metric or ''}")
            wrong = []
            if falls_short(target, result) and not words & acted_on:
                wrong.append(f"has the target {target!r} and the result {result!r}, and nothing was done about it")
            if seen and date.fromisoformat(seen) + YEAR < now.date():
                wrong.append(f"was last looked at on {seen}, over a year ago")
            if wrong:
                fact = f"the objective {objective.objective!r} of {document.id} {', and '.join(wrong)}"
                fix = (
                    "look at it again, and state result and reviewed; say at most, if less is better; act on what was "
                )
                fix += "missed: aims document new corrective-action"
                about = f"{document.id}/{objective.objective}"
                yield ManagementFinding("O4", about, fact, fix, document.system, (document.id,))
