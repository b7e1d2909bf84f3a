"""Conditions about the quality, origin and preparation of the data of a training (A.7.2, A.7.4, A.7.5, A.7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.by_document import by_document, entries, states
from aims_mlflow.gates.document_content.preparation import unequal_losses
from aims_mlflow.gates.kind_verdict import how_to_add, judge_records, warnings_of
from aims_mlflow.gates.person_statements import counting_approvals, says
from aims_mlflow.gates.shapes import mappings
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import PreparationDetails

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.details.training import LineageLink

OF_POPULATION = ("share_over_population", "share_outside_population")


def approved_first(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
    """What must be there before training was approved before the session started."""
    starts = [r.evidence.time for r in subject.counted.starts]
    mine = [a.time for a in counting_approvals(document, subject.approvals, at)]
    if not starts or not mine:
        return None
    if min(map(parse_time, mine)) > parse_time(min(starts)):
        return "failed", f"it was approved on {min(mine)[:10]}, after the training started ({min(starts)[:10]})"
    return None


def compared(subject: StatusSubject, at: datetime) -> Judgement:
    """The training data were compared with a declared population, and each share was held to a limit and is within."""
    records = subject.of("representativeness")
    verdict = judge_records("representativeness", records, at)
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    claims = [c for r in records for c in r.evidence.claims if c.metric in OF_POPULATION]
    if not claims:
        text = "no population of use is declared: representativeness.populations in the pack"
        return Judgement("missing", text).about(*records)
    unjudged = [c for c in claims if c.passed is None]
    if unjudged:
        text = (
            f"{len(unjudged)} of {len(claims)} shares of the population have no limit, so nothing says whether they fit"
        )
        return Judgement("not evaluated", text).about(*records)
    warnings = warnings_of(records)
    text = f"{len(claims)} shares compared with the population of use, all held to a limit"
    return Judgement("warned" if warnings else "holds", text, warnings=warnings).about(*records)


def evaluated(subject: StatusSubject, at: datetime) -> Judgement:
    """Each data set has quality results, and no check failed."""
    if not subject.data:
        return Judgement("missing", "no record names the data that were used")
    parts = []
    for role in subject.data:
        records = subject.about_data("data-quality", role)
        if records and not any(r.evidence.claims for r in records):
            text = f"the record of the quality of the {role} data has no result of any check"
            parts.append(Judgement("not evaluated", text).about(*records))
        elif records:
            parts.append(judge_records("data-quality", records, at))
        else:
            parts.append(Judgement("missing", f"no data-quality results of the {role} data"))
    return joined(parts, f"{', '.join(subject.data)} data checked, no check failed")


def chain(subject: StatusSubject, at: datetime) -> Judgement:
    """Each data set is joined to an acquisition, and no row of the test data was trained on."""
    records = subject.counted.own_lineages() or subject.of("lineage")
    verdict = judge_records("lineage", records, at)
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    roles = list(subject.data) or list(subject.links)
    loose = [r for r in roles if not _acquired(subject.links.get(r))]
    if loose or not roles:
        unsearched = (link.reason for link in subject.links.values() if link.reason)
        advice = next(unsearched, "decorate what loads it with @aims.acquires")
        text = f"no recorded origin for {', '.join(loose) or 'any'} data: {advice}"
        return Judgement("missing", text).about(*records)
    warnings = warnings_of(records)
    text = f"{', '.join(roles)} data are joined to their acquisition"
    return Judgement("warned" if warnings else "holds", text, warnings=warnings).about(*records)


def _acquired(link: LineageLink | None) -> bool:
    return link is not None and link.link != "unlinked" and any(s.kind == "acquisition" for s in link.steps)


def steps(subject: StatusSubject, at: datetime) -> Judgement:
    """Each preparation has a reason, a known input and an approved criterion; no group lost far more, unsaid."""
    done = subject.of("preparation")
    criteria = subject.written("preparation-criteria")
    if not done:
        if chain(subject, at).outcome in ("holds", "warned"):
            return Judgement("holds", "no preparation was recorded between acquisition and training").about(
                *subject.of("lineage")
            )
        return Judgement("missing", how_to_add("preparation"))
    verdict = joined([_reasoned(record) for record in done], f"{len(done)} preparations with their reason")
    if verdict.outcome != "holds":
        return verdict
    if not criteria or subject.judged(criteria[-1], at).outcome != "holds":
        return Judgement("missing", "no approved criteria to compare the steps with").about(*done)
    allowed = {str(e.get("step")) for e in mappings(criteria[-1].fields.get("criteria"))}
    unlisted = [f for f in (_function(r) for r in done) if f not in allowed]
    if unlisted:
        return Judgement("stale", f"no criterion allows {', '.join(dict.fromkeys(unlisted))}").about(*done)
    return _lost_alike(done, criteria[-1]) or verdict


def _lost_alike(done: list[SealedRecord], criteria: PublishedDocument) -> Judgement | None:
    """Return the failure where a step took far more rows from one group, and neither code nor criterion says why."""
    rows = mappings(criteria.fields.get("criteria"))
    reasons = {str(e.get("step")): " ".join(map(str, e.values())) for e in rows}
    for record in done:
        for _, lost in unequal_losses(record, reasons.get(_function(record), "")):
            text = f"{_function(record)} took {lost}, and no reason names that group"
            return Judgement("failed", text).about(record)
    return None


def _function(record: SealedRecord) -> str:
    return str(read_details(record.evidence, PreparationDetails).function).rpartition(".")[2]


def _reasoned(record: SealedRecord) -> Judgement:
    body, details = record.evidence, read_details(record.evidence, PreparationDetails)
    if not says(details.why):
        return Judgement("missing", f"the preparation {_function(record)} has no reason").about(record)
    if body.result in ("failed", "not_evaluated"):
        return Judgement("not evaluated", body.reason or f"the preparation {_function(record)} is not known").about(
            record
        )
    if details.input is None:
        return Judgement("missing", f"the input of the preparation {_function(record)} is not known").about(record)
    return Judgement("holds", f"{_function(record)}: {details.why}").about(record)


CHECKS: dict[str, ConditionCheck] = {
    "A.7.2/process": by_document("data-management", states("process", "responsible")),
    "A.7.2/compared": compared,
    "A.7.4/requirements": by_document(
        "quality-requirements",
        entries("requirements", "expectation", "limit", "reason"),
        approved_first,
    ),
    "A.7.4/evaluated": evaluated,
    "A.7.5/process": by_document("provenance-process", states("process", "responsible")),
    "A.7.5/chain": chain,
    "A.7.6/criteria": by_document("preparation-criteria", entries("criteria", "step", "allowed_when", "reason")),
    "A.7.6/steps": steps,
}
