"""Evidently's own drift scores, for packs with `drift.method: evidently`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.statistics.distances import GOODNESS_OF_FIT, JENSEN_SHANNON, KOLMOGOROV, WASSERSTEIN, Score

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from aims_mlflow.checks.statistics.columns import Kind

# Evidently's names for methods that are chosen: what it calls those that it takes by itself, and which give a p-value.
OWN_NAMES = {
    "ks": KOLMOGOROV,
    "chisquare": GOODNESS_OF_FIT,
    "wasserstein": WASSERSTEIN,
    "jensenshannon": JENSEN_SHANNON,
}
TESTS = {"anderson", "cramer_von_mises", "empirical_mmd", "es", "mannw", "t_test", "TVD"}


def evidently_drift(
    train: pd.DataFrame, test: pd.DataFrame, kinds: Mapping[str, Kind], chosen: Mapping[Kind, str | None]
) -> dict[str, Score]:
    """Return the scores that Evidently's own ValueDrift gives, by the method chosen for a kind or by its default."""
    from evidently import DataDefinition, Report
    from evidently import Dataset as Table
    from evidently.metrics import ValueDrift

    names = list(kinds)
    definition = DataDefinition(
        numerical_columns=[name for name in names if kinds[name] == "numeric"],
        categorical_columns=[name for name in names if kinds[name] == "categorical"],
    )
    current, reference = (Table.from_pandas(frame[names], data_definition=definition) for frame in (test, train))
    snapshot = Report([ValueDrift(column=n, method=chosen[kinds[n]]) for n in names], include_tests=False).run(
        current, reference
    )
    by_column = {metric["config"]["column"]: metric for metric in snapshot.dict()["metrics"]}
    return {
        name: Score(float(by_column[name]["value"]), _called(by_column[name]["config"]["method"])) for name in names
    }


def _called(method: str) -> str:
    """Return a method's name; the name of a test ends in "p_value"."""
    return f"{method} p_value" if method in TESTS else OWN_NAMES.get(method, method)
