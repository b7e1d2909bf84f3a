"""Details of the records that checks make; claims hold the measured values."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from aims_mlflow.records.base import DecimalText, Sha256
from aims_mlflow.records.details.base import BootstrapDescription, DataByRole, EvidenceDetails
from aims_mlflow.records.open_record import OpenRecord


class CheckDetails(EvidenceDetails):
    """What the training adds to the details of every check."""

    role: str | None = Field(None, description="role of the data, of a check of one data set")
    data: DataByRole | None = Field(None, description="role to data set, of a check of a model")
    rows: int | None = Field(None, description="rows that were evaluated")


class ExpectationDescription(OpenRecord):
    """One expectation of the pack."""

    type: str = Field(description="name in Great Expectations")
    severity: str = Field(description="severity")
    characteristic: str = Field(description="quality characteristic")
    why: str | None = Field(None, description="reason for it")


class ValueExamples(OpenRecord):
    """Values that broke an expectation, where the pack allows examples."""

    type: str = Field(description="name in Great Expectations")
    column: str = Field(description="column")
    values: list[Any] = Field(description="values")


class DataQualityDetails(CheckDetails):
    """Data quality of one data set, or a search for columns that look personal, or that tell the target."""

    SUBJECTS = "the data set"
    columns: int | dict[str, str] | None = Field(
        None, description="number of columns; of a search: column to the reason why it was found"
    )
    expectations: list[ExpectationDescription] | None = Field(None, description="expectations that were held")
    examples: list[ValueExamples] | None = Field(None, description="values that broke them")
    declared: list[str] | None = Field(
        None, description="columns that are declared personal, or known before the outcome"
    )
    special_categories: dict[str, str] | None = Field(
        None, description="column to the special category of personal data (GDPR art. 9 and 10) that its name says"
    )
    left_out: dict[str, str] | None = Field(None, description="column to the reason why it was not looked at")


class PopulationComparison(OpenRecord):
    """Groups of one column that were compared."""

    column: str = Field(description="column")
    groups: int = Field(description="groups that were counted")
    groups_pooled: int = Field(description="small groups that were pooled")


class RepresentativenessDetails(CheckDetails):
    """Whether the groups of the data represent a population."""

    SUBJECTS = "the data set"
    columns: list[PopulationComparison] | None = Field(None, description="columns that were compared")
    in_bins: list[str] | None = Field(None, description="columns whose numbers were put into bins")
    left_out: dict[str, str] | None = Field(None, description="column to the reason why it is not judged as a proxy")
    populations: list[dict[str, Any]] | None = Field(None, description="populations of the pack")
    bootstrap: BootstrapDescription | None = Field(None, description="resampling")


class OutputMeaning(CheckDetails):
    """The interpretation of a model's predictions in a check."""

    NULLS: ClassVar[frozenset[str]] = frozenset({"favourable", "threshold"})
    target: str | None = Field(None, description="column that is predicted")
    favourable: str | None = Field(None, description="favourable label; null where there is none")
    task: str | None = Field(None, description="kind of prediction")
    threshold: str | None = Field(None, description="value from which on a person is selected; null where none is set")
    in_bins: list[str] | None = Field(None, description="columns whose numbers were put into bins")
    bootstrap: BootstrapDescription | None = Field(None, description="resampling")


class LoadedModel(OpenRecord):
    """The logged model, loaded again and asked for held-out rows: it answered what the evidence is made of."""

    process: str = Field(description="`this`, or `fresh` for a model that carries code of its own")
    rows: int = Field(description="rows that were compared, evenly spread")


class PredictFunction(OpenRecord):
    """The function `predict=` that the person gave."""

    name: str = Field(description="name of the function")
    source_digest: Sha256 | None = Field(None, description="sha256 of its source, where there is one")
    stored: str = Field(description="`with the model`, or `beside the model`, as a file of this record")


class ModelOutput(OpenRecord):
    """What a model's output was read as, and how that was shown."""

    form: str = Field(description="`labels`, `score` (of one label), `scores` (of each label) or `numbers`")
    understood_from: str = Field(description="what the meaning was understood from")
    proved_on: str | None = Field(None, description="role of the rows with labels that it was compared with")
    proved_rows: int | None = Field(None, description="number of these rows")
    proved: bool | None = Field(
        None, description="whether they agree beyond chance; where the meaning was in doubt, it is always true"
    )
    function: PredictFunction | None = Field(None, description="`predict=`, where one was given")
    scores_left_out: str | None = Field(None, description="why probabilities that the model gives are not used")
    loaded_back: LoadedModel | None = Field(None, description="comparison with the logged model, loaded again")


