"""The demo's table: generated with a known bias, or a person's own, ready for a first model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.files import read_table, require_columns
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.checks.profiling.profile import profile
from aims_mlflow.checks.tables.plain_columns import plain_frame
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

SEED = 42001
ROWS = 6000
BANDS = 4
MANY_GROUPS = 12
LEAST_ROWS = 300


@dataclass(frozen=True)
class DemoData:
    """A table that is ready to be split, with notes about its preparation.

    Attributes:
        frame: The prepared table.
        raw: The table as it was acquired.
        file: The file that it was read from, None for the made-up table; `reading` says how.
    """

    name: str
    frame: pd.DataFrame
    raw: pd.DataFrame
    target: str
    favourable: str
    sensitive: tuple[str, ...]
    features: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    file: Path | None = None
    reading: ReadingOptions = AS_FOUND

    @property
    def columns(self) -> list[str]:
        """The columns that are left after the preparation."""
        return [*self.features, *self.sensitive, self.target]

    def prepared(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return the prepared table for the acquired one.

        Raises:
            DataError: it is another table than the one that was prepared: the file was changed meanwhile.
        """
        if not raw.equals(self.raw):
            raise DataError("the file was changed while the demo ran", where=str(self.file), next="run it again")
        return self.frame[self.columns]


def credit_table(rows: int = ROWS, seed: int = SEED) -> pd.DataFrame:
    """Return a made-up table of loans with a known, built-in bias.

    Whether a loan is repaid depends on income, debt and years employed, the same for everyone. Women earn less and
    have shorter employment here, and part of their good loans was recorded as bad: a model that never
    sees `sex` still learns to treat them worse, through income, employment and hours.
    """
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    woman = draw.random(rows) < 0.4
    older = draw.random(rows) < 0.3
    hours = np.clip(draw.normal(np.where(woman, 31, 41), 6), 10, 70)
    income = np.clip(draw.normal(np.where(woman, 2350, 3250), 750), 700, None)
    employed = np.clip(draw.gamma(2.2, np.where(woman, 2.2, 3.4)), 0, 40)
    debt = np.clip(draw.beta(2, 5, rows) + draw.normal(0, 0.03, rows), 0, 1)
    score = 0.0011 * (income - 2800) + 0.13 * (employed - 5) - 4.0 * (debt - 0.28) + draw.logistic(0, 0.6, rows)
    repaid = score > 0
    repaid &= ~(woman & repaid & (draw.random(rows) < 0.25))
    return pd.DataFrame(
        {
            "income": income.round(0),
            "hours_per_week": hours.round(0),
            "years_employed": employed.round(1),
            "debt_ratio": debt.round(3),
            "purpose": draw.choice(["car", "education", "furniture", "repair"], rows, p=[0.35, 0.15, 0.3, 0.2]),
            "housing": np.where(draw.random(rows) < np.where(older, 0.7, 0.35), "own", "rent"),
            "sex": np.where(woman, "female", "male"),
            "age_group": np.where(older, "50 and over", "under 50"),
            "repaid": np.where(repaid, "yes", "no"),
        }
    )


def generated() -> DemoData:
    """Return the made-up credit table as the demo uses it."""
    frame = credit_table()
    sensitive = ("sex", "age_group")
    features = tuple(c for c in frame.columns if c not in (*sensitive, "repaid"))
    note = f"{len(frame):,} made-up loans; the bias against women in them is known, because it was put in"
    return DemoData("loans", frame, frame, "repaid", "yes", sensitive, features, (note,))


def from_csv(
    path: Path, target: str, favourable: str | None, sensitive: tuple[str, ...], reading: ReadingOptions = AS_FOUND
) -> DemoData:
    """Read the user's table, and list how it was read, and what was left out and why.

    Raises:
        DataError, Unreachable: it cannot be read, a named column is not there, or it does not fit the demo.
    """
    raw, read = acquired(path, reading)
    frame, cleaned = _cleaned(raw)
    notes = [f"{len(frame):,} rows, {len(frame.columns)} columns", *read, *cleaned]
    require_columns(frame, (target, *sensitive), str(path))
    if target in sensitive:
        raise DataError(
            f"{target!r} is both target and sensitive", where=str(path), next="name other sensitive columns"
        )
    frame, told = _labelled(frame, target)
    notes += told
    profiled = {c.name: c for c in profile(frame, target)}
    for name in sensitive:
        frame, note = _grouped(frame, name)
        notes += [note] if note else []
    data = make_dataset(
        "train",
        frame.dropna(axis=1, how="all"),
        PredictionTask(target=target, favourable=favourable),
        sensitive=sensitive,
    )
    _check(frame, path, sensitive)
    left_out = [c for c in profiled.values() if not c.use and c.name != target and c.name not in sensitive]
    notes += [f"set aside {c.name}: {c.reason}" for c in left_out]
    features = tuple(c.name for c in profiled.values() if c.use and c.name not in sensitive)
    if not features:
        raise DataError("no column is left to learn from", where=str(path), next="give a table with more columns")
    return DemoData(
        path.stem,
        _typed(frame, features, profiled),
        raw,
        target,
        data.task.favourable or "",
        sensitive,
        features,
        tuple(notes),
        path,
        reading,
    )


