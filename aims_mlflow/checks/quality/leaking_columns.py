"""Leaking columns: features that are the target in other words, or are known only after the outcome.

A column alone that tells the target as well as a good model of all columns is rarely known when the model is asked. It
is named, with how it tells. One whose name repeats the target's, or speaks of what comes after the outcome, is named
from a lower limit on. Where a column has the outcome's date, other dates may not lie after it. A team that knows that a
column is there beforehand declares it under `leakage.known_before`, with the reason: it is measured and not judged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics.columns import looks_like_dates
from aims_mlflow.checks.statistics.single_column import LEAST_ROWS, Told, target_rows, told_by
from aims_mlflow.errors import DataError
from aims_mlflow.records.details.checks import DataQualityDetails
from aims_mlflow.records.evidence import result_of
from aims_mlflow.records.pack import Limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Leakage, Pack, Task

KIND = "data-quality"
AUC, R2, LATER = "column_auc", "column_r2", "later_than_outcome"
CONTROLS = ("A.7.4",)
MAX_ROWS = 100_000  # of more rows in memory a sample is looked at, drawn with a fixed seed
SEED = 42001
LEAST_DATES = 20
LATE_SHARE = "0.01"
AFTERWARDS = frozenset(
    [
        "after",
        "afterwards",
        "post",
        "outcome",
        "result",
        "results",
        "final",
        "closed",
        "closing",
        "settled",
        "settlement",
        "recovery",
        "recoveries",
        "recovered",
        "chargeoff",
        "writeoff",
        "discharge",
        "discharged",
        "deceased",
        "death",
        "died",
        "decision",
        "decided",
        "verdict",
        "future",
        "followup",
        "later",
        "actual",
        "actuals",
    ]
)
BEFORE = frozenset(["previous", "prior", "past", "last", "before", "earlier", "first", "initial"])
# Words that say nothing of a target.
# Of a column that is looked at for being the highest, neither covers in 95% of samples.
METHODS = "approximate range, Fisher's z", "approximate range, Hanley and McNeil"
COMMON = frozenset(
    [
        "is",
        "has",
        "was",
        "had",
        "the",
        "of",
        "in",
        "per",
        "no",
        "not",
        "flag",
        "target",
        "label",
        "class",
        "status",
        "value",
        "score",
        "number",
        "num",
        "count",
        "code",
        "id",
        "type",
        "name",
        "date",
        "time",
        "day",
        "month",
        "year",
        "years",
    ]
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Measure how well each feature alone tells the target, and which dates lie after the outcome's.

    Raises:
        DataError: there is no target.
    """
    settings, target = pack.leakage, data.task.target
    if target is None:
        raise DataError("there are no labels that a column could give away", where=f"{data.role} data")
    measured, left_out = _measured(data, settings.known_before)
    claims = [*_column_claims(measured, data, settings), *_date_claims(data, settings)]
    named = [c.slice["column"] for c in claims if c.slice and c.limit is not None and c.passed is not True]
    reason = reason_of(claims)
    if named:
        way_on = f"Leave out what is known only after {target!r}, or declare it under leakage.known_before in the pack"
        reason = f"{reason}. {way_on}"
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason,
        claims=tuple(claims),
        controls=CONTROLS,
        details=DataQualityDetails(
            columns={c.slice["column"]: c.note or "" for c in claims if c.slice.get("column") in named},
            declared=sorted(settings.known_before),
            left_out=left_out,
        ),
        reports={"leakage.html": claims_page(f"Columns that tell {target} by themselves", claims)},
        tools=versions("numpy", "pandas"),
    )


def _measured(data: Dataset, known_before: Iterable[str]) -> tuple[dict[str, Told], dict[str, str]]:
    """Return (how well each feature tells the target, features that could not be looked at and why)."""
    told: dict[str, Told] = {}
    left_out = dict.fromkeys(data.identifiers, "named as an identifier")
    absent = [name for name in known_before if name not in data.columns]
    left_out.update(dict.fromkeys(absent, "named in leakage.known_before, and there is no such column"))
    for name in data.features:
        try:
            part = _sampled(data.part((name, str(data.task.target))))
        except DataError as exc:
            left_out[name] = exc.sentence()
            continue
        target = target_rows(part[0][data.task.target], data.task.kind, part[1])
        if target is not None:
            told[name] = told_by(part[0][name], target)
    return told, left_out


def _sampled(part: Any) -> tuple[pd.DataFrame, Any]:
    if part.weights is None and len(part.frame) > MAX_ROWS:
        return part.frame.sample(MAX_ROWS, random_state=SEED).reset_index(drop=True), None
    return part.frame, part.weights


