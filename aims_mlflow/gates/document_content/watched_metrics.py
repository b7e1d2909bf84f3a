"""Which metrics of a monitoring plan were measured in operation, and which values lie beyond the plan's limits."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from aims_mlflow.checks.metrics import HELD_BY
from aims_mlflow.records.limit import holds
from aims_mlflow.records.wording import slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.documents.lifecycle import WatchedMetric
    from aims_mlflow.records.evidence import Claim

NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(%?)")


def measured(metric: WatchedMetric, records: Sequence[SealedRecord]) -> list[tuple[SealedRecord, Claim]]:
    """Return the values of a watched metric, of each group and column, in the newest record that has any."""
    names = (metric.metric, *HELD_BY.get(metric.metric, ()))
    for record in sorted(records, key=lambda r: r.evidence.time, reverse=True):
        found = [
            c
            for c in record.evidence.claims
            if c.metric in names and c.value is not None and metric.slice.items() <= c.slice.items()
        ]
        if found:
            return [(record, c) for c in found]
    return []


def unmeasured(metrics: Sequence[WatchedMetric], records: Sequence[SealedRecord]) -> list[str]:
    """Return the watched metrics of which no record has a value, with their rows."""
    return [
        f"{m.metric} of {slice_text(m.slice)}" if m.slice else m.metric for m in metrics if not measured(m, records)
    ]


def beyond(metrics: Sequence[WatchedMetric], records: Sequence[SealedRecord]) -> Iterator[tuple[SealedRecord, str]]:
    """Yield each newest value beyond the number of the plan's limit, on the side on which the run's own limit lies.

    A value that chance alone may have made decides nothing, as in the run itself.
    """
    for metric in metrics:
        limit = _number(metric.limit)
        for record, claim in measured(metric, records) if limit is not None else ():
            if claim.comparator and claim.passed is not None and not holds(str(claim.value), claim.comparator, limit):
                rows = f" of {slice_text(claim.slice)}" if claim.slice else ""
                yield record, f"{claim.metric}{rows} is {claim.value}, limit {claim.comparator} {limit} by the plan"


def _number(limit: str | None) -> Decimal | None:
    """Return the one number of a limit that people write, such as `below 0.80`; None where there is another count."""
    found = NUMBER.findall(limit or "")
    if len(found) != 1:
        return None
    value, percent = found[0]
    return Decimal(value) / 100 if percent else Decimal(value)
