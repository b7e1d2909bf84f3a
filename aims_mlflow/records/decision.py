"""A gate's decision, and the consents that people sign for it: approvals and waivers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import DecimalText, Record, Sha256, Time
from aims_mlflow.records.evidence import Comparator
from aims_mlflow.records.policy import Mode, Stage

Basis = Literal["evidence", "restored", "legacy", "break-glass"]
Action = Literal["approval", "waiver", "revocation", "retirement"]


Condition = Literal[
    "limit", "unmeasured", "missing", "not-evaluated", "warned", "failed", "future", "stale",
    "held-out-rows", "held-out-set", "reevaluation",
]  # fmt: skip


class Unmet(Record):
    """One unmet condition of the policy: `text` describes it, `next` is the remedy.

    `condition` names the kind of shortfall; `value` is the measured value, which `comparator` compared with the limit.
    """

    control: str
    kind: str
    text: str
    next: str = ""
    where: str | None = None
    evidence: str | None = None
    metric: str | None = None
    slice: dict[str, str] = Field(default_factory=dict)
    waivable: bool = True
    condition: Condition | None = None
    value: DecimalText | None = None
    comparator: Comparator | None = None


class WaivedClaim(Record):
    """One failure that a waiver covers, as its signer knew it.

    A failure with a value is covered while the value is no worse than `value`. One without a value is covered in the
    record `evidence` alone.
    """

    kind: str
    condition: Condition
    metric: str | None = None
    slice: dict[str, str] | None = None
    value: DecimalText | None = None
    evidence: str | None = None


class Cosigner(Record):
    """Another person's emergency waiver: a break-glass counts by several together."""

    waiver: str
    owner: str


class WaivedBy(Record):
    """An unmet condition, and the waiver that covers it; a break-glass has the other people's in `cosigners`."""

    unmet: Unmet
    waiver: str
    owner: str
    reason: str
    expires: Time
    break_glass: bool = False
    cosigners: tuple[Cosigner, ...] = ()

    @property
    def waivers(self) -> tuple[str, ...]:
        """The ids of all waivers that it rests on."""
        return self.waiver, *(each.waiver for each in self.cosigners)

    @property
    def owners(self) -> tuple[str, ...]:
        """The people who signed them."""
        return self.owner, *(each.owner for each in self.cosigners)


class Supersession(Record):
    """A record that does not count, because a later record of its kind supersedes it, with both signers and the reason.

    `result` is what the superseded record said, and `instead` what the later one says.
    """

    kind: str
    record: str
    result: str
    owner: str
    by: str
    by_owner: str
    instead: str
    reason: str


class TakenBack(Record):
    """A revocation or retirement of these bytes, under any name: what was signed before it does not count."""

    action: Literal["revocation", "retirement"]
    model_name: str
    sequence: int
    time: Time


class PriorAuthority(Record):
    """Earlier authority of a version: it was allowed for this alias before, or adopted with it.

    `until` bounds it: the first waiver that it rested on to end, or the policy's last day for adopted versions.
    `sequence` is the leaf that gave it: what was taken back since then ends it. Earlier releases wrote none.
    """

    basis: Literal["restored", "legacy"]
    request: str
    sequence: int | None = None
    model_digest: Sha256
    time: Time
    until: Time | None = None
    evidence: tuple[Sha256, ...] = ()
    approvals: tuple[str, ...] = ()
    waived: tuple[WaivedBy, ...] = ()
    superseded: tuple[Supersession, ...] = ()


class Decision(Record):
    """The outcome of `decide`: allowed if all conditions are met, or if the stage only observes.

    `basis` says on what: `evidence`; `restored` (a version that this gate allowed for this alias before);
    `legacy` (adopted from before the gate); `break-glass`.
    """

    stage: Stage
    alias: str | None = None
    model_name: str
    version: str | None = None
    workspace: str | None = None
    basis: Basis = "evidence"
    model_digest: Sha256 | None = None
    mode: Mode
    allowed: bool
    would_refuse: bool
    unmet: tuple[Unmet, ...] = ()
    waived: tuple[WaivedBy, ...] = ()
    warnings: tuple[Unmet, ...] = ()
    evidence: tuple[Sha256, ...] = ()
    approvals: tuple[str, ...] = ()
    superseded: tuple[Supersession, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    run_id: str | None = None
    model_id: str | None = None
    system: str | None = None
    pack_digest: Sha256 | None = None
    policy_digest: Sha256 | None = None
    keyring_digest: Sha256 | None = None
    stage_digest: Sha256 | None = None
    # Files of the documents that the stage asked for and that counted. None: it asked for none.
    documents: tuple[Sha256, ...] | None = None
    # How many leaves about documents were read. None: the rules read no documents.
    documents_read: int | None = None
    # Versions to which a release could go back, where documents were read: a plan may name one.
    ways_back: tuple[str, ...] | None = None
    # Kinds of document that the policy's level `standard` asks for at deployment, and this stage did not.
    not_asked: tuple[str, ...] | None = None
    time: Time


class Consent(Record):
    """The details of a consent: its action, and the model, stage and rules that it is bound to.

    A waiver names one control, and in `claims` each failure of it that it covers; with `break_glass` it covers
    everything. `measure_due` is the day on which evidence of the compensating measure is due that its reason promises.
    Waivers of earlier releases name no claims: they cover the control, or its `metric` and `slice`. A revocation
    cancels every consent to these bytes. A retirement records that they are out of use for good. `log` names the log
    of the registry that it was signed for; consents of earlier builds name none.

    The signed details contain no text: `words` is the salted commitment to the comment and the signer's account.
    Both are sent and kept beside the consent, so that they can be erased. Older consents contain their comment.
    """

    action: Action
    model_name: str
    workspace: str | None = None
    stage: Stage
    alias: str | None = None
    stage_digest: Sha256
    log: str | None = None
    comment: str = Field(default="", max_length=500)
    words: Sha256 | None = None
    control: str | None = None
    metric: str | None = None
    slice: dict[str, str] | None = None
    expires: Time | None = None
    claims: tuple[WaivedClaim, ...] | None = None
    measure_due: Time | None = None
    break_glass: bool = False
