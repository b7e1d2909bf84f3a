"""Simulations of the checks' intervals and verdicts; they call aims_mlflow's own functions on tables made up here."""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from aims_mlflow.checks.claims import held_by, hold, is_description
from aims_mlflow.checks.drift import drift
from aims_mlflow.checks.fairness.by_group import label_claims, number_claims
from aims_mlflow.checks.fairness.comparisons import comparison, rows_to_judge
from aims_mlflow.checks.fairness.selection import selection_claims
from aims_mlflow.checks.packs import load_pack, shipped_packs
from aims_mlflow.checks.statistics.count_tables import exact_interval
from aims_mlflow.checks.statistics.groups import Groups
from aims_mlflow.checks.statistics.moments import Moments
from aims_mlflow.checks.statistics.score_intervals import difference_interval, ratio_interval, simultaneous_z
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.evidence import result_of

SEED = 42001
TEST_ROWS = 9769
# Shares of the groups of adult's race and sex (Becker and Kohavi, 1996), the largest first.
ADULT_RACE = (0.8543, 0.0959, 0.0319, 0.0096, 0.0083)
ADULT_SEX = (0.6692, 0.3308)
RACE = tuple(int(TEST_ROWS * share) for share in ADULT_RACE)
# Name -> rows of each group, the reference group first, and the share of each that is selected.
LAYOUTS = {
    "two equal groups of 500": ((500, 500), (0.4, 0.4)),
    "four equal groups of 250": ((250,) * 4, (0.3,) * 4),
    "the ratio exactly at 0.8": ((500, 500), (0.4, 0.32)),
    "five groups as in adult's race, equal": (RACE, (0.24,) * 5),
    "five groups as in adult's race, each at 0.8": (RACE, (0.3, 0.24, 0.24, 0.24, 0.24)),
    "small groups of 30": ((100, 30, 30), (0.4,) * 3),
    "small groups of 30, few selected": ((200, 30, 30), (0.1,) * 3),
}
# A group of 100 selected at 20%, beside others at 40%.
HALVES = {
    "beside 200": ((200, 100), (0.4, 0.2)),
    "beside 1,000": ((1000, 100), (0.4, 0.2)),
    "beside four other groups": ((8000, 300, 900, 90, 100), (0.4, 0.4, 0.4, 0.4, 0.2)),
}


def coverage(runs: int) -> dict[str, dict[str, float]]:
    """Return for each layout how often the intervals hold the truth: of ratios and differences all at once."""
    generator = np.random.default_rng(SEED)
    out = {}
    for name, (sizes, shares) in LAYOUTS.items():
        n, truth = np.array(sizes, float), np.array(shares)
        hits = generator.binomial(sizes, shares, size=(runs, len(sizes))).astype(float)
        z = simultaneous_z(len(sizes) - 1)
        pairs = hits[:, 1:], n[1:], hits[:, :1], n[0]
        found = {
            "ratio": (ratio_interval(*pairs, z), truth[1:] / truth[0]),
            "difference": (difference_interval(*pairs, z), truth[1:] - truth[0]),
        }
        out[name] = {what: float(_holds(ends, true).all(axis=1).mean()) for what, (ends, true) in found.items()}
        out[name]["rate"] = float(_holds(exact_interval(hits, n), truth).mean(axis=0).min())
    return out


def _holds(ends, truth):
    # An undefined ratio has no interval that could be wrong.
    return ((ends[0] <= truth) & (truth <= ends[1])) | np.isnan(ends[0])


def groups_of(column: str, size: int) -> Groups:
    """Return groups 0, 1, ... of a column, without rows."""
    names = tuple((f"group {g}",) for g in range(size))
    return Groups((column,), names, np.empty(0, dtype=int), 0, 0, {})


def fair_model(generator, sizes, settings, column, task):
    """Return the claims of one training of a model that treats every group alike, on groups of these sizes."""
    n = np.array(sizes)
    compared = comparison(groups_of(column, len(n)), n, settings, "test")
    if task == "regression":
        errors = [np.abs(generator.standard_normal(size)) for size in n]
        moments = Moments(n, np.array([e.mean() for e in errors]), np.array([e.var() for e in errors]))
        names = ("mean_prediction", "mean_error", "mean_absolute_error", "mean_squared_error")
        return number_claims(dict.fromkeys(names, moments), compared, 0)
    if task == "multiclass-classification":
        cells = np.array([[0.35, 0.05, 0.05], [0.03, 0.25, 0.02], [0.05, 0.05, 0.15]])
        counts = np.stack([generator.multinomial(size, cells.ravel()).reshape(3, 3) for size in n])
        return label_claims(counts, ("a", "b", "c"), compared, 0)
    # A quarter of the people has the outcome; the model finds 65% of them, and 8% of the others.
    cells = np.array([[0.76 * 0.92, 0.76 * 0.08], [0.24 * 0.35, 0.24 * 0.65]])
    counts = np.stack([generator.multinomial(size, cells.ravel()).reshape(2, 2) for size in n])
    return selection_claims(counts, compared, 0)


