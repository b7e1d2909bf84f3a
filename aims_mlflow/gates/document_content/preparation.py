"""Groups that lost far more rows than the others in a step of preparation, and whether somebody said why."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import LOST_ROWS, PreparationDetails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.evidence.statement import SealedRecord

# A group lost far more than the others of its column: twice their share, five points more, and more than chance gives
# (three standard errors of the difference of two shares, so that one of 700 equal steps is told by chance).
TIMES, POINTS, ERRORS = 2, 0.05, 3


def unequal_losses(record: SealedRecord, reason: str) -> Iterator[tuple[str, str]]:
    """Yield (column=value, sentence) of each group that lost far more rows than the others, and that no reason names.

    `reason` is what the criterion of the step states; the reason in the code counts too.
    """
    said = f"{reason} {read_details(record.evidence, PreparationDetails).why or ''}".casefold()
    columns: defaultdict[str, dict[str, tuple[float, int]]] = defaultdict(dict)
    for claim in record.evidence.claims:
        if claim.metric == LOST_ROWS and claim.value is not None and claim.n:
            for column, value in claim.slice.items():
                columns[column][value] = float(claim.value), claim.n
    for column, groups in columns.items():
        for value, (share, n) in groups.items():
            rest = [(s, m) for other, (s, m) in groups.items() if other != value]
            others = sum(m for _, m in rest)
            if not others or _is_named(column, value, said):
                continue
            theirs = sum(s * m for s, m in rest) / others
            if share >= TIMES * theirs and share - theirs >= max(POINTS, ERRORS * _error(share, n, theirs, others)):
                text = f"{share:.1%} of the rows of {column}={value} (n={n:,}) and {theirs:.1%} of the others"
                yield f"{column}={value}", text


def _is_named(column: str, value: str, said: str) -> bool:
    """Return whether a reason names a group: as column=value, by its value (a letter in brackets), or by its column."""
    if f"({value.casefold()})" in said:
        return True
    names = (f"{column}={value}", column, *([value] if len(value) > 1 else []))
    return any(re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", said) for name in names)


def _error(one: float, n: int, other: float, m: int) -> float:
    """Return the standard error of the difference of two shares."""
    return math.sqrt(one * (1 - one) / n + other * (1 - other) / m)
