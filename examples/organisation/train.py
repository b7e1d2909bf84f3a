"""The training of loan-screening, as its data scientist writes it; the table is made up."""

import mlflow
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import aims_mlflow as aims


@aims.acquires("loans")
def load(path: str) -> pd.DataFrame:
    return pd.read_csv(path)


@aims.prepares(why="a debt of more than nine tenths of the income is a typing error in this source")
def clean(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["debt"] <= 0.9]


@aims.trains("loan-screening")
def fit(train: pd.DataFrame, test: pd.DataFrame) -> LogisticRegression:  # noqa: ARG001 - aims.trains reads test
    return LogisticRegression(max_iter=1000).fit(train[["income", "debt"]], train["repaid"])


def write_loans(path: str, rows: int = 2000) -> None:
    """Write a made-up table of loans: income, debt, sex, and whether the loan was repaid."""
    draw = np.random.default_rng(7)
    income, debt = draw.normal(3000, 600, rows), draw.random(rows)
    repaid = np.where((income - 3000) / 600 - 3 * (debt - 0.5) + draw.normal(0, 1, rows) > 0, "yes", "no")
    frame = pd.DataFrame({"income": income, "debt": debt, "sex": draw.choice(["f", "m"], rows), "repaid": repaid})
    frame.to_csv(path, index=False)


def train(path: str) -> str:
    """Train the model and register it; returns the id of its run."""
    with mlflow.start_run() as active:
        fit(*train_test_split(clean(load(path)), test_size=0.4, random_state=0))
    made = mlflow.get_run(active.info.run_id).outputs.model_outputs[0].model_id
    mlflow.register_model(f"models:/{made}", "loan-screening")
    return active.info.run_id