def _labelled(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that have a label, with notes about those without one, and about repeated rows."""
    notes = []
    unlabelled = int(frame[target].isna().sum())
    if unlabelled:
        frame = frame.dropna(subset=[target]).reset_index(drop=True)
        notes.append(f"{unlabelled:,} rows without {target} left out")
    repeated = int(frame.duplicated().sum())
    if repeated:
        notes.append(
            f"{repeated:,} rows stand more than once; they stay in, and the overlap of test and train is measured"
        )
    return frame, notes


def acquired(path: Path, reading: ReadingOptions) -> tuple[pd.DataFrame, list[str]]:
    """Return a table as its file holds it, with notes about how it was read.

    Raises:
        DataError, Unreachable: it cannot be read.
    """
    read = read_table(path, reading)
    return as_frame(read.frame, path.name), list(read.notes)


def _cleaned(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the table in plain columns, with notes; question marks mean missing values in many public data sets."""
    import pandas as pd

    frame, changed = plain_frame(raw)
    notes, questions = list(changed), 0
    stripped = [name.strip() for name in frame.columns]
    if len(set(stripped)) == len(stripped):
        frame = frame.set_axis(stripped, axis=1)
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name]) or frame[name].dtype == object:
            text = frame[name].map(lambda v: v.strip() if isinstance(v, str) else v)
            gone = text.isin(["?", ""])
            questions += int(gone.sum())
            frame[name] = text.where(~gone, None)
    return frame, [*notes, f"{questions:,} cells with ? or a blank are taken as missing"] if questions else notes


def _grouped(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, str | None]:
    """Turn a sensitive number of many values into bands of about equal size."""
    import numpy as np
    import pandas as pd

    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= MANY_GROUPS:
        return _with(frame, {name: column.astype("str").where(column.notna(), None)}), None
    finite = column[np.isfinite(column.to_numpy(dtype=float, na_value=np.nan))]
    edges = sorted({round(float(q)) for q in finite.quantile([i / BANDS for i in range(1, BANDS)])})
    labels = [
        f"under {edges[0]}",
        *(f"{a} to under {b}" for a, b in itertools.pairwise(edges)),
        f"{edges[-1]} and over",
    ]
    # Infinite numbers belong to the outer bands; `pandas.cut` would leave them out.
    band = np.searchsorted(edges, column.to_numpy(dtype=float, na_value=np.nan), side="right")
    cut = pd.Series(np.array(labels, dtype=object)[np.minimum(band, len(edges))], index=column.index)
    return _with(frame, {name: cut.where(column.notna(), None)}), f"{name} is compared in {len(labels)} bands"


def _with(frame: pd.DataFrame, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return the frame with some columns replaced; `assign` cannot take one that is named self."""
    changed = frame.copy(deep=False)
    for name, column in columns.items():
        changed[name] = column
    return changed


def _check(frame: pd.DataFrame, path: Path, sensitive: tuple[str, ...]) -> None:
    if len(frame) < LEAST_ROWS:
        raise DataError(
            f"{len(frame):,} rows are too few to hold some out and compare groups",
            where=str(path),
            next=f"give at least {LEAST_ROWS}",
        )
    for name in sensitive:
        groups = frame[name].dropna().value_counts()
        if (groups >= 20).sum() < 2:
            raise DataError(
                f"the sensitive column {name!r} has only one group of 20 rows or more, so there is nothing to compare",
                where=str(path),
                next="name another sensitive column",
            )


def _typed(frame: pd.DataFrame, features: tuple[str, ...], profiled: Mapping[str, object]) -> pd.DataFrame:
    """Parse numbers that are stored as text, and turn all other features into text."""
    import pandas as pd

    changed = {}
    for name in features:
        column = frame[name]
        if getattr(profiled[name], "kind", "") == "numeric":
            changed[name] = pd.to_numeric(column, errors="coerce").astype("float64")
        else:
            changed[name] = column.astype("str").where(column.notna(), None)
    return _with(frame, changed)


MADE_UP = {
    "description": "loans that `aims demo` made up, with a bias against women built in",
    "subjects": "nobody: the rows are made up",
    "selection_reason": "evidence can be shown on them without any person's data",
}
GIVEN = {
    "description": "the table that the demo was given",
    "subjects": "the people in the table",
    "selection_reason": "named on the command line",
}


def config_of(data: DemoData, system: str) -> dict[str, Any]:
    """Return the content of the aims.yaml that a team would write for these data."""
    return {
        "system": {
            "id": system,
            "owner": "olga",
            "intended_use": f"Demonstration: predict {data.target} to show how evidence is captured.",
            "affected_groups": [f"people compared by {c}" for c in data.sensitive],
        },
        "data": {
            "target": data.target,
            "favourable": data.favourable,
            "sensitive": list(data.sensitive),
            "sources": {
                data.name: {
                    **(MADE_UP if data.file is None else GIVEN),
                    "owner": "ana",
                    "retention": "until the demo's folder is deleted",
                }
            },
        },
    }
