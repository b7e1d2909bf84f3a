"""Drift of test data against training data, by column: Evidently's methods, computed on counts and sorted values.

Which method a column gets, and from where on it counts as drift, is Evidently's default (ValueDrift
without arguments): with more than 1,000 training rows a distance, otherwise a statistical test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.charts import drift_chart
from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.distances import (
    KOLMOGOROV,
    SMALL,
    Score,
    category_counts,
    category_drift,
    number_drift,
    numbers_of,
)
from aims_mlflow.checks.report import claims_page
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, Comparator, result_of
from aims_mlflow.records.pack import Drift, Limit, Pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from aims_mlflow.checks.columns import Kind
    from aims_mlflow.checks.distances import Column

KIND = "drift"


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
    """Compare `data` with `reference` (the training table), column by column.

    Raises:
        DataError: there is no reference, or no column can be compared.
    """
    if reference is None:
        raise DataError("there is no training data to compare with", where=f"{data.role} data")
    kinds, left_out = _columns(reference, data)
    if not kinds:
        raise DataError("no column can be compared: all are texts, identifiers or dates", where=f"{data.role} data")
    scores = _scores(reference, data, kinds, pack.drift)
    claims = [_claim(name, scores[name], data, pack.drift) for name in kinds]
    claims.append(_share(claims, pack.drift, data.role))
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=pack.drift.controls,
        details={
            "rows": {reference.role: reference.rows, data.role: data.rows},
            "method": pack.drift.method,
            "methods": {name: score.method for name, score in scores.items() if isinstance(score, Score)},
            "columns": dict(kinds),
            "left_out": left_out,
            "why": pack.drift.why,
        },
        reports=_reports(claims, left_out),
        tools=versions("evidently", "scipy", "numpy", "pandas"),
    )


def _columns(reference: Dataset, data: Dataset) -> tuple[dict[str, Kind], dict[str, str]]:
    """Return (column -> kind, column left out -> reason)."""
    kinds: dict[str, Kind] = {}
    left_out = dict.fromkeys(reference.identifiers, "named as an identifier")
    for name in reference.features:
        if name not in data.frame.columns:
            left_out[name] = f"not in {data.role} data"
            continue
        kind, why = reference.kind_of(name)
        if kind is None:
            left_out[name] = why
        else:
            kinds[name] = kind
    return kinds, left_out


def _scores(reference: Dataset, data: Dataset, kinds: Mapping[str, Kind], settings: Drift) -> dict[str, Score | str]:
    """Return each column's score, or why it cannot be compared."""
    if settings.method == "evidently":
        return _by_evidently(reference, data, kinds)
    return {name: _score(*_columns_of(reference, data, name, kind), kind, settings) for name, kind in kinds.items()}


def _score(train: Column, test: Column, kind: Kind, settings: Drift) -> Score | str:
    if why := _no_score(train, test, kind):
        return why
    if kind == "categorical":
        counts = category_counts(train, test)
        return category_drift(*counts, small=counts[0].sum() <= SMALL)
    numbers = numbers_of(*train), numbers_of(*test)
    return number_drift(*numbers, method=settings.method, threshold=float(settings.threshold))


def _columns_of(reference: Dataset, data: Dataset, name: str, kind: Kind) -> tuple[Column, Column]:
    """Return a column of both tables; where an engine has to put numbers into bins, into the same bins in both."""
    within = None
    if kind == "numeric" and (reference.crowded(name) or data.crowded(name)):
        ends = [found for table in (reference, data) if (found := table.extremes(name))]
        within = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None
    return reference.column(name, within), data.column(name, within)


def _by_evidently(reference: Dataset, data: Dataset, kinds: Mapping[str, Kind]) -> dict[str, Score | str]:
    for table in (reference, data):
        if len(table.frame) != table.rows:
            raise DataError(
                "Evidently itself reads tables in memory, and this one stays where it is",
                where=f"{table.role} data",
                next="take drift.method auto: the same methods, from counts",
            )
    train, test = reference.frame, data.frame
    columns = {name: ((train[name], None), (test[name], None)) for name in kinds}
    unfit = {name: why for name, kind in kinds.items() if (why := _no_score(*columns[name], kind))}
    return {**unfit, **evidently_drift(train, test, {n: kind for n, kind in kinds.items() if n not in unfit})}


def _no_score(train: Column, test: Column, kind: Kind) -> str | None:
    """Return why a column cannot be compared, or None where it can."""
    import pandas as pd

    if kind == "numeric" and not pd.api.types.is_numeric_dtype(test[0]):
        return "numbers in training data, but not here"
    either_empty = not all(numbers_of(*c).rows if kind == "numeric" else c[0].notna().any() for c in (train, test))
    return "no value to compare" if either_empty else None


def _claim(name: str, score: Score | str, data: Dataset, settings: Drift) -> Claim:
    """Return the claim of one column; `score` is a text where there is none, and says why."""
    values, weights = data.column(name)
    there = values.notna()
    at, n = {"column": name}, there.sum() if weights is None else weights[there].sum()
    if isinstance(score, str):
        note, limit = f"not evaluated: {score}", _limit(None, settings)
        return held(claim(limit.metric, None, slice=at, role=data.role, n=n, note=note), limit)
    limit = _limit(score, settings)
    return held(claim(limit.metric, score.value, slice=at, role=data.role, n=n, note=score.method), limit)


def _limit(score: Score | None, settings: Drift) -> Limit:
    """Return the limit in Evidently's own comparison: on which side the limit itself lies differs by method."""
    metric, limit = "drift", settings.threshold
    comparator: Comparator = "<"
    if score is not None and score.is_p_value:
        metric, limit = "drift_p_value", settings.p_value
        comparator = ">" if score.method == KOLMOGOROV else ">="
    return Limit(metric=metric, comparator=comparator, limit=limit, severity=settings.severity, why=settings.why)


def _share(claims: list[Claim], settings: Drift, role: str) -> Claim:
    judged = [c for c in claims if c.passed is not None]
    value = sum(c.passed is False for c in judged) / len(judged) if judged else None
    limit = Limit(
        metric="drifted_share",
        comparator="<",
        limit=settings.drifted_share,
        severity=settings.severity,
        why=settings.why,
    )
    return held(claim("drifted_share", value, role=role, n=len(judged), note="n counts columns"), limit)


def _reports(claims: list[Claim], left_out: Mapping[str, str]) -> dict[str, bytes]:
    picture = drift_chart(claims)
    notes = [f"{name} is left out: {why}." for name, why in left_out.items()]
    page = claims_page("Drift of test data against training data", claims, picture, notes)
    return {"drift.svg": picture, "drift.html": page} if picture else {"drift.html": page}


def evidently_drift(train: pd.DataFrame, test: pd.DataFrame, kinds: Mapping[str, Kind]) -> dict[str, Score]:
    """Return the scores that Evidently's own ValueDrift gives, for the pack's method "evidently"."""
    from evidently import DataDefinition, Report
    from evidently import Dataset as Table
    from evidently.metrics import ValueDrift

    names = list(kinds)
    definition = DataDefinition(
        numerical_columns=[name for name in names if kinds[name] == "numeric"],
        categorical_columns=[name for name in names if kinds[name] == "categorical"],
    )
    current, reference = (Table.from_pandas(frame[names], data_definition=definition) for frame in (test, train))
    snapshot = Report([ValueDrift(column=name) for name in names], include_tests=False).run(current, reference)
    found = {metric["config"]["column"]: metric for metric in snapshot.dict()["metrics"]}
    return {name: Score(float(found[name]["value"]), found[name]["config"]["method"]) for name in names}
