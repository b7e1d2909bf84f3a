"""Clause 6.1.4 and A.5: impact assessments, in the order of ISO/IEC 42005, and their process."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.documents.base import (
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
from aims_mlflow.records.documents.context import AffectedGroup
from aims_mlflow.records.documents.legal import RightsAssessment

Dimension = Literal[
    "accountability", "transparency", "fairness", "privacy", "reliability", "safety", "explainability", "environment",
    "society",
]  # fmt: skip


class ImpactProcessDocument(TextDocument):
    """How impact assessments are made."""

    triggers: Texts = needed("what makes an assessment due", ())
    screening: Text | None = optional("how systems are sorted into those that need one and those that do not")
    sensitive_uses: Texts = optional("uses that are sensitive", ())
    restricted_uses: Texts = optional("uses that are restricted", ())
    method: Text | None = needed("by which method it is made")
    scales: Text | None = needed(
        "which levels severity, extent and likelihood have, if others than those of risk-method"
    )
    assessors: Text | None = needed("who assesses")
    approvers: Text | None = needed("who approves")
    interval_days: Days | None = optional("after how many days it is made again")
    integration: Text | None = optional("how it feeds risks, privacy and fundamental rights assessments")


class AssessedUse(Record):
    """The use that is assessed."""

    scope: Text = Field(description="what is assessed")
    period: Text | None = optional("for which time")
    frequency: Text | None = optional("how often it decides")
    volume: Text | None = optional("how many decisions")


class Assessor(Record):
    """Who assessed."""

    person: Person = Field(description="who")
    function: Text | None = optional("in which function")
    independence: Text | None = optional("why they can judge freely")


class Consultation(Record):
    """Who was asked, and what changed by it."""

    party: Text = Field(description="who was asked")
    how: Text | None = optional("how")
    date: Day | None = optional("when")
    changed: Text | None = optional("what changed by it")


class SystemDescription(Record):
    """The system as it is assessed."""

    capabilities: Text | None = optional("what it can do")
    purpose: Text | None = needed("what it is for")
    intended: Text | None = optional("intended uses")
    unintended: Text | None = optional("uses that are not intended")


class AssessedData(Record):
    """A data set as it is assessed."""

    digest: Sha256 = Field(description="digest of the data")
    role: Text | None = optional("role, such as train or test")
    quality_evidence: Text | None = optional("id of the record of its quality")
    representativeness: Text | None = optional("id of the record of its representativeness")
    known_gaps: Text | None = optional("what is missing in it")


class AssessedModel(Record):
    """The model as it is assessed."""

    algorithm: Text | None = optional("algorithm")
    why: Text | None = optional("why this one")
    performance: Texts = optional("ids of the records of its performance", ())
    limits: Text | None = optional("what it cannot do")


class DeploymentContext(Record):
    """Where and how the system is used."""

    where: Text | None = optional("where")
    languages: Texts = optional("languages", ())
    human_role: Text | None = needed("what people do beside it")
    constraints: Text | None = optional("constraints")


class ImpactEntry(Record):
    """One benefit or harm: to whom, by which mechanism, on which evidence, how bad and how likely."""

    id: Text = Field(description="id of the impact")
    kind: Literal["harm", "benefit"] = Field(description="harm or benefit")
    group: Text | None = needed("who is affected, as in the data, e.g. age_group=60+, or described")
    dimension: Dimension | None = optional("dimension")
    mechanism: Text | None = needed("how it comes about")
    evidence: Texts = optional("evidence, by its citation", ())
    severity: Text | None = needed("how bad, by a level of impact of risk-method or impact-process")
    scale: Text | None = optional("how many people in which time")
    reversibility: Text | None = optional("whether it can be undone")
    likelihood: Text | None = needed("how likely, by a level of risk-method or impact-process")
    foreseeable_misuse: bool = optional("whether it comes from misuse", default=False)


class ImpactMeasure(Record):
    """What is done about an impact."""

    impact: Text = Field(description="id of the impact")
    measure: Text | None = needed("what is done about it")
    kind: Text | None = optional("kind of measure")
    owner: Person | None = needed("who does it")
    due: Day | None = needed("by which day")
    done: Day | None = optional("day on which it was done")
    effectiveness_evidence: Texts = optional("ids of the records that show that it works", ())
    residual: Text | None = optional("what is left")


class AssessmentReview(Record):
    """When the assessment is made again."""

    next: Day | None = optional("day of the next review")
    triggers: Texts = optional("what makes it due earlier", ())


class SocietalEffect(Record):
    """An effect on society at large."""

    effect: Text = Field(description="the effect, on environment, economy, public trust or democracy")
    judgement: Text | None = needed("how it is judged")
    reason: Text | None = needed("why")


class ImpactAssessmentDocument(TextDocument):
    """The assessment of one system's effects on people and society.

    With groups, impacts and measures it answers what `impact-people` would, with effects what `impact-society` would.
    """

    ABOUT = "system"

    assessed_use: AssessedUse | None = needed("which use was assessed, for which time, how many decisions")
    trigger: Text | None = optional("what made it due")
    assessors: tuple[Assessor, ...] = entries("who assessed, in which function")
    consulted: tuple[Consultation, ...] = optional("who was asked, and what changed by it", ())
    described: SystemDescription | None = optional("what the system is and does")
    data: tuple[AssessedData, ...] = optional("data, each with its digest", ())
    model: AssessedModel | None = optional("the model")
    deployment: DeploymentContext | None = optional("where and how it is used")
    parties: Texts = optional("interested parties", ())
    groups: tuple[AffectedGroup, ...] = optional("groups of people, as in the data, e.g. age_group=60+", ())
    impacts: tuple[ImpactEntry, ...] = entries("which benefits and harms, to whom, by which mechanism")
    measures: tuple[ImpactMeasure, ...] = optional("what is done about each harm", ())
    effects: tuple[SocietalEffect, ...] = optional("effects on society at large, each judged with a reason", ())
    failures_and_misuse: Texts = optional("failures and misuse that must be expected", ())
    evidence: Texts = optional("ids of the records that it rests on; citations are added by publishing", ())
    decision: Literal["go", "go with conditions", "no go"] | None = needed("whether the system may be used")
    conditions: Texts = optional("conditions of the decision", ())
    review: AssessmentReview | None = optional("when it is made again")
    feeds_risks: Texts = needed("which risks of the risk register it feeds", ())
    rights: RightsAssessment | None = optional("what Art. 27 of the AI Act asks besides: the form `fria`")


class PeopleImpactDocument(TextDocument):
    """Effects on individuals and groups, with results and mitigations."""

    ABOUT = "system"

    groups: tuple[AffectedGroup, ...] = entries("which groups of people, as in the data, e.g. age_group=60+")
    impacts: tuple[ImpactEntry, ...] = entries("which harms and benefits for which group")
    measures: tuple[ImpactMeasure, ...] = entries("what is done about each harm, by whom, until when")
    evidence: Texts = optional("ids of the records that it rests on; citations are added by publishing", ())


class SocietyImpactDocument(TextDocument):
    """Effects on society at large, judged with reasons."""

    ABOUT = "system"

    effects: tuple[SocietalEffect, ...] = entries("which wider effects there are, how each is judged, and why")


class ReassessmentDocument(LogDocument):
    """A risk or impact assessment made again."""

    ABOUT = "system"

    risk: Day | None = needed("on which day the risks were assessed again")
    impact: Day | None = needed("on which day the impacts were assessed again")
    trigger: Text | None = optional("what made it due")
    changed: Text | None = needed("what changed by it, or why nothing did")


KINDS: dict[str, type[WrittenDocument]] = {
    "impact-process": ImpactProcessDocument,
    "impact-assessment": ImpactAssessmentDocument,
    "impact-people": PeopleImpactDocument,
    "impact-society": SocietyImpactDocument,
    "reassessment": ReassessmentDocument,
}
