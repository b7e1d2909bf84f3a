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
    """A limit for claims of one evidence kind, independent of the trainer's own limits."""

    kind: str
    control: str
    # Values of fewer rows decide nothing.
    min_n: int | None = Field(default=None, ge=1)
    # Annex C: the limit is for systems that give each of these objectives at least this priority.
    objectives: dict[str, Priority] = Field(default_factory=dict)
    # The limit is for models that predict a label, or a number. None: for all; the digest of older policies stays.
    predicts: Literal["label", "number"] | None = None


class PolicySystem(Record):
    """What the server knows of a system; evidence that says something else fails. None: as the evidence says."""

    id: SystemId | None = None
    target: str | None = None
    favourable: Label | None = None
    sensitive: tuple[str, ...] | None = None
    # Why outcomes are compared for no group ("no data about people"); fairness is then not applicable.
    not_compared: str | None = Field(default=None, min_length=10, max_length=300)
    objectives: dict[str, Priority] = Field(default_factory=dict)
    min_held_out_rows: int = Field(default=1, ge=1)
    held_out_digests: tuple[Sha256, ...] = ()
    # Column -> the group that all others must have been compared with.
    reference: dict[str, str] | None = None
    # Groups that no limit on fairness is about, each with the reason; every decision shows them.
    set_aside: tuple[GroupSetAside, ...] | None = None
    # Limits of this system alone, beside those of the stage.
    limits: tuple[PolicyLimit, ...] = ()


class Requirement(Record):
    """A kind of evidence that a stage asks for, and the results that it may have; written as its name where any may.

    `{document: KIND}` asks for a document that people write, published and approved: it has no result.
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
    """How many owners must approve, none of them the trainer; `roles` says how many of them in which role."""

    count: int = Field(default=0, ge=0, le=10)
    roles: dict[Role, int] = Field(default_factory=dict)

    @property
    def needed(self) -> dict[Role, int]:
        """The number of approvals by role; without `roles`, all are approvers."""
        return self.roles or ({"approver": self.count} if self.count else {})


class StageRules(Record):
    """The requirements of one stage."""

    require: tuple[Annotated[Requirement, BeforeValidator(_by_name)], ...] = ()
    # Controls of which every condition must hold, whatever kinds are there. None: the digest of older policies stays.
    require_controls: tuple[str, ...] | None = None
    limits: tuple[PolicyLimit, ...] = ()
    max_age_days: int | None = Field(default=None, ge=1)
    approvals: Approvals = Approvals()
    # Owners (patterns) whose training evidence counts; empty: every trusted trainer.
    signers: tuple[str, ...] = ()
    # The role of those who evaluate again, on held-out data that the system's entry names by digest.
    require_reevaluation: Role | None = None
    aliases: tuple[str, ...] = ()


class Enforcement(Record):
    """Whether a stage of the models that match refuses (enforce) or only seals what it would do (observe)."""

    models: str = "*"
    stage: Literal["*", "registration", "deployment"] = "*"
    mode: Mode = "enforce"


class Caps(Record):
    """Bounds on what the gate reads for one decision."""

    max_files: int = Field(default=10_000, ge=1)
    max_bytes: int = Field(default=256 * 1024**3, ge=1)
    # Larger models are hashed in the background: the client is told to ask again.
    max_inline_bytes: int = Field(default=2 * 1024**3, ge=0)
    max_records: int = Field(default=10_000, ge=1)
    max_session_files: int = Field(default=200, ge=1)
    max_session_bytes: int = Field(default=64 * 1024**2, ge=1)
    # How many refusals of one caller, and about one model, each worker seals within an hour. None: 100.
    max_refusals_per_hour: int | None = Field(default=None, ge=1)
    # How many changes of one caller about one model each worker decides within an hour, and ten times as many about all
    # models. None: 1,000.
    max_changes_per_hour: int | None = Field(default=None, ge=1)
    # How long the digest of a larger model counts, where the store cannot tell whether files changed. None: 600; the
    # digest of older policies stays.
    max_hash_age_seconds: int | None = Field(default=None, ge=1)
    # How often the platform team runs `aims gate reconcile`, which hashes what is in use. None: nothing is promised.
    reconcile_hours: int | None = Field(default=None, ge=1)

    @property
    def refusals_per_hour(self) -> int:
        """How many refusals of one caller, and about one model, each worker seals within an hour."""
        return self.max_refusals_per_hour or 100

    @property
    def changes_per_hour(self) -> int:
        """How many changes of one caller about one model each worker decides within an hour."""
        return self.max_changes_per_hour or 1000

    @property
    def hash_counts_seconds(self) -> int:
        """For how many seconds the digest of a large model counts on a disk."""
        return self.max_hash_age_seconds or 600


class Waivers(Record):
    """Bounds on waivers."""

    max_days: int = Field(default=90, ge=1)
    # `another`: whoever signs a waiver that a change rests on is not counted among those who approve it.
    signers: Literal["another"] | None = None


class BreakGlass(Record):
    """The emergency waiver: of everything, by several people, for hours."""

    approvers: int = Field(default=2, ge=2, le=10)
    max_hours: int = Field(default=72, ge=1, le=72)


class Legacy(Record):
    """Until which day versions that were there before the gate may keep or regain their aliases."""

    until: Day | None = None


class Policy(Record):
    """The whole of policy.yaml."""

    schema_version: Literal[1]
    systems: dict[str, PolicySystem] = Field(default_factory=dict)
    default: PolicySystem | None = None
    stages: dict[Stage, StageRules]
    enforcement: tuple[Enforcement, ...] = (Enforcement(),)
    waivers: Waivers = Waivers()
    break_glass: BreakGlass = BreakGlass()
    legacy: Legacy = Legacy()
    # Places beside the server's own artifact root from which models may come. None: none; older digests stay.
    locations: tuple[Annotated[str, Field(pattern=r"^([a-z][a-z0-9+.-]*:/|/).*")], ...] | None = None
    caps: Caps = Caps()
