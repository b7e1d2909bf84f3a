"""A.4 and A.6: resources, competence, objectives, requirements, design, validation, deployment, monitoring, logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.documents.base import (
    Count,
    Days,
    LogDocument,
    Person,
    Text,
    TextDocument,
    Texts,
    WrittenDocument,
    entries,
    needed,
    optional,
)
from aims_mlflow.records.documents.legal import TechnicalFile
from aims_mlflow.records.evidence import Comparator

Slice = dict[str, Text]


class ResourceEntry(Record):
    """Something that a system needs in a stage of its life."""

    stage: Text = Field(description="stage of life, such as development or operation")
    resource: Literal["data", "tool", "compute", "people"] = Field(description="data, tool, compute or people")
    id: Text = Field(description="digest, package==version, class of machine, or role")
    owner: Person | None = optional("who answers for it")
    purpose: Text | None = optional("what it is for")
    retention: Text | None = optional("how long it is kept")
    criticality: Text | None = optional("what happens without it")
    since: Day | None = optional("first day")
    until: Day | None = optional("last day")


class ResourceInventoryDocument(LogDocument):
    """Resources of a system by life-cycle stage."""

    ABOUT = "system"

    resources: tuple[ResourceEntry, ...] = entries("what the system needs in each stage: data, tools, machines, people")


class CompetenceDocument(LogDocument):
    """What a person in a role has learned and shown."""

    person: Person | None = needed("whose competence it is")
    role: Text | None = needed("role of their signing key, such as trainer or approver")
    requirement: Text | None = needed("what the role must know: evaluation, fairness, AI risk, law")
    basis: Text | None = needed("how they have shown it: course, exam, work sample, supervised work")
    assessor: Person | None = optional("who judged it")
    level: Text | None = optional("how well they know it, by the organisation's scale")
    obtained_on: Day | None = needed("on which day it was shown")
    gap: Text | None = optional("what is missing, and what is done about it")


class ObjectiveEntry(Record):
    """A measurable objective."""

    objective: Text = Field(description="objective of ISO/IEC 42001, Annex C, such as fairness")
    metric: Text | None = needed("by which metric it is measured")
    slice: Slice = optional("for which rows", {})
    limit: Text | None = needed("which limit it has")
    reason: Text | None = optional("why this limit")
    owner: Person | None = needed("who answers for it")
    every_days: Days | None = optional("after how many days it is looked at again, e.g. 90")


class DevelopmentObjectivesDocument(LogDocument):
    """Measurable objectives for responsible development."""

    ABOUT = "system"

    objectives: tuple[ObjectiveEntry, ...] = entries("which objectives, with metric and limit")


class ProcessStage(Record):
    """A stage of a system's life and what is asked before the next one."""

    stage: Text = Field(description="stage")
    criteria: Text | None = needed("what must be true before a system moves on")
    who: Text | None = optional("who decides")


class LifecycleProcessDocument(TextDocument):
    """The stages of a system's life and what is asked between them."""

    stages: tuple[ProcessStage, ...] = entries("which stages there are, and what is asked between them")


class RequirementEntry(Record):
    """Something that a system must or must not do."""

    id: Text | None = optional("id of the requirement")
    text: Text = Field(description="the requirement")
    kind: Literal["functional", "performance", "fairness", "robustness", "privacy", "oversight", "data"] | None = (
        optional("kind of requirement")
    )
    source: Text | None = needed("the party, law, risk or impact that asks for it, e.g. law: GDPR Art. 22")
    priority: Text | None = optional("priority")


class AcceptanceLimit(Record):
    """A claim that must hold for a model to be accepted."""

    metric: Text = Field(description="metric")
    slice: Slice = optional("for which rows", {})
    comparator: Comparator | None = needed("how it is compared with the limit")
    limit: Text | None = needed("which limit")
    role: Text = optional("on which data", "test")
    min_n: Count | None = optional("on how many rows at least")
    verdict: Literal["value", "interval"] | None = optional("whether the value or the whole interval must hold")
    requirement: Text | None = optional("id of the requirement that it tests")


class RequirementsDocument(LogDocument):
    """What a system must and must not do, approved before training."""

    ABOUT = "system"

    requirements: tuple[RequirementEntry, ...] = entries("what the system must and must not do, and who says so")
    acceptance: tuple[AcceptanceLimit, ...] = entries("which results, with which limits, decide that it is accepted")


class DesignChoice(Record):
    """A choice of the design with what else was possible."""

    choice: Text = Field(description="what was chosen")
    alternatives: Texts = needed("what else was possible", ())
    reason: Text | None = needed("why this one")
    effect: Text | None = optional("effect on objectives")
    decided_by: Person | None = optional("who decided")
    date: Day | None = optional("when")
    trials: Text | None = optional("where the trials are")


class DesignDocument(LogDocument):
    """Design choices and their reasons."""

    ABOUT = "system"

    choices: tuple[DesignChoice, ...] = entries("what was chosen, what else was possible, and why")


