"""Clauses 6.1.2 and 6.1.3: risk method, risk register, treatment plan, statement of applicability."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record
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

# Sources of risk in the words of ISO/IEC 23894.
RiskSource = Literal[
    "environment", "transparency", "automation", "machine-learning", "hardware", "life-cycle", "readiness"
]
RiskStatus = Literal["open", "treating", "closed", "accepted"]


class ScaleLevel(Record):
    """One level of a scale."""

    level: Text = Field(description="name of the level")
    meaning: Text = Field(description="what it means, so that two people choose alike")
    frequency: Text | None = optional("how often, for a likelihood")


class RiskScales(Record):
    """The scales of a risk method."""

    likelihood: tuple[ScaleLevel, ...] = entries("which levels of likelihood there are")
    impact_on_organisation: tuple[ScaleLevel, ...] = optional("levels of impact on the organisation", ())
    impact_on_people: tuple[ScaleLevel, ...] = entries("which levels of impact on people there are")
    impact_on_society: tuple[ScaleLevel, ...] = optional("levels of impact on society", ())


class RiskAcceptance(Record):
    """Who may accept a risk of a level."""

    level: Text = Field(description="level of risk")
    may_accept: Text = Field(description="who may accept it")


class RiskMethodDocument(TextDocument):
    """How AI risks are assessed."""

    scales: RiskScales | None = needed("which scales likelihood and impact have")
    matrix: dict[str, Text] = needed("which level of risk each `likelihood/impact` gives", {})
    acceptance: tuple[RiskAcceptance, ...] = entries("who may accept a risk of which level")
    sources: tuple[RiskSource, ...] = optional("sources of risk that are looked at", ())
    triggers: Texts = needed("what makes a new assessment due", ())
    interval_days: Days | None = needed("after how many days every risk is assessed again")


class ResidualRisk(Record):
    """What is left of a risk after its treatment."""

    likelihood: Text = Field(description="likelihood that is left")
    impact: Text = Field(description="impact that is left")
    level: Text = Field(description="level that is left")
    basis: Text | None = optional("evidence or reason for it")


class RiskEntry(Record):
    """One risk: what happens to whom by which mechanism, how likely, how bad, and what is done about it."""

    id: Text = Field(description="id of the risk")
    system: Text | None = needed("which system")
    title: Text | None = optional("short title")
    source: RiskSource | None = needed("from which source of risk it comes")
    event: Text | None = needed("what happens to whom, by which mechanism")
    group: Text | None = needed("which group or asset is hit, as column=value where it is in the data")
    objective: Text | None = optional("objective of Annex C that it threatens")
    cause_evidence: Texts = optional("ids of the records that show the cause", ())
    likelihood: Text | None = needed("how likely, by the method's scale")
    likelihood_basis: Text | None = needed("on which evidence or reason")
    impact: Text | None = needed("how bad, by the method's scale")
    impact_basis: Text | None = needed("on which evidence or reason")
    level: Text | None = needed("which level that gives")
    owner: Person | None = needed("who answers for it")
    treatment: Literal["avoid", "reduce", "share", "accept"] | None = needed("what is done about it")
    controls: Texts = optional("controls that treat it", ())
    due: Day | None = optional("day by which the treatment is done")
    treated_on: Day | None = optional("day on which the treatment was done")
    residual: ResidualRisk | None = optional("what is left")
    accepted_by: Person | None = optional("who accepted what is left")
    accepted_until: Day | None = optional("last day on which it is accepted")
    findings: Texts = optional("findings that are accepted with it until that day, by the beginning of their ids", ())
    status: RiskStatus | None = needed("open, treating, closed or accepted")
    closed_by: Texts = optional("ids of the records that closed it", ())
    reopened_when: Text | None = optional("what opens it again")


class RiskRegisterDocument(LogDocument):
    """Risks of systems."""

    ABOUT = "either"

    risks: tuple[RiskEntry, ...] = entries("which risks each system has")


class TreatedRisk(Record):
    """How one risk is treated, and who accepts the rest."""

    risk: Text = Field(description="id of the risk")
    measure: Text | None = needed("what is done")
    controls: Texts = optional("controls that do it", ())
    owner: Person | None = needed("who does it")
    due: Day | None = needed("by which day")
    residual: Text | None = needed("which level is left")
    accepted_by: Person | None = needed("who accepted what is left")


class TreatmentPlanDocument(LogDocument):
    """How risks are treated, and who accepts the rest."""

    ABOUT = "either"

    risks: tuple[TreatedRisk, ...] = entries("how each risk is treated, what is left, and who accepted that")


class ControlStatement(Record):
    """One control of Annex A in the statement of applicability: in or out, with the reason."""

    control: Text = Field(description="control id")
    applies: bool = Field(description="whether it applies")
    reason: Text | None = needed("why it is in (risk, objective, law) or out (what of the register shows it)")
    basis: Texts = optional("ids of risks, objectives or laws", ())
    implemented: Text | None = optional("how it is implemented: kinds of records, and where")
    owner: Person | None = optional("who answers for it")
    review: Day | None = optional("day of its next review")


class ApplicabilityDocument(LogDocument):
    """The statement of applicability: each control in or out, with reasons."""

    controls: tuple[ControlStatement, ...] = entries("for each of the 38 controls: in or out, and why")
    extra_controls: Texts = optional("controls beyond Annex A", ())
    residual_risks: Texts = optional("what risk is left, and who accepted it", ())


KINDS: dict[str, type[WrittenDocument]] = {
    "risk-method": RiskMethodDocument,
    "risk-register": RiskRegisterDocument,
    "treatment-plan": TreatmentPlanDocument,
    "soa": ApplicabilityDocument,
}