def _column_claims(measured: dict[str, Told], data: Dataset, settings: Leakage) -> list[Claim]:
    """Return a claim for each column that is named or declared, and for the one that tells most."""
    if not measured:
        limit = _limit(data.task.kind, settings, named=False)
        note = f"not evaluated: no feature, or under {LEAST_ROWS} rows of each label"
        return [held(claim(limit.metric, None, role=data.role, n=data.rows, note=note), limit)]
    highest = max(measured, key=lambda name: measured[name].value)
    claims = []
    for name, told in measured.items():
        suspicion = suspicious_name(name, str(data.task.target))
        limit = _limit(data.task.kind, settings, named=suspicion is not None)
        declared = settings.known_before.get(name)
        if name != highest and declared is None and told.value < float(limit.limit):
            continue
        note = f"this column alone tells {data.task.target!r} {told.how}"
        note += f", the highest of {len(measured)} columns" if name == highest and len(measured) > 1 else ""
        note += f" (of a sample of {told.n:,} rows)" if told.n == MAX_ROWS < data.rows else ""
        note += f", best the label {told.label!r}" if data.task.kind == "multiclass-classification" else ""
        note += f"; {suspicion}" if suspicion else ""
        method = METHODS[told.label is not None]
        one = claim(
            limit.metric,
            told.value,
            slice={"column": name},
            role=data.role,
            n=told.n,
            interval=told.ends,
            method=method,
            note=note if declared is None else f"{note}; declared as known before the outcome: {declared}",
        )
        claims.append(held(one, limit) if declared is None else one)
    return claims


def _limit(task: Task, settings: Leakage, *, named: bool) -> Limit:
    auc, r2 = (settings.named_auc, settings.named_r2) if named else (settings.column_auc, settings.column_r2)
    metric, limit = (R2, r2) if task == "regression" else (AUC, auc)
    severity, why = settings.column_severity, settings.column_why
    return Limit(metric=metric, comparator="<", limit=limit, severity=severity, why=why, **settings.author)


def suspicious_name(name: str, target: str) -> str | None:
    """Return why a column's name suggests that it is made from the outcome, or None."""
    words, theirs = _words(name), _words(target) - COMMON
    if words & BEFORE:
        return None
    same = [word for word in words - COMMON for other in theirs if len(other) > 3 and _alike(word, other)]
    if same:
        return f"its name repeats the target's ({same[0]})"
    later = words & AFTERWARDS
    return f"its name speaks of what comes after the outcome ({min(later)})" if later else None


def _words(name: str) -> frozenset[str]:
    return frozenset(part.lower() for part in _PARTS.findall(name))


def _alike(word: str, other: str) -> bool:
    """Return whether two words have one stem: repaid and repayment, default and defaulted."""
    stem = max(4, min(len(word), len(other)) - 3)
    return word[:stem] == other[:stem]


def _date_claims(data: Dataset, settings: Leakage) -> list[Claim]:
    """Return a claim for each date that often lies after a date of the outcome, which its name gives away."""
    dates = [name for name in data.features if name not in settings.known_before and _holds_dates(data, name)]
    outcomes = [name for name in dates if suspicious_name(name, str(data.task.target))]
    limit = Limit(
        metric=LATER,
        comparator="<=",
        limit=LATE_SHARE,
        severity=settings.column_severity,
        why="a date after the outcome's is not known when the outcome is predicted; one in a hundred may be a mistake",
    )
    claims = []
    for outcome in outcomes:
        for name in (name for name in dates if name not in outcomes):
            late, n = _later(data, name, outcome)
            if n >= LEAST_DATES and late / n > float(LATE_SHARE):
                note = f"share of its dates after {outcome!r}, the date of the outcome by its name"
                measured = claim(LATER, late / n, slice={"column": name}, role=data.role, n=n, note=note)
                claims.append(held(measured, limit))
    return claims


def _holds_dates(data: Dataset, name: str) -> bool:
    import pandas as pd

    if data.crowded(name):
        return False
    values = data.column(name)[0].dropna()
    return bool(pd.api.types.is_datetime64_any_dtype(values) or (not values.empty and looks_like_dates(values)))


def _later(data: Dataset, name: str, outcome: str) -> tuple[int, int]:
    """Return (rows in which a date lies after the outcome's, rows with both)."""
    import numpy as np
    import pandas as pd

    frame, weights = _sampled(data.part((name, outcome)))
    one, other = (pd.to_datetime(frame[c], errors="coerce", utc=True, format="mixed") for c in (name, outcome))
    both = (one.notna() & other.notna()).to_numpy()
    rows = np.ones(len(frame), dtype=np.int64) if weights is None else weights
    return int(rows[both & (one > other).to_numpy()].sum()), int(rows[both].sum())