class PerformanceDetails(OutputMeaning):
    """Performance of a model on one data set."""

    SUBJECTS = "the model"
    output: ModelOutput | None = Field(None, description="meaning of the model's output, in a training")
    scores: bool | None = Field(None, description="whether the model gave scores")
    slices: list[str] | None = Field(None, description="columns by which rows were sliced")
    labels: list[str] | None = Field(None, description="labels, where there are more than two")
    counts: list[list[int]] | None = Field(None, description="table of actual and predicted labels")
    cells: str | None = Field(None, description="meaning of the cells of `counts`")


class FairnessDetails(OutputMeaning):
    """Differences between groups of people."""

    SUBJECTS = "the model"
    pool_under: int | None = Field(None, description="groups with fewer rows are pooled")
    min_n: int | None = Field(None, description="least rows of a group that is judged by itself")
    set_aside: list[dict[str, str]] | None = Field(None, description="groups that are not judged, each with the reason")
    tables: list[dict[str, Any]] | None = Field(None, description="counts of each grouping")


class RobustnessDetails(CheckDetails):
    """Predictions of a model for changed rows."""

    SUBJECTS = "the model"
    noise: DecimalText | None = Field(None, description="size of the noise, in standard deviations")
    missing: DecimalText | None = Field(None, description="share of cells that were emptied")
    shift: DecimalText | None = Field(None, description="size of the shift, in standard deviations")
    seed: int | None = Field(None, description="seed of the random numbers")
    numbers: list[str] | None = Field(None, description="numeric columns that were changed")


class DriftDetails(EvidenceDetails):
    """Differences between the columns of two data sets."""

    SUBJECTS = "the models"
    data: DataByRole | None = Field(None, description="role to data set")
    role: str | None = Field(None, description="role of the data")
    rows: dict[str, int] | None = Field(None, description="role to rows")
    method: str | None = Field(None, description="method of the pack")
    methods: dict[str, str] | None = Field(None, description="column to the method that was used")
    columns: dict[str, str] | None = Field(None, description="column to `numeric` or `categorical`")
    left_out: dict[str, str] | None = Field(None, description="column to the reason why it was not compared")
    noise: str | None = Field(None, description="what chance alone gives")
    why: str | None = Field(None, description="reason for the limits")


class BaselineDetails(CheckDetails):
    """The description of the training data that new data will be compared with; the artifact holds it."""

    SUBJECTS = "the model"
    NULLS: ClassVar[frozenset[str]] = frozenset({"favourable"})
    task: str | None = Field(None, description="kind of prediction")
    target: str | None = Field(None, description="column that is predicted")
    favourable: str | None = Field(None, description="favourable label; null where there is none")
    pool_under: int | None = Field(
        None,
        description="values with fewer rows are pooled; where the pool has fewer, the artifact shares its rows out "
        "over the column's counts, which may be higher than the rows that have the value",
    )
    columns: list[str] | None = Field(None, description="columns that are described")
    left_out: dict[str, str] | None = Field(None, description="column to the reason why it is not described")
    file: str | None = Field(None, description="name of the artifact")


class MonitorRunDetails(EvidenceDetails):
    """New data compared with the baseline of a version."""

    SUBJECTS = "the model and the new data"
    model: str | None = Field(None, description="registered model, or the id of the LoggedModel")
    version: str | None = Field(None, description="version; empty where there is none")
    baseline_record: str | None = Field(None, description="id of the baseline's record")
    baseline_sha256: Sha256 | None = Field(None, description="sha256 of the baseline's record")
    rows: int | None = Field(None, description="rows of the new data")
    baseline_rows: int | None = Field(None, description="rows of the baseline")
    method: str | None = Field(None, description="method")
    columns_in_breach: list[str] | None = Field(None, description="columns beyond their limits")
    left_out: dict[str, str] | None = Field(None, description="column to the reason why it was not compared")
    p_values_holm: dict[str, dict[str, str | None]] | None = Field(
        None, description="metric to column to p-value, adjusted by Holm's method"
    )
    noise: str | None = Field(None, description="what chance alone gives")


KINDS: dict[str, type[EvidenceDetails]] = {
    "data-quality": DataQualityDetails,
    "representativeness": RepresentativenessDetails,
    "performance": PerformanceDetails,
    "fairness": FairnessDetails,
    "robustness": RobustnessDetails,
    "drift": DriftDetails,
    "drift-baseline": BaselineDetails,
    "monitor-run": MonitorRunDetails,
}
