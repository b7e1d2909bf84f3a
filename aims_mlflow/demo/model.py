"""The demo's model, and one mitigation that needs no sensitive column at prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.labels import is_label

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.demo.data import DemoData

ROUNDS = 6
STEP = 0.6
ENOUGH = 0.85
SMALL = 20
SEED = 42001


def fit(data: DemoData, train: pd.DataFrame, weights: np.ndarray[Any, Any] | None = None) -> Any:
    """Fit a gradient-boosted classifier on the features, without the sensitive columns."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder
    from threadpoolctl import threadpool_limits

    features = train[list(data.features)]
    words = [c for c in features.columns if not pd.api.types.is_numeric_dtype(features[c])]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    pipeline = make_pipeline(
        make_column_transformer((encoder, words), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=60, random_state=SEED),
    )
    with threadpool_limits(1):  # many small fits: threads that wait for a busy core cost more than they bring
        return pipeline.fit(features, train[data.target], histgradientboostingclassifier__sample_weight=weights)


@dataclass(frozen=True)
class RowWeights:
    """Row weights of a mitigation, and how they were found: rounds tried, the one taken, and its validation ratio."""

    weights: np.ndarray[Any, Any]
    rounds: int
    taken: int
    lowest_ratio: float

    def settings(self) -> dict[str, Any]:
        """Return what a training with these weights has to record."""
        return {
            "method": "reweighing",
            "models_tried": self.rounds,
            "model_taken": self.taken,
            "chosen_by": "highest of the lowest selection-rate ratios, on validation data",
            "validation_ratio": round(self.lowest_ratio, 4),
            "seed": SEED,
        }

    def sentence(self) -> str:
        """Return how the model was chosen, and what it reached where it was chosen."""
        return (
            f"model {self.taken} of {self.rounds} taken: on validation data its lowest selection rate is "
            f"{self.lowest_ratio:.4g} of the highest group's ({ENOUGH} was sought)"
        )


def reweighed(data: DemoData, train: pd.DataFrame, validation: pd.DataFrame) -> RowWeights:
    """Return row weights under which favourable outcomes do not depend on the group.

    Starts from reweighing (Kamiran and Calders, 2012) and repeats it on what the model still does: rows of
    groups that are chosen too rarely gain weight where the outcome is favourable and lose it where it is not. The
    round with the best lowest ratio on validation data is taken; test data play no part.
    """
    import numpy as np

    good = is_label(train[data.target], data.favourable)
    push = {c: dict.fromkeys(train[c].dropna().unique(), 0.0) for c in data.sensitive}
    base = _kamiran_calders(train, good, data.sensitive)
    best, weights, tried = RowWeights(base, 0, 0, -1.0), base, 0
    for tried in range(1, ROUNDS + 1):
        model = fit(data, train, weights)
        chosen = is_label(model.predict(validation[list(data.features)]), data.favourable)
        lowest = lowest_ratio(chosen, validation, data.sensitive)
        if lowest > best.lowest_ratio:
            best = RowWeights(weights, tried, tried, lowest)
        if lowest >= ENOUGH:
            break
        total = np.zeros(len(train))
        for column, groups in push.items():
            for group in groups:
                rows = (validation[column] == group).to_numpy()
                if rows.sum() >= SMALL:
                    rate = max(float(chosen[rows].mean()), 0.01)
                    groups[group] += STEP * float(np.log(max(chosen.mean(), 0.01) / rate))
            total += train[column].map(groups).fillna(0.0).to_numpy(dtype=float)
        weights = base * np.exp(np.clip(np.where(good, total, -total), -4, 4))
    return replace(best, rounds=tried)


def _kamiran_calders(
    train: pd.DataFrame, good: np.ndarray[Any, Any], sensitive: tuple[str, ...]
) -> np.ndarray[Any, Any]:
    """Return P(group) P(outcome) / P(group, outcome) for each row, over the crossing of the sensitive columns."""
    import pandas as pd

    group = train.groupby(list(sensitive), dropna=False).ngroup()
    table = pd.DataFrame({"group": group.to_numpy(), "good": good})
    joint = table.groupby(["group", "good"])["good"].transform("size") / len(table)
    by_group = table.groupby("group")["good"].transform("size") / len(table)
    by_good = table.groupby("good")["group"].transform("size") / len(table)
    weights: np.ndarray[Any, Any] = (by_group * by_good / joint).to_numpy(dtype=float)
    return weights


def lowest_ratio(chosen: np.ndarray[Any, Any], frame: pd.DataFrame, sensitive: tuple[str, ...]) -> float:
    """Return the lowest ratio of a group's selection rate to the highest, over groups of 20 rows or more."""
    import pandas as pd

    lowest = 1.0
    for column in sensitive:
        rates = pd.Series(chosen).groupby(frame[column].to_numpy()).agg(["mean", "size"])
        rates = rates[rates["size"] >= SMALL]["mean"]
        if len(rates) > 1 and rates.max() > 0:
            lowest = min(lowest, float(rates.min() / rates.max()))
    return lowest
