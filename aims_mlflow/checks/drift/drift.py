"""Drift of test data against training data: Evidently's distances, and two-sample tests, from counts and sorted values.

As in Evidently, with more than 1,000 training rows a distance decides (normed Wasserstein, Jensen-Shannon), otherwise a
test (Kolmogorov-Smirnov, chi-square). For categories it is the chi-square test of homogeneity: Evidently's is one of
goodness of fit, which takes the training table for the population and flags two random halves of one table; it is
replaced even where a pack asks for Evidently's methods. Labels are compared like columns, and predictions where both
tables have them: their drift says more than that of any input.

Those methods look at the values that are there. That more cells of a column are missing than in training is held to a
limit of its own (infinite numbers count as missing), and tested by Fisher's exact test of one side, as in `monitoring`.

Of many columns compared at once, some are beyond a limit by chance. P-values are corrected for their number (Holm), as
in `monitoring`, and a distance or a rise breaks its limit only where a two-sample test, corrected alike, finds chance
unlikely; otherwise it is "not enough data". So at 0.05 tables of one population are flagged in at most 5% of cases.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.drift.baseline import PREDICTION, TARGET
from aims_mlflow.checks.drift.evidently_scores import evidently_drift
from aims_mlflow.checks.drift.pairs import column_pair, comparable_columns, outcome_pairs
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.charts import drift_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics.distances import (
    GOODNESS_OF_FIT,
    KOLMOGOROV,
    SMALL,
    Score,
    category_counts,
    category_drift,
    chance_of_numbers,
    holm,
    number_drift,
    numbers_of,
)
from aims_mlflow.checks.statistics.homogeneity import TINY, categories_p_value, p_value_text
from aims_mlflow.checks.statistics.rise import Rise
from aims_mlflow.checks.statistics.threads import side_by_side
from aims_mlflow.errors import DataError
from aims_mlflow.records.details.checks import DriftDetails
from aims_mlflow.records.evidence import Claim, Comparator, result_of
from aims_mlflow.records.limit import holds
from aims_mlflow.records.pack import Drift, Limit, Pack
from aims_mlflow.records.verdicts import NOT_ENOUGH
from aims_mlflow.records.wording import percent_text, share_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.checks.drift.pairs import Pair
    from aims_mlflow.checks.statistics.columns import Kind
    from aims_mlflow.checks.statistics.distances import WeightedColumn
    from aims_mlflow.checks.tables.dataset import Dataset

    Adjusted = Mapping[tuple[str, str], float]  # (column, DRIFT or RISE) to the p-value that is corrected for all

KIND = "drift"
DRIFT, RISE = "drift", "missing_rate_rise"
CALLED = {TARGET: "label drift: ", PREDICTION: "prediction drift: "}


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
    """Compare `data` with `reference` (the training table), column by column.

    Raises:
        DataError: there is no reference, or no column can be compared.
    """
    if reference is None:
        raise DataError("there is no training data to compare with", where=f"{data.role} data")
    kinds, left_out = comparable_columns(reference, data)
    if not kinds:
        raise DataError("no column can be compared: all are texts, identifiers or dates", where=f"{data.role} data")
    pairs = {name: column_pair(reference, data, name, kind) for name, kind in kinds.items()} | outcome_pairs(
        reference, data
    )
    kinds = {name: kinds.get(name, "numeric" if data.task.kind == "regression" else "categorical") for name in pairs}
    scores = _scores(reference, data, pairs, kinds, pack.drift)
    compared = {name: score for name, score in scores.items() if isinstance(score, Score)}
    by_chance = {name: _by_chance(score, *pairs[name], kinds[name], pack.drift) for name, score in compared.items()}
    rises = {name: rise for name in kinds if (rise := _rise(reference, data, *pairs[name], kinds[name])).now}
    tested = {(name, DRIFT): p for name, p in by_chance.items() if not math.isnan(p)}
    adjusted = holm({**tested, **{(name, RISE): rise.p_value for name, rise in rises.items()}})
    claims = [
        _claim(name, scores[name], pairs[name][1], adjusted=adjusted, role=data.role, settings=pack.drift)
        for name in pairs
    ]
    share = _share(claims, pack.drift, data.role)
    claims += [_rise_claim(name, rise, adjusted, data.role, pack.drift) for name, rise in rises.items()]
    claims.append(share)
    noise = _noise(len(adjusted), pack.drift, tested=any(score.is_p_value for score in compared.values()))
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=pack.drift.controls,
        details=DriftDetails(
            rows={reference.role: reference.rows, data.role: data.rows},
            method=pack.drift.method,
            methods={name: score.method for name, score in compared.items()},
            columns=dict(kinds),
            left_out=left_out,
            noise=noise,
            why=pack.drift.why,
        ),
        reports=_reports(claims, left_out, noise),
        tools=versions("evidently", "scipy", "numpy", "pandas"),
    )


def _scores(
    reference: Dataset, data: Dataset, pairs: Mapping[str, Pair], kinds: Mapping[str, Kind], settings: Drift
) -> dict[str, Score | str]:
    """Return each column's score, or why it cannot be compared."""
    if settings.method == "evidently":
        chosen: dict[Kind, str | None] = {"numeric": settings.numeric, "categorical": settings.categorical}
        return _by_evidently(reference, data, pairs, kinds, chosen)
    rows = reference.rows_in_memory + data.rows_in_memory
    scores = side_by_side(lambda name: _score(*pairs[name], kinds[name], settings), pairs, rows)
    return dict(zip(pairs, scores, strict=True))


