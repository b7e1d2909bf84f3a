"""Conditions about deployment, logs, users and incidents (A.6.2.5, A.6.2.8, A.8, A.9, clauses 8, 9.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.control_conditions.by_document import (
    by_document,
    by_documents,
    each_entry,
    entries,
    of_form,
    states,
)
from aims_mlflow.gates.document_content.disclosures import undetermined
from aims_mlflow.gates.document_content.rollback import rollback_version
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mapping, mappings
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.operation import LogCoverageDetails
from aims_mlflow.records.documents.information import DisclosureDocument
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.decision import Decision

# The same day of the next year is in time, after a leap day too.
YEAR = timedelta(days=366)
DAY = timedelta(days=1)


def moment(value: object) -> datetime | None:
    """Return a time or a day (its beginning, in UTC) of a document's field, or None."""
    try:
        text = str(value)
        return parse_time(text if "T" in text else f"{text}T00:00:00+00:00")
    except ValueError:
        return None


def deadline(value: object) -> datetime | None:
    """Return the last moment of a time or a day of a document's field, or None."""
    when = moment(value)
    return when + DAY - timedelta(microseconds=1) if when is not None and "T" not in str(value) else when


def within_a_year(value: object, at: datetime) -> bool:
    """Return whether a time of a field is past, and by a year at most."""
    when = moment(value)
    return when is not None and at - YEAR <= when <= at


def deployments(subject: StatusSubject) -> list[Decision]:
    """Return the decisions by which exactly these bytes were allowed into use."""
    return [
        d
        for d in subject.decisions
        if d.stage == "deployment" and d.allowed and not d.would_refuse and d.model_digest == subject.digest
    ]


def allowed(subject: StatusSubject, at: datetime) -> Judgement:
    """For each alias that is held, the gate allowed exactly these bytes; a waiver is named, and has not ended."""
    mine = deployments(subject)
    bare = [a for a in subject.aliases if not any(d.alias == a for d in mine)]
    if bare or not mine:
        return Judgement("missing", f"no decision of the gate allows these bytes{_as(bare)}")
    held = [next(d for d in reversed(mine) if d.alias == alias) for alias in dict.fromkeys(subject.aliases)] or mine[
        -1:
    ]
    last = max(held, key=lambda d: d.time)
    waived = [w for d in held for w in d.waived]
    ended = [w for w in waived if parse_time(w.expires) < at]
    if ended:
        text = f"the waiver of {ended[0].unmet.control} by {ended[0].owner} ended on {ended[0].expires[:10]}"
        return Judgement("stale", text, since=last.time)
    text = "; ".join(f"allowed{_as([d.alias] if d.alias else [])} on {d.time[:10]}, {_on(d)}" for d in held)
    warnings = tuple(dict.fromkeys(f"{w.unmet.control} is waived: {w.unmet.text}" for w in waived))
    until = min((w.expires for w in waived), default=None)
    return Judgement(
        "warned" if warnings else "holds", text, since=last.time, until=until, ends="a waiver", warnings=warnings
    )


