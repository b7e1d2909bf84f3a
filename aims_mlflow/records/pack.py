"""A pack: the checks that a system's data and models must pass, with a reason for each limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from aims_mlflow.records.base import DecimalText, Record, decimal_text
from aims_mlflow.records.evidence import Comparator, Severity
from aims_mlflow.records.expectation import DataQuality
from aims_mlflow.records.limit import LimitAuthor


def _number_text(value: object) -> object:
    """YAML reads `0.8` as a float; a limit is kept as the decimal that was written."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return decimal_text(value)
    return value


Task = Literal["binary-classification", "multiclass-classification", "regression"]
LimitText = Annotated[DecimalText, BeforeValidator(_number_text)]


class Limit(LimitAuthor):
    """A metric's limit: `metric comparator limit`, for all slices or for those of `slice`.

    `records.verdicts` has the rule. By the verdict "value", what meets the limit passes, and what misses it fails only
    where chance does not explain it. By "interval", the whole 95% interval must lie on one side of the limit.
    """

    metric: str
    comparator: Comparator
    limit: LimitText
    severity: Severity = "failing"
    slice: dict[str, str] | None = None
    verdict: Literal["value", "interval"] = "value"
    why: str = Field(min_length=1)


class GroupSetAside(Record):
    """A group that is not judged, named with the reason; every verdict shows it."""

    column: str
    group: str
    reason: str = Field(min_length=10)


class Population(Record):
    """How a column is distributed in the population that the system will be used on, and who says so."""

    column: str
    shares: dict[Annotated[str, BeforeValidator(_number_text)], LimitText] = Field(min_length=1)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _shares(self) -> Population:
        if any(not 0 < Decimal(share) <= 1 for share in self.shares.values()):
            raise ValueError("every share must be over 0 and at most 1")
        if sum(map(Decimal, self.shares.values())) > Decimal("1.001"):
            raise ValueError("the shares add up to more than 1")
        return self


class Representativeness(Record):
    """Whether the data represent the people that the system is used on (A.7.2): groups, gaps, labels and proxies.

    `populations` are what groups are compared with; without one, only differences within the data are measured, and
    limits on `share_over_population` and `share_outside_population` speak of nothing.
    """

    controls: tuple[str, ...] = ("A.7.2", "A.7.4")
    populations: tuple[Population, ...] = ()
    limits: tuple[Limit, ...] = ()
    pool_under: int = Field(default=20, ge=1)
    bootstrap: int = Field(default=1000, ge=0, le=100_000)


class Fairness(LimitAuthor):
    """How model outcomes may differ between groups of the sensitive columns.

    `control` names columns whose levels are looked at one by one (people of the same level are compared).
    `reference` names the group of a column that all others are compared with; without a name it is the largest.
    Groups under `min_n` (at least `pool_under`) rows are judged together; `min_n_why` says why from there. Groups in
    `set_aside` are not judged.
    """

    controls: tuple[str, ...] = ("A.6.2.4", "A.5.4")
    limits: tuple[Limit, ...] = ()
    reference: dict[str, Annotated[str, BeforeValidator(_number_text)]] = Field(default_factory=dict)
    set_aside: tuple[GroupSetAside, ...] = ()
    intersections: bool = True
    control: tuple[str, ...] = ()
    pool_under: int = Field(default=20, ge=1)
    min_n: int = Field(default=1, ge=1)
    min_n_why: str | None = None
    bootstrap: int = Field(default=1000, ge=0, le=100_000)


class Performance(LimitAuthor):
    """How good the model must be on held-out data, overall and for each slice.

    `slices` declares the columns by whose values performance is told, and among which, alone and in pairs, the worst
    slice is looked for; the sensitive columns are always among them. Alone, all groups that are shown are looked at;
    pairs of groups are from `worst_slice_rows` rows on.
    """

    controls: tuple[str, ...] = ("A.6.2.4",)
    limits: tuple[Limit, ...] = ()
    slices: tuple[str, ...] = ()
    worst_slice_rows: int = Field(default=50, ge=1)
    pool_under: int = Field(default=20, ge=1)
    min_n: int = Field(default=1, ge=1)
    min_n_why: str | None = None