def _score(train: WeightedColumn, test: WeightedColumn, kind: Kind, settings: Drift) -> Score | str:
    if why := _no_score(train, test, kind):
        return why
    if kind == "categorical":
        counts = category_counts(train, test)
        return category_drift(*counts, small=counts[0].sum() <= SMALL)
    numbers = numbers_of(*train), numbers_of(*test)
    return number_drift(*numbers, method=settings.method, threshold=float(settings.threshold))


def _by_evidently(
    reference: Dataset,
    data: Dataset,
    pairs: Mapping[str, Pair],
    kinds: Mapping[str, Kind],
    chosen: Mapping[Kind, str | None],
) -> dict[str, Score | str]:
    import pandas as pd

    for table in (reference, data):
        if table.rows_in_memory != table.rows:
            raise DataError(
                "Evidently itself reads tables in memory, and this one stays where it is",
                where=f"{table.role} data",
                next="take drift.method auto: the same methods, from counts",
            )
    unfit = {name: why for name, pair in pairs.items() if (why := _no_score(*pair, kinds[name]))}
    fit = {name: kinds[name] for name in pairs if name not in unfit}
    train, test = (pd.DataFrame({n: pairs[n][i][0].reset_index(drop=True) for n in fit}) for i in (0, 1))
    scores = evidently_drift(train, test, fit, chosen)
    homogeneity = {
        name: category_drift(*category_counts(*pairs[name]), small=True)
        for name, score in scores.items()
        if score.method == GOODNESS_OF_FIT
    }
    return {**unfit, **scores, **homogeneity}


def _no_score(train: WeightedColumn, test: WeightedColumn, kind: Kind) -> str | None:
    """Return why a column cannot be compared, or None where it can."""
    import pandas as pd

    if kind == "numeric" and not pd.api.types.is_numeric_dtype(test[0]):
        return "numbers in training data, but not here"
    either_empty = not all(numbers_of(*c).rows if kind == "numeric" else c[0].notna().any() for c in (train, test))
    return "no value to compare" if either_empty else None


def _by_chance(score: Score, train: WeightedColumn, test: WeightedColumn, kind: Kind, settings: Drift) -> float:
    """Return the p-value of a column: the score itself where it is one, else of a two-sample test.

    A distance within its limit breaks nothing, whatever its p-value: it gets 1, which corrects the others too much if
    at all.
    """
    if score.is_p_value or math.isnan(score.value):
        return score.value
    limit = _limit(score, settings)
    if holds(str(score.value), limit.comparator, limit.limit):
        return 1.0
    if kind == "categorical":
        return categories_p_value(*category_counts(train, test))
    return chance_of_numbers(numbers_of(*train), numbers_of(*test))


def _rise(reference: Dataset, data: Dataset, train: WeightedColumn, test: WeightedColumn, kind: Kind) -> Rise:
    """Return how many cells of a column are missing in both tables; of numbers, infinite ones are."""
    import pandas as pd

    def gone(column: WeightedColumn, rows: int) -> int:
        values, weights = column
        if kind == "numeric" and pd.api.types.is_numeric_dtype(values):
            return rows - numbers_of(values, weights).rows
        there = values.notna().to_numpy()
        return rows - int(there.sum() if weights is None else weights[there].sum())

    return Rise(gone(train, reference.rows), reference.rows, gone(test, data.rows), data.rows)


def _rise_claim(name: str, rise: Rise, adjusted: Adjusted, role: str, settings: Drift) -> Claim:
    """Return the claim that the share of missing cells of a column did not rise by more than the limit."""
    p = adjusted[name, RISE]
    now, before = share_text(rise.now / rise.rows), share_text((rise.before or 0) / rise.rows_before)
    shares = f"{now} are missing, {before} in training data"
    how = f"two-sample test (Fisher, one side), corrected for {len(adjusted)} tests: p-value {p_value_text(p)}"
    note = f"{CALLED.get(name, '')}{shares}; {how}"
    limit = _plain_limit(RISE, "<=", settings.missing, settings)
    judged = held(claim(RISE, rise.value, slice={"column": name}, role=role, n=rise.rows, note=note), limit)
    return _beyond_chance(judged, "rise", p, settings)