def fair_results(runs: int) -> dict[str, dict[str, float]]:
    """Return how often a fair model of adult's composition passes, fails or is not evaluated, by each shipped pack.

    Packs that group alike hold the same trainings.
    """
    packs = [load_pack(name) for name in shipped_packs()]
    alike = {(p.task, rows_to_judge(p.fairness)): p for p in packs}
    results = {pack.name: [] for pack in packs}
    for key, first in alike.items():
        mine = [p for p in packs if (p.task, rows_to_judge(p.fairness)) == key]
        generator = np.random.default_rng(SEED)
        for _ in range(runs):
            claims = []
            for column, shares in (("race", ADULT_RACE), ("sex", ADULT_SEX)):
                sizes = generator.multinomial(TEST_ROWS, np.array(shares) / sum(shares))
                claims += fair_model(generator, sizes, first.fairness, column, first.task)
            judged = [c for c in claims if not is_description(c)]
            for pack in mine:
                held = hold(judged, held_by(pack.fairness.limits), min_n=pack.fairness.min_n)
                results[pack.name].append(result_of(held))
    words = ("passed", "warned", "failed", "not_evaluated")
    return {name: {word: found.count(word) / runs for word in words} for name, found in results.items()}


def half_rate_caught(runs: int) -> dict[str, float]:
    """Return for each layout how often a group of 100 that is selected half as often fails the four-fifths rule."""
    pack = load_pack("tabular-classification")
    limits = [x for x in pack.fairness.limits if x.metric == "selection_rate_ratio"]
    generator = np.random.default_rng(SEED)
    out = {}
    for name, (sizes, shares) in HALVES.items():
        failed = 0
        for _ in range(runs):
            selected = generator.binomial(sizes, shares)
            counts = np.zeros((len(sizes), 2, 2), dtype=int)
            counts[:, 0, 0], counts[:, 0, 1] = np.array(sizes) - selected, selected
            compared = comparison(groups_of("g", len(sizes)), np.array(sizes), pack.fairness, "test")
            claims = hold(selection_claims(counts, compared, 0), limits, min_n=pack.fairness.min_n)
            last = {"g": f"group {len(sizes) - 1}"}
            failed += any(c.passed is False and c.slice == last for c in claims)
        out[name] = failed / runs
    return out


def real_like(generator, rows: int) -> pd.DataFrame:
    """Return a table as surveys have it: numbers with many zeros, rounded numbers, categories rare and common."""
    income = generator.lognormal(10, 0.7, rows)
    return pd.DataFrame(
        {
            "age": generator.integers(18, 80, rows),
            "hours": np.where(generator.random(rows) < 0.4, 40, generator.integers(5, 70, rows)),
            "gain": np.where(generator.random(rows) < 0.92, 0, generator.integers(100, 9999, rows)),
            "income": income.round(-2),
            "children": generator.poisson(0.8, rows),
            "work": generator.choice(["private", "public", "own", "none"], rows, p=[0.7, 0.2, 0.08, 0.02]),
            "region": generator.choice([f"r{i}" for i in range(12)], rows),
            "y": (income > np.exp(10.4)).astype(int),
        }
    )


def halves_flagged(runs: int, rows: int = 753) -> float:
    """Return the share of pairs of random halves of one table of which any column is flagged beyond chance."""
    generator, pack = np.random.default_rng(SEED), load_pack("tabular-classification")
    table, task = real_like(generator, rows), PredictionTask(target="y", favourable="1")
    flagged = 0
    for _ in range(runs):
        order = generator.permutation(rows)
        one, other = (table.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2))
        outcome = drift.run(make_dataset("test", other, task), pack, make_dataset("train", one, task))
        flagged += any(c.metric == "drift_p_value" and c.passed is False for c in outcome.claims)
    return flagged / runs


def simulate(runs: int) -> dict[str, object]:
    """Return everything, with the numbers that the targets are about."""
    started = time.perf_counter()
    asked = ((fair_results, runs), (half_rate_caught, runs), (halves_flagged, max(runs // 4, 1)), (coverage, runs * 2))
    with ProcessPoolExecutor() as pool:
        fair, caught, flagged, covered = (task.result() for task in [pool.submit(*each) for each in asked])
    return {
        "coverage_min": min(min(by.values()) for by in covered.values()),
        "fair_fails": max(results["failed"] for results in fair.values()),
        "half_rate_caught": min(caught.values()),
        "halves_flagged": flagged,
        "runs": runs,
        "coverage": covered,
        "fair": fair,
        "caught": caught,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _table(found) -> str:
    lines = ["| groups | ratios | differences | rates |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {by['ratio']:.1%} | {by['difference']:.1%} | {by['rate']:.1%} |"
        for name, by in found["coverage"].items()
    ]
    lines += ["", "| pack | a fair model passes | fails | not enough data |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {by['passed'] + by['warned']:.1%} | {by['failed']:.2%} | {by['not_evaluated']:.1%} |"
        for name, by in found["fair"].items()
    ]
    lines += ["", "| a group of 100, selected at 20% | fails |", "|---|---|"]
    lines += [f"| {name} at 40% | {share:.1%} |" for name, share in found["caught"].items()]
    return "\n".join([*lines, "", f"Random halves flagged: {found['halves_flagged']:.1%}. {found['seconds']} s."])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=2000)
    asked = parser.parse_args()
    found = simulate(asked.runs)
    print(json.dumps(found) if asked.json else _table(found))


if __name__ == "__main__":
    main()
