"""Clause 10: an incident from its detection to its closing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256, Time
from aims_mlflow.records.documents.base import (
    Count,
    LogDocument,
    Person,
    Text,
    Texts,
    WrittenDocument,
    entries,
    needed,
    optional,
)

SeriousHarm = Literal["death", "widespread infringement", "critical infrastructure", "other serious harm"]


class IncidentHarm(Record):
    """Whom an incident harmed, and how."""

    kind: Text = Field(description="kind of harm")
    groups: Texts = optional("groups that were harmed, as column=value where they are in the data", ())
    n: Count | None = optional("how many people")


class IncidentStep(Record):
    """Something that happened or was done."""

    time: Time = Field(description="when")
    what: Text = Field(description="what")
    by: Person | None = optional("who")


class IncidentDuty(Record):
    """A duty to tell somebody of the incident."""

    to: Text = Field(description="to whom")
    law: Text | None = needed("by which law or contract")
    due: Day | None = optional("day by which it has to be sent; computed from the law where none is stated")
    sent: Day | None = optional("day on which it was sent")


class RootCause(Record):
    """What caused the incident."""

    method: Text | None = optional("how it was found out")
    cause: Text | None = needed("what caused it")
    evidence: Texts = optional("ids of the records that show it", ())


class IncidentDocument(LogDocument):
    """What went wrong in use, whom it harmed, what was done, and why it may be closed."""

    ABOUT = "system"

    detected: Text | None = needed("how it was detected")
    detected_on: Day | None = needed("on which day it was detected")
    aware_on: Day | None = needed("on which day the organisation became aware of it")
    model_digest: Sha256 | None = optional("model that it is about, by the fingerprint of its files (dirHash1)")
    harm: IncidentHarm | None = needed("whom it harmed, and how")
    serious: SeriousHarm | Literal["no"] | None = needed("which serious harm under the law that applies, or no")
    serious_reason: Text | None = needed("why it is serious or not")
    severity: Text | None = optional("how grave, by a level of impact of risk-method")
    contained_on: Day | None = optional("on which day it was contained")
    timeline: tuple[IncidentStep, ...] = optional("what happened and what was done, in order", ())
    duties: tuple[IncidentDuty, ...] = optional("who has to be told, by which day", ())
    root_cause: RootCause | None = needed("what caused it, and what shows that")
    risks: Texts = optional("risks that it changed, by their ids", ())
    risks_reviewed: Day | None = optional("day on which its risks were assessed again")
    impact_reassessed: Day | None = optional("day on which the impact assessment was made again")
    monitoring_changed: Text | None = optional("what is watched now that would have shown it")
    status: Literal["open", "contained", "closed"] | None = needed("open, contained or closed")
    closed_by: Texts = optional("ids of the records of the test that closed it", ())
    actions: Texts = entries("ids of the corrective actions")


KINDS: dict[str, type[WrittenDocument]] = {"incident": IncidentDocument}
