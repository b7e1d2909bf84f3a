"""A.7, A.8 and A.9: data processes, information for users and parties, incidents told, and responsible use."""

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
from aims_mlflow.records.documents.legal import InstructionsForUse


class DataManagementDocument(TextDocument):
    """The process for data that build and improve a system."""

    ABOUT = "system"

    process: Text | None = needed("how data are chosen, checked, kept and deleted")
    responsible: Person | None = needed("who answers for it")


class QualityRequirement(Record):
    """What must be true of data, and why."""

    column: Text | None = optional("column or table that it is about")
    characteristic: Text | None = optional("characteristic, in the words of ISO/IEC 5259-2")
    expectation: Text = Field(description="what must be true")
    limit: Text | None = needed("to which degree, e.g. at most 2 %")
    reason: Text | None = needed("why, for which use")


class QualityRequirementsDocument(LogDocument):
    """What data must be like, with reasons, approved beforehand."""

    ABOUT = "system"

    requirements: tuple[QualityRequirement, ...] = entries("what must be true of the data, to which degree, and why")


class ProvenanceProcessDocument(TextDocument):
    """How the origin of data is kept."""

    ABOUT = "either"

    process: Text | None = needed("how the origin of data is kept from source to training")
    responsible: Person | None = needed("who answers for it")


class PreparationCriterion(Record):
    """When a step of preparation may be done."""

    step: Text = Field(description="step of the preparation, by the name of its function in the code")
    allowed_when: Text | None = needed("when it may be done")
    reason: Text | None = needed("why")
    most_rows_lost: Text | None = optional("share of rows that it may lose, overall and by group")


class PreparationCriteriaDocument(LogDocument):
    """The criteria by which data are prepared."""

    ABOUT = "system"

    criteria: tuple[PreparationCriterion, ...] = entries("which steps may be done, when, and why")


class UserInformationDocument(TextDocument):
    """What users of a system are told."""

    ABOUT = "system"

    audience: Literal["user", "affected", "deployer"] | None = needed("for whom it is")
    reading_level: Text | None = optional("reading level")
    where: Text | None = needed("where they find it")
    published_at: Day | None = optional("since when")
    says: Texts = needed("what they are told: that it is AI, its purpose, what decides, how good it is", ())
    limits: Texts = needed("which limits they are told", ())
    oversight: Text | None = optional("who watches over it")
    how_to_contest: Text | None = needed("how they contest a result")
    contact: Text | None = needed("whom they ask")
    instructions: InstructionsForUse | None = optional("what Art. 13 and 50 of the AI Act ask: the form `instructions`")


class ReportChannelDocument(TextDocument):
    """How people outside report adverse effects."""

    ABOUT = "system"

    address: Text | None = needed("where they report")
    who_reads: Person | None = needed("who reads it")
    target_days: Days | None = needed("within how many days they get an answer")


class Triage(Record):
    """Who looked at a report first."""

    by: Person | None = needed("who looked at it")
    time: Day | None = optional("when")


class AdverseReport(Record):
    """A report of an adverse effect."""

    id: Text = Field(description="id of the report")
    received: Day | None = optional("day on which it came")
    origin: Literal["outside", "inside"] = Field(description="outside or inside", alias="from")
    about: Text | None = optional("what it is about")
    triage: Triage | None = needed("who looked at it first, and when")
    harm: bool | None = optional("whether somebody was harmed")
    incident: Text | None = optional("incident that it led to")
    answered: Day | None = optional("day of the answer")


class ChannelTest(Record):
    """A test of the channel."""

    by: Literal["outside", "inside"] = Field(description="outside or inside")
    person: Person | None = optional("who tested")
    date: Day | None = optional("day of the test report")
    token: Text | None = optional("word by which it was found again")
    reached: Day | None = needed("day on which it reached the person who sorts reports")


class ReportLogDocument(LogDocument):
    """Reports from outside, and what became of them."""

    ABOUT = "system"

    tests: tuple[ChannelTest, ...] = entries("when an outsider tested the channel")
    reports: tuple[AdverseReport, ...] = optional("which reports came, and who looked at each", ())


class ToldAudience(Record):
    """Who is told of an incident, and how fast."""

    audience: Text = Field(description="audience")
    within: Text | None = needed("within what time")
    what: Text | None = optional("what they are told")
    how: Text | None = optional("by which way")


class IncidentCommunicationDocument(LogDocument):
    """Who is told what, and when, after an incident."""

    ABOUT = "system"

    audiences: tuple[ToldAudience, ...] = entries("who is told what, and within what time")