def _beyond_chance(judged: Claim, what: str, p: float, settings: Drift) -> Claim:
    """Return a claim that is beyond its limit as not decided where chance is likely; any other as it is."""
    if judged.passed is not False or p < float(settings.p_value):
        return judged
    lacking = f"{NOT_ENOUGH}: chance alone makes such a {what} with so few rows; {judged.note}"
    return judged.model_copy(update={"passed": None, "note": lacking})


def _claim(
    name: str, score: Score | str, test: WeightedColumn, *, adjusted: Adjusted, role: str, settings: Drift
) -> Claim:
    """Return the claim of one column; `score` is the reason where there is none."""
    values, weights = test
    there = values.notna().to_numpy()
    at, n = {"column": name}, there.sum() if weights is None else weights[there].sum()
    if isinstance(score, str):
        note, limit = f"not evaluated: {score}", _limit(None, settings)
        return held(claim(limit.metric, None, slice=at, role=role, n=n, note=note), limit)
    limit, note = _limit(score, settings), CALLED.get(name, "") + score.method
    if (name, DRIFT) not in adjusted:  # Evidently gave no number
        return held(claim(limit.metric, score.value, slice=at, role=role, n=n, note=note), limit)
    corrected = adjusted[name, DRIFT]
    if score.is_p_value:
        alone = f"{note}: {p_value_text(score.value)} by itself, corrected for {len(adjusted)} tests"
        return held(claim(limit.metric, max(corrected, TINY), slice=at, role=role, n=n, note=alone), limit)
    judged = held(claim(limit.metric, score.value, slice=at, role=role, n=n, note=note), limit)
    if judged.passed is not False:
        return judged
    note = f"{note}; two-sample test, corrected for {len(adjusted)} tests: p-value {p_value_text(corrected)}"
    return _beyond_chance(judged.model_copy(update={"note": note}), "distance", corrected, settings)


def _limit(score: Score | None, settings: Drift) -> Limit:
    """Return the limit in Evidently's own comparison: on which side the limit itself lies differs by method."""
    metric, limit = DRIFT, settings.threshold
    comparator: Comparator = "<"
    if score is not None and score.is_p_value:
        metric, limit = "drift_p_value", settings.p_value
        comparator = ">" if score.method == KOLMOGOROV else ">="
    return _plain_limit(metric, comparator, limit, settings)


def _plain_limit(metric: str, comparator: Comparator, limit: str, settings: Drift) -> Limit:
    severity, why = settings.severity, settings.why
    return Limit(metric=metric, comparator=comparator, limit=limit, severity=severity, why=why, **settings.author)


def _noise(tests: int, settings: Drift, *, tested: bool) -> str:
    """Return what is done about chance among many columns, in one sentence; `tested`: p-values decide about some."""
    if not tested:
        return (
            f"columns are compared by their distance, which has the limit; a distance beyond it is drift only where a "
            f"two-sample test at {settings.p_value}, corrected for {tests} comparisons (of the columns' values, and of "
            f"their missing cells; Holm), excludes chance"
        )
    alone = 1 - (1 - float(settings.p_value)) ** tests
    return (
        f"{tests} comparisons are made (of the columns' values, and of their missing cells): tested one by one at "
        f"{settings.p_value}, at least one would be flagged by chance alone in up to "
        f"{share_text(round(alone, 2))} of all tables, so p-values are corrected for their number (Holm), and two "
        f"tables of one population are flagged in at most {percent_text(settings.p_value)} of the cases"
    )


def _share(claims: list[Claim], settings: Drift, role: str) -> Claim:
    """Return the share of columns beyond their limit and beyond chance; labels and predictions do not count."""
    judged = [c for c in claims if c.value is not None and c.slice["column"] not in CALLED]
    drifted = [c for c in judged if c.passed is False]
    value = len(drifted) / len(judged) if judged else None
    limit = _plain_limit("drifted_share", "<", settings.drifted_share, settings)
    return held(claim("drifted_share", value, role=role, n=len(judged), note="n counts columns"), limit)


def _reports(claims: list[Claim], left_out: Mapping[str, str], noise: str) -> dict[str, bytes]:
    picture = drift_chart(claims)
    notes = [f"{noise[0].upper()}{noise[1:]}.", *(f"{name} is left out: {why}." for name, why in left_out.items())]
    page = claims_page("Drift of test data against training data", claims, picture, notes)
    return {"drift.svg": picture, "drift.html": page} if picture else {"drift.html": page}
