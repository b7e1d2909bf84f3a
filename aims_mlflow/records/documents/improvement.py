"""Clauses 9 and 10: measurement, internal audit, management review, incidents and corrective action."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256, Time
from aims_mlflow.records.documents.base import (
    Count,
    Days,
    LogDocument,
    Person,
    Text,
    Texts,
    WrittenDocument,
    entries,
    needed,
    optional,
)
from aims_mlflow.records.system import SystemId


class PlannedMeasurement(Record):
    """Something that is measured."""

    what: Text = Field(description="metric and cases, e.g. selection rate of women")
    purpose: Text | None = optional("objective, risk or requirement that it serves")
    method: Text | None = needed("how it is measured")
    data_source: Text | None = optional("from which data")
    min_n: Count | None = optional("on how many rows at least")
    every_days: Days | None = needed("interval in days, e.g. 30")
    grace_days: Days | None = optional("how many days a measurement may be late")
    measured_on: Day | None = optional("day of the newest measurement, where no record of a version in use shows it")
    limit: Text | None = needed("beyond which value somebody acts, e.g. below 0.80")
    who_acts: Person | None = needed("who acts")
    within: Text | None = optional("within what time")


class MeasurementPlanDocument(LogDocument):
    """What is measured, how, when, and by whom."""

    ABOUT = "either"

    measures: tuple[PlannedMeasurement, ...] = entries("what is measured, how, how often, and who acts")


class PlannedAudit(Record):
    """An audit of the programme."""

    id: Text | None = optional("id of the audit")
    scope: Texts = needed("which clauses, controls and systems it covers", ())
    criteria: Text | None = optional("against what")
    method: Text | None = optional("how")
    planned: Day | None = needed("for which day")
    auditors: Texts = needed("who audits", ())


class AuditProgrammeDocument(LogDocument):
    """What is audited when and by whom."""

    cycle_years: Annotated[int, Field(ge=1, le=10)] | None = optional("within how many years everything is audited")
    audits: tuple[PlannedAudit, ...] = entries("what is audited when, and by whom")
    risk_basis: Text | None = optional("why in this order")


class AuditTeamMember(Record):
    """Who audited."""

    person: Person = Field(description="who")
    role: Text | None = optional("role in the team")
    competence: Texts = needed("which competences of theirs were used", ())
    independence: Text | None = needed("how it was checked that they do not audit their own work")


class AuditSample(Record):
    """How records were drawn."""

    population: Text = Field(description="what was drawn from")
    population_size: Count = Field(description="how many there are")
    method: Text = Field(description="how they were drawn")
    seed: Text | None = optional("seed of the draw")
    drawn_from: Texts = optional("every item that could have been drawn, so that the draw can be repeated", ())
    items: Texts = optional("what was drawn", ())
    why: Text | None = optional("why so many")


class AuditFindingEntry(Record):
    """A finding of an audit."""

    id: Text | None = optional("id of the finding")
    finding: Text = Field(description="fact that was found")
    grade: Literal["major", "minor", "observation"] | None = optional("how grave")
    control: Text | None = optional("clause or control")
    system: SystemId | None = optional("system")
    criterion: Text | None = optional("what it was judged against: the words of the clause, control or own rule")
    evidence: Texts = optional("ids of the records that show it", ())
    cause: Text | None = optional("cause")
    correction: Text | None = optional("correction")
    corrective_action: Text | None = optional("id of the corrective action")
    owner: Person | None = needed("who corrects it")
    due: Day | None = needed("by which day")
    closed_by: Texts = optional("evidence that closed it", ())
    closed_on: Day | None = optional("day on which it was closed")
    reopened: tuple[Day, ...] = optional("days on which it was opened again", ())
    effectiveness: Text | None = optional("id of the check, or the reason, that shows that it stays closed")


class AuditReportDocument(LogDocument):
    """Findings of one internal audit."""

    ABOUT = "either"

    audit: Text | None = optional("id of the audit in the programme")
    held: Day | None = needed("on which day it was held")
    team: tuple[AuditTeamMember, ...] = entries("who audited, with which competence")
    sample: AuditSample | None = needed("what was looked at, and how it was drawn")
    findings: tuple[AuditFindingEntry, ...] = entries("what was found, who corrects it, and until when")
    reported_to: Person | None = optional("who got the report")
    report_sha256: Sha256 | None = optional("sha256 of the file of the report, as `sha256sum FILE` prints it")


ReviewInput = Literal[
    "earlier_actions", "context_changes", "nonconformities", "monitoring", "audits", "objectives", "incidents",
    "waivers", "risks", "opportunities",
]  # fmt: skip


class WrittenInput(Record):
    """A line of the inputs that the software wrote, from a document or a record."""

    input: ReviewInput = Field(description="which input")
    source: Text = Field(description="id of the document, entry or record that it is about")
    sha256: Sha256 = Field(description="sha256 of the line as it was written")


class LedgerHead(Record):
    """How the ledger ended at one time."""

    size: Count = Field(description="number of leaves")
    root: Sha256 = Field(description="root hash of the tree over them")


class ReviewInputsDocument(LogDocument):
    """What a management review was told."""

    period: Text | None = optional("for which time")
    cutoff: Time | None = optional("up to which time")
    ledger: LedgerHead | None = optional("the ledger's head at the cut-off; `aims document new` fills it in")
    written: tuple[WrittenInput, ...] = optional("lines that `aims document new` wrote; they stay as they are", ())
    earlier_actions: Texts = needed("what became of the actions of the last review", ())
    context_changes: Texts = needed("what changed in context and parties", ())
    nonconformities: Texts = needed("which nonconformities and actions there were", ())
    monitoring: Texts = needed("what monitoring and measurement showed", ())
    audits: Texts = needed("what audits found", ())
    objectives: Texts = needed("which objectives were reached", ())
    incidents: Texts = needed("which incidents there were; if there were none, write so, and how you know", ())
    waivers: Texts = optional("which exceptions that somebody signed (waivers) are open, and which ended", ())
    risks: Texts = optional("which risks and impacts changed", ())
    opportunities: Texts = needed("what could be better", ())


class ReviewDecision(Record):
    """A decision of a management review."""

    decision: Text = Field(description="what was decided")
    owner: Person | None = needed("who does it")
    due: Day | None = needed("by which day")
    resources: Text | None = optional("with which means")
    about: tuple[ReviewInput, ...] = optional("which inputs it answers", ())
    action: Text | None = optional("id of the corrective action, measure or risk that carries it out")


class NoAction(Record):
    """An input on which a management review decided that nothing is to be done."""

    input: ReviewInput = Field(description="which input")
    reason: Text = Field(description="why nothing is to be done")


class ReviewMinutesDocument(LogDocument):
    """What a management review decided."""

    date: Day | None = needed("on which day")
    attendees: Texts = needed("who was there", ())
    top_management: Texts = needed("who of top management was there", ())
    inputs: Text | None = needed("which inputs were discussed, by the id of their document")
    decisions: tuple[ReviewDecision, ...] = entries("what was decided, who does it, until when")
    no_action: tuple[NoAction, ...] = optional("inputs on which nothing is to be done, each with the reason", ())
    next: Day | None = optional("day of the next review")


class NonconformityEntry(Record):
    """Something that is not as it must be."""

    id: Text | None = optional("id")
    origin: Text | None = optional("how it was found")
    requirement: Text | None = optional("what it breaks")
    fact: Text = Field(description="the fact")
    correction: Text | None = optional("what was done at once")
    cause: Text | None = needed("what caused it")


class NonconformityDocument(LogDocument):
    """Things that are not as they must be."""

    ABOUT = "either"

    nonconformities: tuple[NonconformityEntry, ...] = entries("which requirement is not met, and why")


class ActionEntry(Record):
    """What is done about a cause."""

    id: Text | None = optional("id")
    cause: Text | None = optional("cause")
    action: Text = Field(description="what is done")
    owner: Person | None = needed("who does it")
    due: Day | None = optional("by which day")
    done: Day | None = needed("on which day it was done")
    evidence: Texts = optional("what shows that", ())


class CorrectiveActionDocument(LogDocument):
    """What was done about the cause of a nonconformity."""

    ABOUT = "either"

    actions: tuple[ActionEntry, ...] = entries("what was done about each cause, by whom, when")


class EffectCheck(Record):
    """Whether an action worked."""

    action: Text = Field(description="action")
    test: Text | None = optional("metric, rows and data of the test")
    model_digest: Sha256 | None = needed(
        "on which model, by the fingerprint of its files (dirHash1), as its version's page names it"
    )
    result: Literal["passed", "failed"] | None = needed("passed or failed")
    by: Person | None = needed("who checked")
    owner: Person | None = needed("who owned the action")
    date: Day | None = optional("when")


class EffectivenessCheckDocument(LogDocument):
    """Whether corrective actions worked."""

    ABOUT = "either"

    checks: tuple[EffectCheck, ...] = entries("how each action was checked, by whom, on which model")


KINDS: dict[str, type[WrittenDocument]] = {
    "measurement-plan": MeasurementPlanDocument,
    "audit-programme": AuditProgrammeDocument,
    "audit-report": AuditReportDocument,
    "review-inputs": ReviewInputsDocument,
    "review-minutes": ReviewMinutesDocument,
    "nonconformity": NonconformityDocument,
    "corrective-action": CorrectiveActionDocument,
    "effectiveness-check": EffectivenessCheckDocument,
}