# Evidently's names (stattests); those that want tables of one length, or two categories only, are left out.
NumericMethod = Literal[
    "anderson",
    "cramer_von_mises",
    "ed",
    "empirical_mmd",
    "es",
    "hellinger",
    "jensenshannon",
    "kl_div",
    "ks",
    "mannw",
    "psi",
    "t_test",
    "wasserstein",
]
CategoricalMethod = Literal["chisquare", "hellinger", "jensenshannon", "kl_div", "psi", "TVD"]


class Drift(LimitAuthor):
    """How far test data may lie from training data (Evidently's distances and thresholds, two-sample tests).

    `threshold` is for distances (over 1,000 training rows), and `missing` for the rise of a column's share of missing
    cells; beyond either a two-sample test must find chance unlikely too. `p_value` is for tests, corrected for their
    number. Labels, and predictions of both tables, are held
    to the same limits and are not counted among the columns of `drifted_share`. With `method: evidently`, `numeric` and
    `categorical` take another of Evidently's methods by its name; without them Evidently's own defaults hold, but for
    its chi-square test, which does not keep its level for two samples: that of homogeneity takes its place.
    """

    controls: tuple[str, ...] = ("A.6.2.4", "A.7.2")
    method: Literal["auto", "exact", "histogram", "evidently"] = "auto"
    numeric: NumericMethod | None = None
    categorical: CategoricalMethod | None = None
    threshold: LimitText = "0.1"
    p_value: LimitText = "0.05"
    missing: LimitText = "0.1"
    drifted_share: LimitText = "0.5"
    severity: Severity = "warning"
    why: str = (
        "Evidently's defaults: distance 0.1 or p-value 0.05 for a column, half of the columns for a data set; for "
        "missing cells our starting point"
    )

    @model_validator(mode="after")
    def _by_name(self) -> Drift:
        if (self.numeric or self.categorical) and self.method != "evidently":
            raise ValueError("a method by Evidently's name is Evidently's own to compute: set method: evidently")
        return self


class Monitor(LimitAuthor):
    """How far data in operation may lie from the baseline kept at training (A.6.2.6, clause 9.1).

    A column is in breach where its distance reaches `threshold`, its share of missing cells rises by more than
    `missing`, or that of categories that training hardly had by more than `unseen`, and chance alone is unlikely to do
    that: the p-value, corrected for everything that is looked at (Holm), is under `p_value`.
    """

    controls: tuple[str, ...] = ("A.6.2.6",)
    threshold: LimitText = "0.1"
    p_value: LimitText = "0.05"
    missing: LimitText = "0.1"
    unseen: LimitText = "0.05"
    severity: Severity = "failing"
    why: str = (
        "Evidently's distance of 0.1, and only where chance is unlikely at 5% over all columns; for missing cells and "
        "new categories our starting points"
    )


class Leakage(LimitAuthor):
    """Which share of the test rows may also be in the training data, and how well one column alone may tell the target.

    Beyond chance, a share over `trained_on` is not held out. `column_auc` and `column_r2` are for any column (area
    under the ROC curve of one label against the others; explained share of the variance of a number's ranks),
    `named_auc` and `named_r2` for columns whose name repeats the target's or speaks of what comes after the outcome.
    `known_before` declares columns that are known before it, each with the reason: they are measured and not judged.
    """

    controls: tuple[str, ...] = ("A.6.2.4",)
    overlap: LimitText = "0.01"
    severity: Severity = "warning"
    why: str = "rows seen in training flatter the test; a warning, since coarse tables hold natural duplicates"
    trained_on: LimitText = "0.05"
    trained_on_why: str = "our starting point: 5% of rows known by heart move the accuracy by up to five points"
    column_auc: LimitText = "0.9"
    column_r2: LimitText = "0.95"
    named_auc: LimitText = "0.7"
    named_r2: LimitText = "0.5"
    column_severity: Severity = "warning"
    column_why: str = (
        "our starting points: of the 34 columns of adult and german credit none reaches an AUC of 0.8 by itself, while "
        "is_recid of COMPAS, the outcome in other words, reaches 0.97, and good models of all columns of adult 0.9; "
        "over 0.95 of the variance leaves an error under a quarter of the spread; a suspicious name lowers both"
    )
    known_before: dict[str, str] = Field(default_factory=dict)


