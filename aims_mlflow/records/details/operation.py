"""Details of the records that compare operation with what was planned."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aims_mlflow.records.details.base import EvidenceDetails


class LogCoverageDetails(EvidenceDetails):
    """The events that are logged, compared with the log plan."""

    SUBJECTS = "the model"
    gaps: list[dict[str, Any]] | None = Field(None, description="planned events that the log lacks")


class UseConformanceDetails(EvidenceDetails):
    """The actual use, compared with the documented one."""

    SUBJECTS = "the model"
    deviations: list[dict[str, Any]] | None = Field(
        None, description="uses that are not documented; `resolved` says how one was settled"
    )


KINDS: dict[str, type[EvidenceDetails]] = {
    "log-coverage": LogCoverageDetails,
    "use-conformance": UseConformanceDetails,
}
