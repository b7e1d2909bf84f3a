"""How often the drift check flags two random halves of one table, which have one population by construction.

`halves_flagged(frame, target)` is what tests and `benchmarks/statistics.py` call; alone, the file measures tables:
python benchmarks/halves.py TABLE.csv TARGET [SPLITS]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aims_mlflow.checks.drift import drift
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Pack

if TYPE_CHECKING:
    from aims_mlflow.records.pack import Drift

PLAIN = Pack(name="halves", version="1", description="drift with its defaults")


@dataclass(frozen=True)
class Flagged:
    """Shares of what was flagged by chance.

    Attributes:
        tables: Of the pairs of halves with any column or the share of columns beyond its limit.
        columns: Of the columns whose p-value by itself is under the pack's level; NaN where distances decide.
        splits: Number of pairs.
    """

    tables: float
    columns: float
    splits: int


def halves_flagged(frame: pd.DataFrame, target: str, splits: int = 200, settings: Drift | None = None) -> Flagged:
    """Split a table at random, `splits` times with the seeds 0, 1, ..., and compare its halves.

    Args:
        frame: Any table; up to 2,000 rows its halves are compared by tests, above by distances.
        target: Column with the labels.
        splits: Number of pairs.
        settings: The pack's drift section; the defaults if None.
    """
    pack = PLAIN.model_copy(update={"drift": settings}) if settings else PLAIN
    task = PredictionTask(target=target, favourable=str(frame[target].iloc[0]))
    tables, columns = [], []
    for seed in range(splits):
        shuffled = frame.sample(frac=1, random_state=seed)
        half = len(frame) // 2
        train, test = (
            make_dataset(role, part.reset_index(drop=True), task)
            for role, part in (("train", shuffled[:half]), ("test", shuffled[half:]))
        )
        claims = drift.run(test, pack, train).claims
        tables.append(any(c.passed is False for c in claims))
        notes = [c.note for c in claims if c.metric == "drift_p_value" and c.note]
        alone = [note.split(" by itself")[0].rsplit(": ", 1)[1] for note in notes]
        columns += [text.startswith("under") or float(text) < float(pack.drift.p_value) for text in alone]
    return Flagged(float(np.mean(tables)), float(np.mean(columns)) if columns else float("nan"), splits)


if __name__ == "__main__":
    found = halves_flagged(pd.read_csv(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200)
    print(f"{found.splits} pairs of halves: {found.tables:.1%} flagged, {found.columns:.1%} of the single p-values")
