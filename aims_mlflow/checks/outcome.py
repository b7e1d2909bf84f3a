"""The result of a check, and the signature that every check has."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from aims_mlflow.records.details import check_model
from aims_mlflow.records.details.base import EvidenceDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.evidence import Claim, Result
    from aims_mlflow.records.pack import Pack


@dataclass(frozen=True)
class Outcome:
    """What a check found, ready to become an evidence record.

    `details` holds no float (exact numbers are decimal strings); a check of ours makes them of the kind's model, a
    team's own check may give any names. `reports` maps relative file names to their content; `tools` maps
    distribution names to versions.
    """

    kind: str
    result: Result
    reason: str | None = None
    claims: tuple[Claim, ...] = ()
    controls: tuple[str, ...] = ()
    details: EvidenceDetails | Mapping[str, Any] = field(default_factory=dict)
    reports: dict[str, bytes] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)

    def recorded_details(self) -> EvidenceDetails:
        """Return the details by the model of the kind, which keeps the names that a team's own check adds.

        Raises:
            ValueError: a value does not fit the kind's field of that name.
        """
        if isinstance(self.details, EvidenceDetails):
            return self.details
        return check_model(self.kind).model_validate(dict(self.details))


class Check(Protocol):
    """A function that evaluates one data set; `reference` is the table that it is compared with."""

    def __call__(self, data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
        """Return what was found, or raise: the runner turns an error into "not evaluated"."""
        ...


def versions(*distributions: str) -> dict[str, str]:
    """Return the installed versions of `distributions`; one that is not installed is left out."""
    return {name: version for name in distributions if (version := _version(name))}


@functools.cache
def _version(name: str) -> str | None:
    """Return the version of a distribution; None where it is not installed. Asking takes 10 ms."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
