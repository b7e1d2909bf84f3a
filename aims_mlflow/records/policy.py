"""policy.yaml: the server's requirements for each stage; trainers cannot change it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.keyring import Role
from aims_mlflow.records.pack import GroupSetAside, Limit
from aims_mlflow.records.system import Label, Priority, SystemId

Stage = Literal["registration", "deployment"]
Mode = Literal["observe", "enforce"]


class PolicyLimit(Limit):
    """A limit for claims of one evidence kind, independent of the trainer's own limits.

    Attributes:
        metric: The metric, as claims name it, such as `selection_rate_ratio`.
        comparator: How the value is compared with the limit.
        limit: The limit.
        severity: With `warning`, a miss is shown and refuses nothing; with any other, it refuses.
        slice: Without it, the limit is for all rows and for each group of each single column; `{}` is for all rows
            alone, `{sex: "*"}` for each group of sex.
        verdict: With `interval`, the whole 95% interval must meet the limit.
        why: Why the limit is where it is.
        set_by: Who set the limit; refusals repeat it.
        set_on: The day on which they did.
        kind: The kind of evidence whose claims are compared, such as `fairness`.
        control: The control that a miss counts against, such as `A.6.2.4`.
        min_n: Values of fewer rows decide nothing.
        objectives: The limit is for systems that give each of these objectives of Annex C at least this priority.
        predicts: The limit is for models that predict a label, or a number; without it, for all.
    """

    kind: str
    control: str
    min_n: int | None = Field(default=None, ge=1)
    objectives: dict[str, Priority] = Field(default_factory=dict)
    # None: the digest of older policies stays.
    predicts: Literal["label", "number"] | None = None


class PolicySystem(Record):
    """What the server knows of a system; evidence that says something else fails. Without a key: as the evidence says.

    Attributes:
        id: The id of the system in aims.yaml.
        target: The column that is predicted.
        favourable: The label that people want to get.
        sensitive: The columns by which outcomes are compared; evidence that leaves one out fails.
        not_compared: Why outcomes are compared for no group, such as `no data about people`; fairness is then not
            applicable.
        objectives: The priorities of this system among the objectives of Annex C, such as `{fairness: high}`.
        min_held_out_rows: The least number of held-out rows.
        held_out_digests: The sha256 of each table on which `require_reevaluation` asks for an evaluation.
        reference: Column to the group that all others must have been compared with.
        set_aside: Groups that no limit on fairness is about, each with the reason; every decision shows them.
        limits: Limits of this system alone, beside those of the stage.
    """

    id: SystemId | None = None
    target: str | None = None
    favourable: Label | None = None
    sensitive: tuple[str, ...] | None = None
    not_compared: str | None = Field(default=None, min_length=10, max_length=300)
    objectives: dict[str, Priority] = Field(default_factory=dict)
    min_held_out_rows: int = Field(default=1, ge=1)
    held_out_digests: tuple[Sha256, ...] = ()
    reference: dict[str, str] | None = None
    set_aside: tuple[GroupSetAside, ...] | None = None
    limits: tuple[PolicyLimit, ...] = ()


class Requirement(Record):
    """A kind of evidence that a stage asks for, and the results that it may have; written as its name where any may.

    `{document: KIND}` asks for a document that people write, published and approved: it has no result.

    Attributes:
        kind: The kind of evidence, or of document.
        results: The results that it may have.
        written: True for a document; `{document: KIND}` is its short form.
    """

    kind: str
    results: tuple[Literal["passed", "warned"], ...] = Field(default=("passed", "warned"), min_length=1)
    written: Literal[True] | None = None


def _by_name(value: object) -> object:
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and set(value) == {"document"}:
        return {"kind": value["document"], "written": True}
    return value


class Approvals(Record):
    """How many owners must approve, none of them the trainer.

    Attributes:
        count: The number of approvals with the role approver, where `roles` is empty.
        roles: The number of approvals by role, such as `{approver: 1, risk-officer: 1}`.
    """

    count: int = Field(default=0, ge=0, le=10)
    roles: dict[Role, int] = Field(default_factory=dict)

    @property
    def needed(self) -> dict[Role, int]:
        """The number of approvals by role; without `roles`, all are approvers."""
        return self.roles or ({"approver": self.count} if self.count else {})


class StageRules(Record):
    """The requirements of one stage.

    Attributes:
        require: The kinds of evidence that must be there, each by its name or as a section.
        require_controls: Controls of which every condition must hold, whatever kinds are there.
        limits: The limits for values on held-out data.
        max_age_days: The greatest age of the newest record of each required kind.
        approvals: How many people must approve, and in which roles.
        signers: Owners (patterns) whose training evidence counts; empty: every trusted trainer.
        require_reevaluation: The role of those who evaluate again, on data that the system's `held_out_digests` name.
        aliases: The gated aliases: setting one puts a model into use.
    """

    require: tuple[Annotated[Requirement, BeforeValidator(_by_name)], ...] = ()
    # None: the digest of older policies stays.
    require_controls: tuple[str, ...] | None = None
    limits: tuple[PolicyLimit, ...] = ()
    max_age_days: int | None = Field(default=None, ge=1)
    approvals: Approvals = Approvals()
    signers: tuple[str, ...] = ()
    require_reevaluation: Role | None = None
    aliases: tuple[str, ...] = ()


class Enforcement(Record):
    """Whether a stage of the models that match refuses (enforce) or only seals what it would do (observe).

    Attributes:
        models: The pattern of model names; the last entry that matches decides.
        stage: The stage, or `*` for both.
        mode: Refuse, or only seal what would have been refused.
    """

    models: str = "*"
    stage: Literal["*", "registration", "deployment"] = "*"
    mode: Mode = "enforce"


class Caps(Record):
    """Bounds on what the gate reads for one decision.

    Attributes:
        max_files: The most files of a model.
        max_bytes: The most bytes of a model.
        max_inline_bytes: Larger models are hashed in the background: the client is told to ask again.
        max_records: The most records of a session.
        max_session_files: The most session files of a run.
        max_session_bytes: The most bytes of the session files of a run.
        max_refusals_per_hour: How many refusals of one caller, and about one model, each worker seals within an hour;
            100 by default.
        max_changes_per_hour: How many changes of one caller about one model each worker decides within an hour, and
            ten times as many about all models; 10,000 by default.
        max_hash_age_seconds: How long the digest of a larger model counts, where the store cannot tell whether files
            changed; 600 by default.
        reconcile_hours: How often the platform team runs `aims gate reconcile`, which hashes what is in use; without
            it, nothing is promised.
    """

    max_files: int = Field(default=10_000, ge=1)
    max_bytes: int = Field(default=256 * 1024**3, ge=1)
    max_inline_bytes: int = Field(default=2 * 1024**3, ge=0)
    max_records: int = Field(default=10_000, ge=1)
    max_session_files: int = Field(default=200, ge=1)
    max_session_bytes: int = Field(default=64 * 1024**2, ge=1)
    # None in these four: the digest of older policies stays.
    max_refusals_per_hour: int | None = Field(default=None, ge=1)
    max_changes_per_hour: int | None = Field(default=None, ge=1)
    max_hash_age_seconds: int | None = Field(default=None, ge=1)
    reconcile_hours: int | None = Field(default=None, ge=1)

    @property
    def refusals_per_hour(self) -> int:
        """How many refusals of one caller, and about one model, each worker seals within an hour."""
        return self.max_refusals_per_hour or 100

    @property
    def changes_per_hour(self) -> int:
        """How many changes of one caller about one model each worker decides within an hour."""
        return self.max_changes_per_hour or 10_000

    @property
    def hash_counts_seconds(self) -> int:
        """For how many seconds the digest of a large model counts on a disk."""
        return self.max_hash_age_seconds or 600


class Waivers(Record):
    """Bounds on waivers.

    Attributes:
        max_days: The longest time for which a waiver lasts; a longer one covers nothing.
        signers: `another`: whoever signs a waiver that a change rests on is not counted among those who approve it.
    """

    max_days: int = Field(default=90, ge=1)
    signers: Literal["another"] | None = None


class BreakGlass(Record):
    """The emergency waiver: of everything, by several people, for hours.

    Attributes:
        approvers: How many approvers must sign it, at least 2.
        max_hours: For how many hours it lasts at most.
    """

    approvers: int = Field(default=2, ge=2, le=10)
    max_hours: int = Field(default=72, ge=1, le=72)


class Legacy(Record):
    """What holds for versions that were there before the gate.

    Attributes:
        until: The last day on which they may keep or regain their aliases.
    """

    until: Day | None = None


class Policy(Record):
    """The whole of policy.yaml.

    Attributes:
        schema_version: The version of this file's form.
        systems: Pattern of model names to what the server knows of the system.
        default: What a name gets that matches no pattern; without it, such a name is refused.
        stages: The requirements of the stages `registration` and `deployment`.
        enforcement: Which models are refused, and which only observed.
        waivers: Bounds on waivers.
        break_glass: The emergency waiver.
        legacy: Versions from before the gate.
        locations: Places beside the server's own artifact root from which models may come.
        caps: Bounds on what one decision reads.
    """

    schema_version: Literal[1]
    systems: dict[str, PolicySystem] = Field(default_factory=dict)
    default: PolicySystem | None = None
    stages: dict[Stage, StageRules]
    enforcement: tuple[Enforcement, ...] = (Enforcement(),)
    waivers: Waivers = Waivers()
    break_glass: BreakGlass = BreakGlass()
    legacy: Legacy = Legacy()
    # None: the digest of older policies stays.
    locations: tuple[Annotated[str, Field(pattern=r"^([a-z][a-z0-9+.-]*:/|/).*")], ...] | None = None
    caps: Caps = Caps()
