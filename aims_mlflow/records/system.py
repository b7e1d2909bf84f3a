"""aims.yaml: a team's description of its system, its data and its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from aims_mlflow.records.base import Record
from aims_mlflow.records.pack import LimitText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SystemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Priority = Literal["low", "medium", "high"]


def _label_text(value: object) -> object:
    """YAML reads `favourable: 1` as a number; labels are compared as text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Label = Annotated[str, BeforeValidator(_label_text)]


class Source(Record):
    """Where a data set comes from and by what right it is used (A.7.3, A.7.5, A.4.3).

    `personal_data` says whether there are any, or names the columns that are personal.
    """

    uri: str | None = None
    description: str | None = None
    owner: str | None = None
    licence: str | None = None
    rights: str | None = None
    subjects: str | None = None
    selection_reason: str | None = None
    collected: str | None = None
    retention: str | None = None
    purpose: str | None = None
    personal_data: bool | tuple[str, ...] | None = None


class Files(Record):
    """A folder of files that rows of the table describe; `column` of the table names the file of each row."""

    folder: str = Field(min_length=1)
    column: str | None = None


def _folder(value: object) -> object:
    return {"folder": value} if isinstance(value, str) else value


class System(Record):
    """The AI system, its owner and what it is for.

    `production_alias` is the alias of the version in production: a training compares its model with that one.
    `serving_capacity` declares what serving the model needs (A.4.5).
    """

    id: SystemId
    owner: str = Field(min_length=1)
    model: str | None = None
    production_alias: str | None = None
    intended_use: str | None = None
    foreseeable_misuse: str | None = None
    human_oversight: str | None = None
    limitations: str | None = None
    affected_groups: tuple[str, ...] = ()
    roles: tuple[Literal["provider", "deployer", "supplier", "user"], ...] = ()
    objectives: dict[str, Priority] = Field(default_factory=dict)
    serving_capacity: str | None = None

    @property
    def model_name(self) -> str:
        """Name of the registered model; the system's id unless the file says otherwise."""
        return self.model or self.id


class ReadingOptions(Record):
    """How files of tables are read, where their form does not say it; `aims ... --read KEY=VALUE` sets the same.

    Attributes:
        separator: The mark between columns of a text file; found by default.
        decimal: The mark before decimals in a text file: "." or ",".
        thousands: The mark between thousands in a text file.
        encoding: The encoding of a text file; UTF-8, or what its first bytes say, by default.
        missing: Texts that mean that a value is missing, beside empty cells. Unset, NA and the like are missing among
            numbers, and values among texts.
        sheet: The sheet of a workbook; the first by default.
        skip: How many lines stand above the header.
    """

    separator: str | None = Field(None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    thousands: str | None = Field(None, min_length=1, max_length=1)
    encoding: str | None = Field(None, min_length=1)
    missing: tuple[Label, ...] | None = None
    sheet: Label | None = None
    skip: int | None = Field(None, ge=0)


class Data(Record):
    """How to read the training table: label, favourable outcome, sensitive columns, sources.

    `not_compared` says why there are no sensitive columns; it counts once the policy states it too.

    `threshold` is the score (or, where numbers are predicted, the number) from which on a person is selected.
    `reference` names, for a sensitive column, the group that all others are compared with; else it is the largest.
    `files` names folders (images, texts, audio) that the table is about: their bytes are digested with the data.
    """

    target: str = Field(min_length=1)
    favourable: Label | None = None
    threshold: LimitText | None = None
    sensitive: tuple[str, ...] = ()
    not_compared: str | None = None
    reference: dict[str, Label] = Field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)
    files: dict[str, Annotated[Files, BeforeValidator(_folder)]] = Field(default_factory=dict)
    reading: ReadingOptions = Field(default_factory=ReadingOptions)

    @model_validator(mode="after")
    def _references(self) -> Data:
        for column in self.reference:
            if column not in self.sensitive:
                raise ValueError(f"reference names {column!r}, which is none of the sensitive columns")
        return self

    @property
    def personal(self) -> bool | tuple[str, ...] | None:
        """The combined statement of the sources on personal data: present, these columns, none, or not stated."""
        return personal_of(source.personal_data for source in self.sources.values())


def personal_of(said: Iterable[bool | Sequence[str] | None]) -> bool | tuple[str, ...] | None:
    """Return the combined statement of several sources on personal data; None if none has one."""
    answers = [answer for answer in said if answer is not None]
    if any(answer is True for answer in answers):
        return True
    columns = [name for answer in answers if not isinstance(answer, bool) for name in answer]
    return tuple(dict.fromkeys(columns)) or (False if answers else None)


class AimsConfig(Record):
    """The whole of aims.yaml."""

    system: System
    data: Data
    pack: str = "tabular-classification"
