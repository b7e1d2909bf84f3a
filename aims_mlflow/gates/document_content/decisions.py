"""What an assessment or a validation decides against the use of a system, or leaves open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.documents.lifecycle import ValidationDocument

# How a conclusion begins that lets nobody use the model.
UNFIT = re.compile(r"\W*(it is\s+|the model is\s+)?(not\s+(yet\s+)?(fit|suitable)|unfit|unsuitable)\b", re.IGNORECASE)


def why_not_go(decision: object, conditions: object) -> Problem:
    """Return why an assessment does not let its system be used; None where it does."""
    if decision == "no go":
        return "failed", "it decides that the system may not be used: no go"
    if decision == "go with conditions" and not says(conditions):
        return "missing", "it decides go with conditions, and states none"
    if decision in ("go", "go with conditions"):
        return None
    return "missing", f"its decision is {decision!r}: go, go with conditions, or no go"


def why_not_fit(report: ValidationDocument, validators: Iterable[str], documents: DocumentSet) -> Problem:
    """Return why a validation does not find its model fit for use; None where it does.

    `validators` are the people whose duty it is to validate the system; without any, whoever wrote the report may.
    """
    against = _verdict_against(report)
    if against is not None:
        return against
    other = [r.claim for r in report.repeated if not r.equal]
    if other and not says(report.deviations):
        return "failed", f"{other[0]} had another value when it was measured again, and `deviations` explains nothing"
    named = list(validators)
    if named and not documents.is_one_of(report.author, named):
        return "missing", f"{report.author} wrote it, and to validate is the duty of {', '.join(dict.fromkeys(named))}"
    return None


def _verdict_against(report: ValidationDocument) -> Problem:
    """Return what verdict, conclusion and conditions of a validation say against the use; None where nothing."""
    if report.verdict == "unfit":
        return "failed", "its verdict is that the model is unfit for its use"
    if UNFIT.match(report.conclusion or ""):
        return "failed", f"its verdict is {report.verdict or 'not stated'}, and its conclusion {report.conclusion!r}"
    if report.verdict is None:
        return "missing", "its verdict is not stated: fit, fit with conditions, or unfit"
    if report.verdict == "fit with conditions" and not says(report.conditions):
        return "missing", "its verdict is fit with conditions, and it states none"
    return None
