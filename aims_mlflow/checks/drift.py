"""Drift of test data against training data, by column: Evidently's methods, computed on counts and sorted values.

Which method a column gets, and from where on it counts as drift, is Evidently's default (ValueDrift
without arguments): with more than 1,000 training rows a distance, otherwise a statistical test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.charts import drift_chart
from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.columns import Kind, comparable
from aims_mlflow.checks.distances import KOLMOGOROV, SMALL, Score, category_counts, category_drift, finite, number_drift
from aims_mlflow.checks.report import claims_page
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, Comparator, result_of
from aims_mlflow.records.pack import Drift, Limit, Pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

KIND = "drift"


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
    """Compare `data` with `reference` (the training table), column by column.

    Raises:
        DataError: there is no reference, or no column can be compared.
    """
    if reference is None:
        raise DataError("there is no training data to compare with", where=f"{data.role} data")
    train, test = reference.frame, data.frame
    kinds, left_out = _columns(reference, data)
    if not kinds:
        raise DataError("no column can be compared: all are texts, identifiers or dates", where=f"{data.role} data")
    unfit = {name: why for name, kind in kinds.items() if (why := _no_score(train[name], test[name], kind))}
    scores = _scores(train, test, {name: kind for name, kind in kinds.items() if name not in unfit}, pack.drift)
    claims = [_claim(name, unfit.get(name) or scores[name], data, pack.drift) for name in kinds]
    claims.append(_share(claims, pack.drift, data.role))
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=pack.drift.controls,
        details={
            "rows": {reference.role: len(train), data.role: len(test)},
            "method": pack.drift.method,
            "methods": {name: score.method for name, score in scores.items()},
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
        kind, why = comparable(reference.frame[name])
        if kind is None:
            left_out[name] = why
        else:
            kinds[name] = kind
    return kinds, left_out


def _scores(train: pd.DataFrame, test: pd.DataFrame, kinds: Mapping[str, Kind], settings: Drift) -> dict[str, Score]:
    """Return the score of each column that can be compared in both tables."""
    if settings.method == "evidently":
        return evidently_drift(train, test, kinds)
    threshold = float(settings.threshold)
    scores = {}
    for name, kind in kinds.items():
        if kind == "categorical":
            counts = category_counts(train[name], test[name])
            scores[name] = category_drift(*counts, small=counts[0].sum() <= SMALL)
        else:
            numbers = finite(train[name]), finite(test[name])
            scores[name] = number_drift(*numbers, method=settings.method, threshold=threshold)
    return scores


def _no_score(train: pd.Series, test: pd.Series, kind: Kind) -> str | None:
    """Return why a column cannot be compared, or None where it can."""
    import pandas as pd

    if kind == "numeric" and not pd.api.types.is_numeric_dtype(test):
        return "numbers in training data, but not here"
    either_empty = not all(len(finite(c)) if kind == "numeric" else c.notna().any() for c in (train, test))
    return "no value to compare" if either_empty else None


def _claim(name: str, score: Score | str, data: Dataset, settings: Drift) -> Claim:
    """Return the claim of one column; `score` is a text where there is none, and says why."""
    at, n = {"column": name}, data.frame[name].count()
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
