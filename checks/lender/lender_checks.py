"""A check of our own: are the data current? ISO/IEC 5259-2 calls that currentness, and A.7.4 asks for it.

A check is a function of a data set, the pack and the table that it is compared with. It returns an `Outcome`:
measured values as claims, each held against a limit, from which the result follows. It may raise an `AimsError`,
or anything at all: the outcome is then "not evaluated", which is never a pass.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from aims_mlflow.checks.own_check import (
    Dataset,
    Limit,
    Outcome,
    Pack,
    claim,
    held,
    own_check,
    reason_of,
    result_of,
    settings_of,
)
from aims_mlflow.errors import DataError

NAME = "newest-row"  # as in pyproject.toml


@own_check("data-quality", controls=("A.7.4",))
def newest_row(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Hold the age of the newest row, in days, to the pack's limit.

    Raises:
        DataError: the column is not there, or holds no dates.
    """
    settings = settings_of(pack, NAME)  # {column: ..., days: ...}
    column = settings["column"]
    if column not in data.columns:
        raise DataError(f"there is no column {column!r}", where=f"{data.role} data")
    values, _ = data.column(column)  # also works on a database or Spark: the second part counts rows
    dates = pd.to_datetime(values, utc=True, errors="coerce").dropna()
    if dates.empty:
        raise DataError(f"{column!r} holds no dates", where=f"{data.role} data")
    age = (datetime.now(UTC) - dates.max()).days
    limit = Limit(metric="newest_row_days", comparator="<=", limit=settings["days"], why="the pack's `why` says it")
    claims = [held(claim("newest_row_days", age, slice={"column": column}, role=data.role, n=data.rows), limit)]
    return Outcome(
        kind="data-quality",
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        details={"column": column},
    )
