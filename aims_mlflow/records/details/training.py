"""Details of the records of a training session."""

from __future__ import annotations

from pydantic import Field

from aims_mlflow.records.base import DecimalText, Sha256
from aims_mlflow.records.details.base import (
    CodeVersion,
    DataByRole,
    DatasetDescription,
    EvidenceDetails,
    FailurePlace,
    Parameters,
    Seconds,
    SourceStatement,
)
from aims_mlflow.records.open_record import OpenRecord


class SystemStatement(OpenRecord):
    """The section `system` of aims.yaml."""

    id: str | None = Field(None, description="id of the system")
    owner: str | None = Field(None, description="owner of the system")
    model: str | None = Field(None, description="registered model, where it is not the id")
    production_alias: str | None = Field(None, description="alias of the version in production")
    intended_use: str | None = Field(None, description="intended use")
    foreseeable_misuse: str | None = Field(None, description="foreseeable misuse")
    human_oversight: str | None = Field(None, description="human oversight")
    limitations: str | None = Field(None, description="known limitations")
    affected_groups: list[str] | None = Field(None, description="groups of people that it affects")
    roles: list[str] | None = Field(None, description="roles of the organisation")
    objectives: dict[str, str] | None = Field(None, description="objective to priority")
    serving_capacity: str | None = Field(None, description="capacity that serving the model needs")


class PackName(OpenRecord):
    """The pack that defines the checks of a session."""

    name: str = Field(description="name of the pack")
    version: str | int | None = Field(None, description="version of the pack")


class SessionStartDetails(EvidenceDetails):
    """The planned training: system, data and pack; signed before training."""

    SUBJECTS = "data sets, or the pack where there are none"
    function: str | None = Field(None, description="training function")
    mode: str | None = Field(None, description="`enforce`, `observe` or `evaluate`")
    system: SystemStatement | None = Field(None, description="section `system` of aims.yaml")
    target: str | None = Field(None, description="column that is predicted")
    favourable: str | None = Field(None, description="favourable label; empty where none is named")
    task: str | None = Field(None, description="kind of prediction")
    threshold: DecimalText | None = Field(None, description="score or number from which on a person is selected")
    sensitive: list[str] | None = Field(None, description="sensitive columns")
    not_compared: str | None = Field(None, description="why there are no sensitive columns, as aims.yaml states")
    pack: PackName | None = Field(None, description="checks and limits")
    data: DataByRole | None = Field(None, description="role to data set")


class FolderDescription(OpenRecord):
    """A folder of files that rows of a table are about."""

    name: str = Field(description="name under `data.files`")
    folder: str = Field(description="folder, relative to aims.yaml")
    digest: dict[str, str] = Field(description="`sha256` of the canonical JSON `[[path, sha256, size], ..]`")
    count: int = Field(description="number of files")
    bytes: int = Field(description="size of all files in bytes")


class DatasetDetails(EvidenceDetails):
    """One data set, or one folder of files (`role: files`)."""

    SUBJECTS = "the data set, or the folder of files"
    role: str | None = Field(None, description="role of the data: `train`, `validation`, `test` or `files`")
    data: DatasetDescription | None = Field(None, description="data set")
    column_types: dict[str, str] | None = Field(None, description="column to type")
    missing: dict[str, int] | None = Field(None, description="column to missing cells, where there are some")
    source: SourceStatement | None = Field(None, description="source, where aims.yaml names one alone")
    files: FolderDescription | None = Field(None, description="folder")


class AcquisitionDetails(EvidenceDetails):
    """One table that a function decorated with `acquires` returned."""

    SUBJECTS = "the data set that was acquired"
    name: str | None = Field(None, description="name of the source")
    source: SourceStatement | None = Field(None, description="what aims.yaml and the decorator state")
    data: DatasetDescription | None = Field(None, description="table that was acquired")
    files: dict[str, Sha256] | None = Field(None, description="name to sha256 of the files among the arguments")
    parameters: Parameters | None = Field(None, description="arguments that are settings, by dotted name, as text")
    parameters_left_out: dict[str, str] | None = Field(
        None, description="name of each argument that is not recorded, and why; absent where all are"
    )
    function: str | None = Field(None, description="module and name of the function")
    code: CodeVersion | None = Field(None, description="code")


# Claim of a preparation: which share of the rows of the table before is not in the table after.
LOST_ROWS = "share_of_rows_lost"


class PreparationDetails(EvidenceDetails):
    """One table that a function decorated with `prepares` returned; claims have the rows lost, by group where known."""

    SUBJECTS = "the data set after the preparation"
    why: str | None = Field(None, description="reason for the preparation")
    input: DatasetDescription | None = Field(None, description="table before; absent where none was given")
    output: DatasetDescription | None = Field(None, description="table after")
    rows_removed: int | None = Field(None, description="rows gone")
    rows_added: int | None = Field(None, description="rows made")
    columns_removed: list[str] | None = Field(None, description="columns gone")
    columns_added: list[str] | None = Field(None, description="columns made")
    function: str | None = Field(None, description="module and name of the function")
    code: CodeVersion | None = Field(None, description="code")


class LineageStep(OpenRecord):
    """One acquisition or preparation on the way to a data set."""

    kind: str = Field(description="`acquisition` or `preparation`")
    name: str = Field(description="name of the source, or the function")
    session: str = Field(description="session that recorded it")
    record: str | None = Field(None, description="id of its record")
    digest: str = Field(description="digest of its output")