class RepeatedResult(Record):
    """A result that the validator measured again."""

    claim: Text = Field(description="the claim, by its citation")
    value: Text = Field(description="value that was measured again")
    equal: bool = Field(description="whether it is the same")


class ValidationDocument(TextDocument):
    """Another person's review of verification and validation."""

    ABOUT = "system"

    scope: Text | None = needed("what was reviewed")
    repeated: tuple[RepeatedResult, ...] = optional("which results were measured again", ())
    deviations: Texts = optional("what deviates", ())
    verdict: Literal["fit", "fit with conditions", "unfit"] | None = needed("whether the model is fit for its use")
    conclusion: Text | None = needed("what follows from it, in words")
    conditions: Texts = optional("under which conditions", ())


class DeploymentPlanDocument(LogDocument):
    """How a version is released and rolled back."""

    ABOUT = "system"

    environments: Texts = optional("where it is released to", ())
    steps: Texts = needed("in which steps it is released", ())
    canary: Text | None = optional("how it is tried on a part of the traffic first")
    rollback_to: Text | None = needed("which version is restored if the release fails")
    who_may_stop: Person | None = needed("who may stop the release")
    drill_date: Day | None = optional("day on which going back was tried")
    communication: Text | None = optional("who is told")


class WatchedMetric(Record):
    """A metric that is watched."""

    metric: Text = Field(description="metric")
    slice: Slice = optional("for which rows", {})
    limit: Text | None = needed("beyond which value somebody acts, e.g. below 0.80")


class Acknowledgement(Record):
    """A breach that a person has seen."""

    run: Text = Field(description="id of the monitor-run record")
    by: Person = Field(description="who")
    time: Text | None = optional("when")
    reason: Text | None = optional("incident, or why none")


class MissedRun(Record):
    """A run of the monitor that was not made, and cannot be made any more."""

    was_due: Day = Field(description="day on which it was due")
    by: Person = Field(description="who found out why")
    reason: Text | None = needed("why it was missed, and what makes the next one timely")


class MonitoringPlanDocument(LogDocument):
    """What is watched in operation, how often, and who reacts."""

    ABOUT = "system"

    model: Text | None = optional("model and alias that are watched, e.g. loan-model@champion")
    data_source: Text | None = optional("where the data in operation come from")
    every_days: Days | None = needed("interval in days, e.g. 30 it is looked at")
    grace_days: Days | None = optional("how many days a run may be late")
    least_rows: Count | None = needed("how many rows a run must see at least")
    metrics: tuple[WatchedMetric, ...] = entries("which metrics are watched, with which limits")
    labels: Text | None = optional("where the true outcome comes from, and how late")
    who_acts: Person | None = needed("who acts on a breach")
    within_hours: Count | None = needed("within how many hours")
    false_alarms: Text | None = optional("how many false alarms are accepted over the plan's life")
    acknowledged: tuple[Acknowledgement, ...] = optional("breaches that a person has seen", ())
    missed: tuple[MissedRun, ...] = optional("runs that were missed, with the reason", ())


class AudienceText(Record):
    """Documentation for one audience."""

    audience: Text = Field(description="audience")
    text: Text | None = needed("what it is told")
    where: Text | None = optional("where it finds it")


class TechnicalDocument(TextDocument):
    """Technical documentation for each audience."""

    ABOUT = "system"

    audiences: tuple[AudienceText, ...] = entries("what each audience is told")
    technical_file: TechnicalFile | None = optional("what Annex IV of the AI Act asks: the form `annex-iv`")


class PlannedEvent(Record):
    """An event that is to be logged."""

    event: Text = Field(description="event")
    where: Text | None = needed("where it is logged")
    fields: Texts = optional("what is logged of it", ())
    retention: Text | None = optional("how long")
    reader: Text | None = optional("who reads it")


class LogPlanDocument(LogDocument):
    """Which events a system records, and how long they are kept."""

    ABOUT = "system"

    events: tuple[PlannedEvent, ...] = entries("which events are logged, and where")
    retention: Text | None = needed("how long logs are kept")


class ChangeDocument(LogDocument):
    """A change to a system and its assessment."""

    ABOUT = "system"

    what: Text | None = needed("what changes")
    why: Text | None = optional("why")
    assessment: Text | None = needed("what that means for risks and impacts")
    major: bool | None = optional("whether an audit has to look at it: another use, kind of model, data or groups")
    date: Day | None = optional("when")
    model_digest: Sha256 | None = optional("model that it leads to")


KINDS: dict[str, type[WrittenDocument]] = {
    "resource-inventory": ResourceInventoryDocument,
    "competence-record": CompetenceDocument,
    "development-objectives": DevelopmentObjectivesDocument,
    "lifecycle-process": LifecycleProcessDocument,
    "requirements": RequirementsDocument,
    "design-record": DesignDocument,
    "validation-report": ValidationDocument,
    "deployment-plan": DeploymentPlanDocument,
    "monitoring-plan": MonitoringPlanDocument,
    "technical-documentation": TechnicalDocument,
    "log-plan": LogPlanDocument,
    "change": ChangeDocument,
}
