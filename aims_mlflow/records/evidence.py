"""The body of one evidence record: the evaluation, its subject, its author and its result."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from aims_mlflow.records.base import DecimalText, Record, Sha256, Time, Uuid7
from aims_mlflow.records.limit import LimitOrigin

SCHEMA_VERSION: Literal[1] = 1
Result = Literal["passed", "warned", "failed", "not_evaluated"]
Comparator = Literal[">=", "<=", ">", "<", "=="]
Severity = Literal["blocking", "failing", "warning"]


def _no_floats(value: Any) -> Any:
    """A float has no canonical bytes that every language agrees on: exact numbers are strings."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, float):
            raise ValueError("a float stands where an integer or a decimal string belongs")  # noqa: TRY004
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                raise ValueError("a key is not text")
            left.extend(each.values())
        elif isinstance(each, list | tuple):
            left.extend(each)
    return value


Details = Annotated[dict[str, Any], AfterValidator(_no_floats)]


class Interval(Record):
    """A confidence interval of a claim's value, or a range, whose coverage nothing shows."""

    low: DecimalText
    high: DecimalText
    level: DecimalText = "0.95"
    method: str

    @property
    def is_range(self) -> bool:
        """Whether this only says how the value varies: a bootstrap range, or an approximate one."""
        return "range" in self.method or self.method.startswith("approximate")


class Claim(Record):
    """One measured value, and the limit that it was compared with.

    `slice` names the rows: {} all of them, {"sex": "Female"} one group, {"sex": "*"} a value
    that describes all groups of a column. `value` None means undefined, and `note` says why.
    `reference` names the group that the rows of `slice` are compared with.
    `n_of` names the group whose rows `n` counts, where that is not `slice`. `limit_origin` says who set the limit, when
    and why. `passed` None means that there was no limit, or that the data do not decide.
    """

    metric: str
    slice: dict[str, str] = Field(default_factory=dict)
    reference: dict[str, str] | None = None
    role: str = "test"
    value: DecimalText | None = None
    n: int | None = None
    n_of: dict[str, str] | None = None
    interval: Interval | None = None
    comparator: Comparator | None = None
    limit: DecimalText | None = None
    severity: Severity = "failing"
    limit_origin: LimitOrigin | None = None
    passed: bool | None = None
    note: str | None = None

    @property
    def equality(self) -> str | None:
        """The value that means no difference from the reference group; None for what is no comparison."""
        if self.reference is None:
            return None
        return "1" if self.metric.endswith("_ratio") else "0"


class Artifact(Record):
    """A file that the record relies on; `path` is relative to the run's artifact root."""

    path: str
    sha256: Sha256
    size: int
    media_type: str = "application/octet-stream"


class Supersedes(Record):
    """An earlier record that this one undoes, and why."""

    id: Uuid7
    reason: str = Field(min_length=1)


class MlflowIds(Record):
    """Where MLflow keeps it. These locate; only digests decide."""

    run_id: str | None = None
    experiment_id: str | None = None
    model_id: str | None = None


class Evidence(Record):
    """The predicate body of one record; `docs/evidence-format.md` describes every field."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Uuid7
    session: Uuid7 | None = None
    sequence: int | None = Field(default=None, ge=0)
    previous: Sha256 | None = None
    kind: str
    result: Result
    reason: str | None = None
    system: str | None = None
    controls: tuple[str, ...] = ()
    actor: str
    key_id: Sha256
    time: Time
    mlflow: MlflowIds = MlflowIds()
    pack_digest: Sha256 | None = None
    policy_digest: Sha256 | None = None
    checkpoint: str | None = None
    claims: tuple[Claim, ...] = ()
    # sha256 of what stands beside the record: a salt, and numbers that would tell counts under 20.
    withheld: Sha256 | None = None
    artifacts: tuple[Artifact, ...] = ()
    tools: dict[str, str] = Field(default_factory=dict)
    valid_until: Time | None = None
    supersedes: Supersedes | None = None
    details: Details = Field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Whether a person recorded it with `aims.record`."""
        return self.details.get("by_hand") is True


def worst(results: list[Result]) -> Result:
    """Return the result that decides for several: failed, then not evaluated, then warned."""
    for result in ("failed", "not_evaluated", "warned"):
        if result in results:
            return result
    return "passed" if results else "not_evaluated"


def result_of(claims: list[Claim]) -> Result:
    """Return the result that a check's claims add up to; no claim at all is not evaluated."""
    if not claims:
        return "not_evaluated"
    results: list[Result] = []
    for claim in claims:
        if claim.passed is False:
            results.append("warned" if claim.severity == "warning" else "failed")
        elif claim.passed is None and claim.limit is not None:
            results.append("warned" if claim.severity == "warning" else "not_evaluated")
        else:
            results.append("passed")
    return worst(results)
