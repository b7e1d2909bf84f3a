"""A gate's decision, and what people say to a gate: approvals and waivers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Record, Sha256, Time
from aims_mlflow.records.policy import Mode, Stage


class Unmet(Record):
    """One condition of the policy that does not hold: the text says what, `next` how to mend it."""

    control: str
    kind: str
    text: str
    next: str = ""
    where: str | None = None
    evidence: str | None = None
    metric: str | None = None
    slice: dict[str, str] = Field(default_factory=dict)
    waivable: bool = True


class WaivedBy(Record):
    """An unmet condition that a waiver covers, and which."""

    unmet: Unmet
    waiver: str
    owner: str
    reason: str
    expires: Time


class Decision(Record):
    """The outcome of `decide`: allowed when nothing is unmet, or when the stage only observes."""

    stage: Stage
    alias: str | None = None
    model_name: str
    version: str | None = None
    model_digest: Sha256 | None = None
    mode: Mode
    allowed: bool
    would_refuse: bool
    unmet: tuple[Unmet, ...] = ()
    waived: tuple[WaivedBy, ...] = ()
    warnings: tuple[Unmet, ...] = ()
    evidence: tuple[Sha256, ...] = ()
    approvals: tuple[str, ...] = ()
    run_id: str | None = None
    model_id: str | None = None
    system: str | None = None
    pack_digest: Sha256 | None = None
    policy_digest: Sha256 | None = None
    keyring_digest: Sha256 | None = None
    stage_digest: Sha256 | None = None
    time: Time


class Consent(Record):
    """The details of an approval or waiver record: what it is bound to.

    A waiver names one control, and may be narrowed to a metric and to a slice (a group) of it.
    """

    action: Literal["approval", "waiver"]
    model_name: str
    stage: Stage
    alias: str | None = None
    stage_digest: Sha256
    comment: str = Field(default="", max_length=500)
    control: str | None = None
    metric: str | None = None
    slice: dict[str, str] | None = None
    expires: Time | None = None
