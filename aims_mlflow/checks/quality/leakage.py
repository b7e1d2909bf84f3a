"""Leakage check: test rows that occur in the training data too, and whether they are more than chance explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim, held
from aims_mlflow.checks.metrics import OVERLAP, TRAINED_ON
from aims_mlflow.checks.tables.row_hashes import hashes_alike, repeats, shared_of
from aims_mlflow.records.pack import Leakage, Limit
from aims_mlflow.records.wording import share_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

HELD_OUT = "test"  # the role of the rows on which a model's values are measured
CHANCE_Z = 3.09  # one random split of a thousand repeats more rows


def overlap(
    train_frame: pd.DataFrame, test_frame: pd.DataFrame, settings: Leakage | None = None, *, role: str = HELD_OUT
) -> list[Claim]:
    """Return the share of test rows whose features and target all occur in one training row too, twice.

    First as it is: the limit is a warning by default, since tables of few coarse columns, such as a census, hold
    natural duplicates. Then without those that chance explains: above that limit, which fails, the rows are not held
    out. Rows are compared by 64-bit hashes that never leave memory.

    Args:
        train_frame: Features and target.
        test_frame: The same columns; those that only one table has are left out.
        settings: Limits and severity; the pack's default when None.
        role: Role of the test table. Rows of another role may be trained on: there is no second claim about them.
    """
    settings = settings or Leakage()
    limit = Limit(
        metric=OVERLAP,
        comparator="<=",
        limit=settings.overlap,
        severity=settings.severity,
        why=settings.why,
        **settings.author,
    )
    columns = [name for name in train_frame.columns if name in test_frame.columns]
    if not columns or not len(test_frame):
        return [held(claim(OVERLAP, None, role=role, note="not evaluated: the tables share no columns"), limit)]
    try:
        test, train = hashes_alike(test_frame, train_frame, columns)
    except TypeError:
        note = "not evaluated: a cell holds a list or a dictionary, which cannot be compared"
        return [held(claim(OVERLAP, None, role=role, n=len(test_frame), note=note), limit)]
    shared = shared_of(test, train)
    note = f"{int(shared.sum()):,} rows, compared in {len(columns):,} columns"
    plain = held(claim(OVERLAP, shared.mean(), role=role, n=len(shared), note=note), limit)
    return [plain, _trained_on(shared.mean(), test, train, settings)] if role == HELD_OUT else [plain]


def _trained_on(share: float, test: Array, train: Array, settings: Leakage) -> Claim:
    """Return the share of test rows that are in the training data by more than chance.

    By chance a test row has a twin among the training rows as often as a training row has one there. Nothing is more
    than chance where a random split of the same rows could repeat as many.
    """
    counts, most = repeats(train), by_random_split(test, train)
    twins = float(counts[counts > 1].sum()) / len(train)
    beyond = max(share - twins, 0.0) / (1 - twins) if share > most and twins < 1 else 0.0
    note = (
        f"of the training rows {share_text(twins)} have an equal one there, which chance would give test rows too; a "
        f"random split of all these rows would repeat {share_text(most)} at most"
    )
    limit = Limit(
        metric=TRAINED_ON, comparator="<=", limit=settings.trained_on, why=settings.trained_on_why, **settings.author
    )
    return held(claim(TRAINED_ON, beyond, n=len(test), note=note), limit)


def by_random_split(test: Array, train: Array) -> float:
    """Return the largest share of test rows that random splits of the same rows repeat, but one in a thousand.

    Of `count` equal rows each is a test row with the probability `part`; the test rows among them are repeated unless
    all of them are test rows.
    """
    import numpy as np

    counts, part = repeats(np.concatenate([test, train])), len(test) / (len(test) + len(train))
    expected = counts * part * (1 - part ** (counts - 1))
    squares = counts * part * (1 - part) + (counts * part) ** 2 - counts**2 * part**counts
    spread = np.sqrt(np.maximum(squares - expected**2, 0).sum())
    return min(float(expected.sum() + CHANCE_Z * spread) / len(test), 1.0)