class NoticeEntry(Record):
    """A message about an incident."""

    incident: Text = Field(description="id of the incident")
    audience: Text | None = needed("who was told")
    sent: Day | None = optional("day on which it was sent")
    due: Day | None = needed("day by which it had to be sent")
    text: Text | None = optional("what was said")


class NoticeDocument(LogDocument):
    """Messages to users about incidents."""

    ABOUT = "system"

    notices: tuple[NoticeEntry, ...] = entries("who was told of which incident, and by which day")


class DisclosureDuty(Record):
    """A duty to inform."""

    to: Text = Field(description="to whom")
    what: Text | None = needed("what must be told")
    trigger: Text | None = optional("what makes it due")
    deadline: Text | None = optional("within what time")
    law: Text | None = needed("by which law or contract")
    checked_on: Day | None = needed("on which day that was looked up")
    changed_on: Day | None = optional("day from which the law, or its last change, applies")


class DisclosureDutiesDocument(LogDocument):
    """What must be told to whom."""

    ABOUT = "system"

    duties: tuple[DisclosureDuty, ...] = entries("what must be told to whom, by which law")


class DisclosureEntry(Record):
    """A duty that was discharged."""

    duty: Text = Field(description="duty, by what is told")
    sent: Day | None = needed("on which day")
    proof: Text | None = needed("what proves it")


class DisclosureDocument(LogDocument):
    """Information that was given to an authority or another party."""

    ABOUT = "system"

    disclosures: tuple[DisclosureEntry, ...] = entries("which duties were discharged, when, with which proof")


class UseProcessDocument(TextDocument):
    """How systems are to be used, with human oversight."""

    ABOUT = "either"

    process: Text | None = needed("how systems are to be used")
    oversight: Text | None = needed("who watches and who may overrule")


class OversightPeriod(Record):
    """How people watched over a system in a period."""

    begin: Day | None = optional("first day")
    end: Day | None = needed("last day")
    by: Person | None = needed("who watched")
    decisions: Count | None = needed("how many decisions there were")
    reviewed: Count | None = needed("how many of them a person reviewed")
    promised: Count | None = needed("how many reviews were promised: by the use process, a waiver or a measure")
    refusals: Count | None = optional("how many decisions were refusals, where a review of each of them is promised")
    refusals_reviewed: Count | None = optional("how many of the refusals a person reviewed")
    overruled: Count | None = optional("how many a person overruled")
    reasons: Text | None = optional("why")
    sample: Text | None = optional("how they were chosen")


class OversightDocument(LogDocument):
    """People overseeing or overruling a system in use."""

    ABOUT = "system"

    periods: tuple[OversightPeriod, ...] = entries("how many decisions people reviewed in which period, and who")


class UseObjective(Record):
    """A measurable objective of use."""

    objective: Text = Field(description="objective")
    metric: Text | None = needed("by which metric it is measured")
    target: Text | None = needed("which target it has")
    period: Text | None = optional("in which period")
    result: Text | None = needed("which result it had")
    reviewed: Day | None = needed("on which day that was looked at")


class UseObjectivesDocument(LogDocument):
    """Measurable objectives for responsible use."""

    ABOUT = "system"

    objectives: tuple[UseObjective, ...] = entries("which objectives of use, with target and result")


class IntendedUseDocument(TextDocument):
    """What a system is for, and what it is not for."""

    ABOUT = "system"

    use: Text | None = needed("what it is for")
    not_for: Texts = needed("what it is not for", ())
    users: Texts = needed("who may work with it, e.g. loan officers", ())
    conditions: Texts = optional("under which conditions", ())
    text_sha256: Sha256 | None = optional("sha256 of the text that users see")


KINDS: dict[str, type[WrittenDocument]] = {
    "data-management": DataManagementDocument,
    "quality-requirements": QualityRequirementsDocument,
    "provenance-process": ProvenanceProcessDocument,
    "preparation-criteria": PreparationCriteriaDocument,
    "user-information": UserInformationDocument,
    "report-channel": ReportChannelDocument,
    "report-log": ReportLogDocument,
    "incident-communication-plan": IncidentCommunicationDocument,
    "notice": NoticeDocument,
    "disclosure-duties": DisclosureDutiesDocument,
    "disclosure": DisclosureDocument,
    "use-process": UseProcessDocument,
    "oversight-record": OversightDocument,
    "use-objectives": UseObjectivesDocument,
    "intended-use": IntendedUseDocument,
}
