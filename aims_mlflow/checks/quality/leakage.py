"""Leakage check: test rows that occur in the training data too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import claim, held
from aims_mlflow.checks.tables.row_hashes import shared_rows
from aims_mlflow.records.pack import Leakage, Limit

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.records.evidence import Claim

METRIC = "train_test_overlap"


def overlap(
    train_frame: pd.DataFrame, test_frame: pd.DataFrame, settings: Leakage | None = None, *, role: str = "test"
) -> list[Claim]:
    """Return the share of test rows whose features and target all occur in one training row too.

    Rows are compared by 64-bit hashes that never leave memory. The limit is a warning by default:
    tables of few coarse columns, such as a census, hold natural duplicates.

    Args:
        train_frame: Features and target.
        test_frame: The same columns; those that only one table has are left out.
        settings: Limit and severity; the pack's default when None.
        role: Role of the test table.
    """
    settings = settings or Leakage()
    limit = Limit(
        metric=METRIC,
        comparator="<=",
        limit=settings.overlap,
        severity=settings.severity,
        why=settings.why,
        **settings.author,
    )
    columns = [name for name in train_frame.columns if name in test_frame.columns]
    if not columns or not len(test_frame):
        return [held(claim(METRIC, None, role=role, note="not evaluated: the tables share no columns"), limit)]
    try:
        shared = shared_rows(test_frame, train_frame, columns)
    except TypeError:
        note = "not evaluated: a cell holds a list or a dictionary, which cannot be compared"
        return [held(claim(METRIC, None, role=role, n=len(test_frame), note=note), limit)]
    note = f"{int(shared.sum()):,} rows, compared in {len(columns):,} columns"
    return [held(claim(METRIC, shared.mean(), role=role, n=len(shared), note=note), limit)]