def _steady() -> tuple[Limit, ...]:
    why = "our starting point, no norm sets it: one answer in ten may turn where inputs hardly changed"
    rows = [("agreement_under_noise", ">=", "0.9"), ("agreement_with_missing", ">=", "0.8")]
    rows += [("agreement_under_shift", ">=", "0.8"), ("unsafe_model_files", "==", "0")]
    reasons = {
        "unsafe_model_files": "a file that runs code when it is loaded gives its author the machine; skops, ONNX, "
        "safetensors and the libraries' own formats do not, and of an unknown format nobody can say",
        "agreement_with_missing": "our starting point; cells go missing in operation, and answers should seldom turn",
        "agreement_under_shift": "our starting point; instruments drift and prices rise, half a deviation is much",
    }
    return tuple(
        Limit(metric=name, comparator=comparator, limit=limit, severity="warning", why=reasons.get(name, why))
        for name, comparator, limit in rows
    )


class Robustness(Record):
    """How stable a model's predictions are if inputs are noisy, missing or shifted, and how its files are stored.

    `noise` and `shift` are in standard deviations of each number, `missing` is the share of cells that are emptied;
    `rows` is how many rows are asked about. The numbers are shifted one at a time, and asked about together.
    """

    controls: tuple[str, ...] = ("A.6.2.4",)
    noise: LimitText = "0.1"
    missing: LimitText = "0.1"
    shift: LimitText = "0.5"
    rows: int = Field(default=2000, ge=50, le=100_000)
    limits: tuple[Limit, ...] = Field(default_factory=_steady)


class Privacy(LimitAuthor):
    """Personal data among the columns: what is declared here, sensitive or an identifier is known of."""

    controls: tuple[str, ...] = ("A.7.4",)
    declared: tuple[str, ...] = ()
    severity: Severity = "warning"
    why: str = (
        "personal data that the data sheet does not name have no purpose, right or retention stated "
        "(A.7.3; GDPR art. 5(1)(b), (c) and 30(1)(c))"
    )


class OwnCheck(Record):
    """A check that a team wrote, by its name among the entry points `aims_mlflow.checks`, with settings of its own."""

    name: str
    controls: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    why: str = Field(min_length=1)


class Pack(LimitAuthor):
    """A named, versioned set of checks; `set_by` and `set_on` hold for all of its limits that do not say otherwise.

    A pack that `extends` another (a shipped pack, or a folder) holds only what differs: keys replace keys, a limit
    replaces the one on the same metric and slice, an expectation the one of the same type and columns, and
    `without` leaves entries out (`fairness.equalized_odds_difference`, `data_quality.expect_...:column`).
    """

    name: str
    version: str
    description: str
    extends: str | None = None
    without: tuple[str, ...] = ()
    checks: tuple[OwnCheck, ...] = ()
    task: Task = "binary-classification"
    data_quality: DataQuality = DataQuality()
    representativeness: Representativeness = Representativeness()
    fairness: Fairness = Fairness()
    performance: Performance = Performance()
    drift: Drift = Drift()
    monitor: Monitor = Monitor()
    robustness: Robustness = Robustness()
    privacy: Privacy = Privacy()
    leakage: Leakage = Leakage()

    @model_validator(mode="before")
    @classmethod
    def _version_text(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("version"), int | float):
            return {**value, "version": str(value["version"])}
        return value
