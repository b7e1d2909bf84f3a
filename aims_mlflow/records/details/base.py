"""Parts of the details that several kinds of evidence share."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from aims_mlflow.records.base import DecimalText, Sha256
from aims_mlflow.records.open_record import OpenRecord


class EvidenceDetails(OpenRecord):
    """The details of a record of a kind that this release has no model for."""

    # What a record of the kind is about, for docs/evidence-format.md.
    SUBJECTS: ClassVar[str] = ""
    by_hand: bool | None = Field(None, description="a person recorded it with `aims.record`: it meets no condition")


class DatasetDescription(OpenRecord):
    """A data set."""

    name: str | None = Field(None, description="name")
    digest: dict[str, str] = Field(description="`arrowIpcSha256`, and `sha256` of the file it came from")
    rows: int | None = Field(None, description="number of rows")
    columns: list[str] | None = Field(None, description="names of the columns")
    sensitive: list[str] | None = Field(None, description="names of the sensitive columns")
    path: str | None = Field(None, description="name of the file, without its folder")
    reading: list[str] | None = Field(None, description="what was done to read the file, where that is not the rule")


class CodeVersion(OpenRecord):
    """Which code ran."""

    function: str | None = Field(None, description="module and name of the function")
    file: str | None = Field(None, description="name of the source file")
    commit: str | None = Field(None, description="git commit")
    dirty: bool | None = Field(None, description="whether tracked files differed from the commit")
    untracked: dict[str, str] | None = Field(
        None,
        description="files of imported code below the repository that the commit does not hold, each with its sha256",
    )
    untracked_count: int | None = Field(None, description="number of these files, where not all are named")
    source_digest: Sha256 | None = Field(None, description="sha256 of the function's source")
    reason: str | None = Field(None, description="why there is no commit, and what git did not report about it")


class FailurePlace(OpenRecord):
    """An exception without its message: messages quote data."""

    type: str = Field(description="type of the exception")
    where: str = Field(description="file, line and function")


class SourceStatement(OpenRecord):
    """Where a data set comes from, as the team states it."""

    name: str | None = Field(None, description="name under `data.sources`")
    uri: str | None = Field(None, description="address")
    description: str | None = Field(None, description="what the data are")
    owner: str | None = Field(None, description="owner of the data")
    licence: str | None = Field(None, description="licence")
    rights: str | None = Field(None, description="right to use them")
    subjects: str | None = Field(None, description="people that the data are about")
    selection_reason: str | None = Field(None, description="why these data were selected")
    collected: str | None = Field(None, description="when and how they were collected")
    retention: str | None = Field(None, description="how long they are kept")
    purpose: str | None = Field(None, description="what they are used for")
    personal_data: bool | list[str] | None = Field(
        None, description="whether there are personal data, or the personal columns"
    )


class BootstrapDescription(OpenRecord):
    """How intervals were resampled."""

    replicates: int = Field(description="replicates that ran, at least, for every table")
    replicates_asked: int | None = Field(None, description="replicates that were asked for, where fewer ran")
    seed: int = Field(description="seed of the random numbers")
    of: str = Field(description="what was resampled")


DataByRole = dict[str, DatasetDescription]
Parameters = dict[str, Any]
Seconds = DecimalText