class LineageLink(OpenRecord):
    """How one data set is joined to known outputs."""

    role: str = Field(description="role of the data set")
    digest: str = Field(description="its `arrowIpcSha256`")
    link: str = Field(description="`same-digest`, `same-file`, `subset`, `output` or `unlinked`")
    of: str | None = Field(None, description="digest of the known output")
    session: str | None = Field(None, description="session that recorded the output")
    run_id: str | None = Field(None, description="run of that session")
    reason: str | None = Field(None, description="why no origin was found or searched for")
    steps: list[LineageStep] = Field(default_factory=list, description="steps from the acquisition on")


class LineageDetails(EvidenceDetails):
    """Where train, validation and test data come from."""

    SUBJECTS = "train, validation and test data, and folders of files"
    links: list[LineageLink] | None = Field(None, description="one link for each role")
    files: list[str] | None = Field(None, description="folders of files, as subjects name them")


class ToolingDetails(EvidenceDetails):
    """Software that the training used; the field `tools` of the record holds versions."""

    SUBJECTS = "the models, or the data sets where there is none"
    python: str | None = Field(None, description="version of Python")
    implementation: str | None = Field(None, description="implementation of Python")
    platform: str | None = Field(None, description="operating system")
    packages: int | None = Field(None, description="number of installed packages")
    packages_digest: Sha256 | None = Field(
        None, description="digest of all packages and their versions; `packages.txt` among the artifacts lists them"
    )
    algorithms: dict[str, str] | None = Field(None, description="model id to the class of the model")
    serving: dict[str, list[str]] | None = Field(None, description="model id to the packages that serving it needs")


class ComputeDetails(EvidenceDetails):
    """Computing resources that the training used."""

    SUBJECTS = "the models, or the data sets where there is none"
    machine: str | None = Field(None, description="processor architecture")
    cpu_count: int | None = Field(None, description="processors that the process may use")
    accelerators: list[str] | None = Field(None, description="names of accelerators")
    memory_bytes: int | None = Field(None, description="memory of the machine")
    memory_unknown: str | None = Field(None, description="why the memory is not known")
    peak_memory_bytes: int | None = Field(None, description="most memory that the process used")
    fit_seconds: Seconds | None = Field(None, description="duration of fitting in seconds")


class ModelDescription(OpenRecord):
    """A logged model."""

    name: str = Field(description="name")
    model_id: str = Field(description="id of the LoggedModel")
    digest: Sha256 = Field(description="dirHash1 of its files")
    flavor: str = Field(description="MLflow flavour")
    inputs: list[str] | None = Field(None, description="columns that it takes, by its signature")


class SelectionMetric(OpenRecord):
    """The metric by which a trial was chosen."""

    name: str = Field(description="name of the metric in MLflow")
    value: str = Field(description="value as a decimal, or `undefined`")


class ProvenanceDetails(EvidenceDetails):
    """The training itself."""

    SUBJECTS = "the models, or the data sets where fitting failed"
    function: str | None = Field(None, description="training function")
    parameters: Parameters | None = Field(None, description="arguments that are settings, by dotted name, as text")
    parameters_left_out: dict[str, str] | None = Field(
        None, description="name of each argument that is not recorded, and why; absent where all are"
    )
    hyperparameters: dict[str, Parameters] | None = Field(
        None, description="model id to the settings of the fitted model, as text"
    )
    code: CodeVersion | None = Field(None, description="code")
    data: DataByRole | None = Field(None, description="role to data set")
    models: list[ModelDescription] | None = Field(None, description="models that came of it")
    other_models: dict[str, str] | None = Field(
        None,
        description="model id to name of models that the function logged too, neither evaluated nor registered; "
        "absent where there is none",
    )
    fit_seconds: Seconds | None = Field(None, description="duration of fitting in seconds")
    trials: int | None = Field(None, description="number of trials that the model was chosen from")
    parent_run_id: str | None = Field(None, description="run of the sweep")
    selection_metric: SelectionMetric | None = Field(None, description="metric by which it was chosen")
    failure: FailurePlace | None = Field(None, description="where the training function raised")


class TrialDetails(EvidenceDetails):
    """One trial of a sweep or a cross-validation."""

    SUBJECTS = "the data sets"
    function: str | None = Field(None, description="training function")
    parameters: Parameters | None = Field(None, description="arguments that are settings, by dotted name, as text")
    parameters_left_out: dict[str, str] | None = Field(
        None, description="name of each argument that is not recorded, and why; absent where all are"
    )
    parent_run_id: str | None = Field(None, description="run of the sweep")
    data: DataByRole | None = Field(None, description="role to data set, by digest alone")
    fit_seconds: Seconds | None = Field(None, description="duration of fitting in seconds")
    data_session: str | None = Field(None, description="session with the evidence about the data")
    failure: FailurePlace | None = Field(None, description="where the training function raised")


class ManifestDetails(EvidenceDetails):
    """The last record of a session."""

    SUBJECTS = "every record of the session"
    count: int | None = Field(None, description="number of records before it")


KINDS: dict[str, type[EvidenceDetails]] = {
    "session-start": SessionStartDetails,
    "dataset-record": DatasetDetails,
    "acquisition": AcquisitionDetails,
    "preparation": PreparationDetails,
    "lineage": LineageDetails,
    "tooling-record": ToolingDetails,
    "compute-record": ComputeDetails,
    "training-provenance": ProvenanceDetails,
    "trial": TrialDetails,
    "session": ManifestDetails,
}
