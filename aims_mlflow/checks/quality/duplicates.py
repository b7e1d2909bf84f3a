"""Rows that repeat an earlier row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.engines.remote_table import RemoteTable
from aims_mlflow.checks.tables.row_hashes import duplicate_share

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.evidence import Claim


def duplicate_claims(data: Dataset) -> list[Claim]:
    """Return the share of rows that repeat an earlier row; nothing where cells cannot be compared."""
    if isinstance(data, RemoteTable):
        repeated: float | None = 1 - data.source.distinct(data.columns) / data.rows
    else:
        repeated = duplicate_share(with_sensitive(data))
    if repeated is None:
        return []
    note = "rows that repeat an earlier row"
    return [claim("duplicate_rows", repeated, role=data.role, n=data.rows, note=note)]


def with_sensitive(data: Dataset) -> pd.DataFrame:
    """Return the table with the sensitive columns that are beside it; nothing is copied otherwise."""
    import pandas as pd

    part = data.part()
    beside = [name for name in part.sensitive_names if name not in part.frame.columns]
    if not beside or part.sensitive is None:
        return part.frame
    return pd.concat([part.frame, part.sensitive[beside].set_axis(part.frame.index, axis=0)], axis=1)