def way_back(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """A plan goes back to a version that was there before the one that it releases."""
    target, mine = rollback_version(str(document.fields.get("rollback_to"))), deployments(subject)
    own = mine[-1].version if mine else None
    if target is None or own is None or not own.isdigit() or int(target) < int(own):
        return None
    if target == own:
        return "failed", f"it goes back to version {target}, which is the one that it releases"
    return "missing", f"it goes back to version {target}, which was not there when version {own} was released"


def _on(decision: Decision) -> str:
    """Return on what a decision allowed the change: a waiver, where something failed, or what the gate judged by."""
    return "on a waiver" if decision.waived else f"by {decision.basis}"


def _as(aliases: list[str]) -> str:
    return f" as {', '.join(aliases)}" if aliases else ""


def approved(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The newest decision that allowed these bytes rests on an approval by another person than the trainers."""
    mine = deployments(subject)
    if not mine:
        return Judgement(
            "missing", "no approval by another person than the trainer is bound to these bytes", basis="person"
        )
    others = [a for a in mine[-1].approvals if not is_among(a, subject.counted.trainers)]
    if not others:
        return Judgement(
            "missing", "the decision rests on no approval by another person than the trainer", basis="person"
        )
    return Judgement("holds", f"approved by {', '.join(others)}", since=mine[-1].time, basis="person")


def covered(subject: StatusSubject, at: datetime) -> Judgement:
    """The log's coverage was compared with the plan, without a gap."""
    records = subject.of("log-coverage")
    verdict = judge_records("log-coverage", records, at)
    told = [read_details(r.evidence, LogCoverageDetails).gaps for r in records]
    gaps = [g for each in told for g in each or ()]
    if verdict.outcome in ("holds", "warned") and None in told:
        return Judgement("not evaluated", "a record of the log's coverage does not say what was missing").about(
            *records
        )
    if verdict.outcome in ("holds", "warned") and gaps:
        return Judgement("failed", f"{len(gaps)} gaps in the planned events").about(*records)
    return verdict


def in_use(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """A document about a version names the digest in use."""
    if subject.digest and subject.digest not in document.model_digests:
        return "missing", f"it does not name the model {subject.digest[:12]}"
    return None


def _reached(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if entry.get("from") == "outside" and not says(mapping(entry.get("triage")).get("by")):
        return "failed", f"report {entry.get('id')} from outside has no triage"
    return None


def outside_test(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """A test report by an outsider reached triage within a year."""
    tests = [e for e in mappings(document.fields.get("tests")) if e.get("by") == "outside"]
    if not any(within_a_year(e.get("reached"), at) for e in tests):
        return ("stale" if tests else "missing"), "no test report from outside reached triage within a year"
    return None


def _in_time(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    sent, due = moment(entry.get("sent")), deadline(entry.get("due"))
    if due is None:
        return "missing", f"notice of {entry.get('incident')} states no due time"
    late = sent > due if sent else at > due
    return ("failed", f"users were not told of {entry.get('incident')} by {entry.get('due')}") if late else None


def _looked_up(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if within_a_year(entry.get("checked_on"), at):
        return None
    return "stale", f"{entry.get('law')} was last looked up on {entry.get('checked_on')}, over a year ago"


def _determined(document: DisclosureDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    other = undetermined(document, known)
    return ("missing", f"it discharges the duty {other[0].duty!r}, which nobody determined") if other else None


def decided(subject: StatusSubject, at: datetime) -> Judgement:
    """The gate decided about these bytes, and what changed has an assessment."""
    mine = [d for d in subject.decisions if d.model_digest == subject.digest] if subject.digest else subject.decisions
    if not mine:
        return Judgement("missing", "no decision of the gate is here")
    changes = by_documents("change", states("what", "assessment"))(subject, at)
    return joined([Judgement("holds", "", since=mine[-1].time), changes], f"{len(mine)} decisions; {changes.sentence}")


def told(subject: StatusSubject, at: datetime) -> Judgement:
    """Users were told of each incident in time; where the plan stands and there was no incident, nothing is due."""
    plan = incident_plan(subject, at)
    if subject.newest("notice") or subject.newest("incident") or plan.outcome != "holds":
        return notices(subject, at)
    text = "no incident is among the published documents, so nobody had to be told of one"
    return Judgement("not applicable", text, plan.evidence, plan.since, basis="person")


incident_plan = by_document("incident-communication-plan", entries("audiences", "audience", "within"))
notices = by_document("notice", entries("notices", "incident", "audience"), each_entry("notices", _in_time))


def again(name: str, kind: str) -> ConditionCheck:
    """Return the condition that risk or impact was assessed within the year: first by `kind`, later again."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
        done = within_a_year(document.fields.get(name), at)
        return None if done else ("stale", f"{name} was not assessed again within a year")

    repeated = by_document("reassessment", check)

    def judge(subject: StatusSubject, at: datetime) -> Judgement:
        first, repeats = subject.written(kind)[-1:], subject.written("reassessment") or subject.newest("reassessment")
        if not first or any(parse_time(r.time) >= parse_time(first[0].time) for r in repeats):
            return repeated(subject, at)
        due = parse_time(first[0].time) + YEAR
        if at > due:
            text = f"{first[0].name} is of {first[0].time[:10]}, and {name} was not assessed again within a year"
            return Judgement("stale", text, (first[0].id,), first[0].time, basis="person")
        counts = subject.judged(first[0], at)
        if counts.outcome != "holds":
            return counts
        text = f"{first[0].name} is of {first[0].time[:10]}: {name} is to be assessed again by {due:%Y-%m-%d}"
        ends = f"{name} is to be assessed again"
        return Judgement("holds", text, (first[0].id,), first[0].time, utc_text(due), ends, basis="person")

    return judge


CHECKS: dict[str, ConditionCheck] = {
    "A.6.2.5/rollback": by_document("deployment-plan", states("rollback_to", "who_may_stop"), way_back),
    "A.6.2.5/allowed": allowed,
    "A.6.2.5/approval": approved,
    "A.6.2.8/events": by_document("log-plan", entries("events", "event", "where")),
    "A.6.2.8/retention": by_document("log-plan", states("retention")),
    "A.6.2.8/gaps": covered,
    "A.8.2/published": by_document("user-information", states("where", "says"), in_use),
    "A.8.2/limits": by_document("user-information", states("limits")),
    "A.8.3/channel": by_document("report-channel", states("address", "who_reads")),
    "A.8.3/test": by_document("report-log", outside_test, each_entry("reports", _reached)),
    "A.8.4/plan": incident_plan,
    "A.8.4/told": told,
    "A.8.5/duties": by_document(
        "disclosure-duties",
        entries("duties", "to", "what", "law", "checked_on"),
        each_entry("duties", _looked_up),
    ),
    "A.8.5/discharged": by_document(
        "disclosure", entries("disclosures", "duty", "sent", "proof"), of_form(DisclosureDocument, _determined)
    ),
    "8.1/plans": decided,
    "8.2/again": again("risk", "risk-register"),
    "8.4/again": again("impact", "impact-assessment"),
    "9.1/plan": by_document("measurement-plan", entries("measures", "what", "method", "every_days", "limit")),
}
