"""Conditions about responsible use: process, oversight by people, objectives, intended use (A.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.control_conditions.by_document import by_document, each_entry, entries, of_form, states
from aims_mlflow.gates.control_conditions.operation import within_a_year
from aims_mlflow.gates.document_content.objectives import unmeasurable, without_objective
from aims_mlflow.gates.document_content.oversight import promises, stopped, wrong_period
from aims_mlflow.gates.document_content.stated_results import falls_short
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import number
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.operation import UseConformanceDetails
from aims_mlflow.records.documents.information import OversightDocument, UseObjectivesDocument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem


def each_priority(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """What matters most for the system, by its entry, has an objective of development or of use."""
    lacking = without_objective(str(document.system), subject.known_documents(document))
    text = f"{', '.join(lacking)} has high priority for {document.system}, and no objective"
    return ("missing", text) if lacking else None


def _met_target(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if not within_a_year(entry.get("reviewed"), at):
        return "stale", f"objective {entry.get('objective')!r} was not reviewed within a year"
    target, result = str(entry.get("target")), str(entry.get("result"))
    if falls_short(target, result):
        return "failed", f"objective {entry.get('objective')!r} has the target {target!r} and the result {result!r}"
    return None


def _goes_on(document: OversightDocument, known: DocumentSet, day: str) -> Problem:
    last = stopped(document, known, day)
    return ("stale", f"the last period of oversight ended on {last}, over a year ago") if last else None


def _as_promised(document: OversightDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """The reviews that measures, conditions and use processes promise were made."""
    promised = promises(str(document.system), known)
    wrong = next((w for period in document.periods if (w := wrong_period(period, promised))), None)
    return ("failed", wrong) if wrong else None


def _reviewed(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    decisions, seen = number(entry.get("decisions")), number(entry.get("reviewed"))
    if decisions is None or seen is None:
        return "missing", "a period of oversight has no numbers of decisions and reviews"
    promised = number(entry.get("promised"))
    if promised is not None and seen < promised:
        return "failed", f"{seen} of {promised} promised reviews were made"
    return None


def traffic(subject: StatusSubject, at: datetime) -> Judgement:
    """Use was compared with the documented use, and no deviation is open."""
    records = subject.of("use-conformance")
    verdict = judge_records("use-conformance", records, at)
    told = [read_details(r.evidence, UseConformanceDetails).deviations for r in records]
    deviations = [d for each in told for d in each or () if not says(d.get("resolved"))]
    if verdict.outcome in ("holds", "warned") and None in told:
        text = "a record of the use does not say which uses were outside the documented one"
        return Judgement("not evaluated", text).about(*records)
    if verdict.outcome in ("holds", "warned") and deviations:
        return Judgement("failed", f"{len(deviations)} deviations from the intended use are open").about(*records)
    return verdict


CHECKS: dict[str, ConditionCheck] = {
    "A.9.2/approved": by_document("use-process", states("process", "oversight")),
    "A.9.2/oversight": by_document(
        "oversight-record",
        entries("periods", "by"),
        each_entry("periods", _reviewed),
        of_form(OversightDocument, _as_promised),
        of_form(OversightDocument, _goes_on),
    ),
    "A.9.3/measurable": by_document(
        "use-objectives",
        entries("objectives", "objective", "metric", "target"),
        of_form(UseObjectivesDocument, unmeasurable),
        each_priority,
    ),
    "A.9.3/reviewed": by_document(
        "use-objectives", entries("objectives", "result"), each_entry("objectives", _met_target)
    ),
    "A.9.4/documented": by_document("intended-use", states("use", "not_for", "users")),
    "A.9.4/traffic": traffic,
}
