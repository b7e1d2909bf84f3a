"""Models of the catalog: controls, clauses, objectives, evidence kinds and crosswalk rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Record

Need = Literal["required", "supports"]
CapturedBy = Literal["hooks", "human"]
About = Literal["model", "dataset", "system", "organization", "record"]
DueStage = Literal["training", "registration", "deployment", "operation", "organization"]


class KindUse(Record):
    """An evidence kind that answers a control: required, or a support that never suffices alone."""

    kind: str
    need: Need


class Condition(Record):
    """One condition of a control: the clause of `met` (or of `stale_when`) that it checks, and who owes its evidence.

    `due` is the stage from which on it is due, where that is a later one than the control's.
    """

    id: str
    clause: str
    holds: str
    kinds: tuple[str, ...] = Field(min_length=1)
    due: DueStage | None = None
    owed_by: str


class Control(Record):
    """An Annex A control, or a clause that evidence is kept for: id and short title are ISO's, the rest our words."""

    id: str
    title: str
    explanation: str
    auditor_asks: str
    answered_by: str
    evidence: tuple[KindUse, ...] = Field(min_length=1)
    when: str
    stage: DueStage
    by: Literal["hooks", "human", "both"]
    met: str
    conditions: tuple[Condition, ...] = Field(min_length=1)
    stale_when: str | None = None

    @property
    def group(self) -> str:
        """The Annex A group (`A.6` of `A.6.2.4`), or the first part of a clause."""
        parts = self.id.split(".")
        return ".".join(parts[:2]) if parts[0] == "A" else self.id


class EvidenceKind(Record):
    """A kind of evidence; `internal` kinds hold sessions together and answer no control."""

    id: str
    description: str
    captured: CapturedBy
    subject: About
    internal: bool = False


class Objective(Record):
    """An objective of Annex C."""

    id: str
    title: str
    explanation: str


class CrosswalkRow(Record):
    """Related requirements of other frameworks; an empty cell of the source is None."""

    element: str
    title: str
    nist_ai_rmf: str | None
    eu_ai_act: str | None
    iso_27001: str | None
    soc_2: str | None
    nist_csf: str | None
    hitrust: str | None
    shared_evidence: str | None


class Crosswalk(Record):
    """All rows, with the source that relates them; nobody has verified them."""

    source: str
    verified: Literal[False]
    relation: Literal["related"]
    rows: tuple[CrosswalkRow, ...]
