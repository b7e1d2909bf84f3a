"""A data scientist's day: three decorators, and the evidence lies in the run.

    python examples/data_scientist.py

Runs on a made-up table, in a folder of its own, without any server.
"""

import os
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import aims_mlflow as aims

FOLDER = Path(os.environ.get("EXAMPLE_DIR") or tempfile.mkdtemp(prefix="aims-example-"))
CONFIG = {  # usually aims.yaml beside the script; `aims init DATA.csv --target COLUMN` writes it
    "system": {
        "id": "loan-screening",
        "owner": "credit-models@example.org",
        "intended_use": "Suggest which loan applications a clerk looks at first.",
        "affected_groups": ["applicants, by sex"],
    },
    "data": {"target": "repaid", "favourable": "yes", "sensitive": ["sex"]},
}


@aims.acquires(
    "loans", config=CONFIG, owner="data-office", licence="internal", rights="contract", subjects="applicants"
)
def load(rows: int = 2000) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    income, debt = draw.normal(3000, 600, rows), draw.random(rows)
    repaid = np.where((income - 3000) / 600 - 3 * (debt - 0.5) + draw.normal(0, 1, rows) > 0, "yes", "no")
    return pd.DataFrame({"income": income, "debt": debt, "sex": draw.choice(["f", "m"], rows), "repaid": repaid})


@aims.prepares(why="a debt of more than nine tenths of the income is a typing error in this source", config=CONFIG)
def clean(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["debt"] <= 0.9]


@aims.trains("loan-screening", config=CONFIG)
def train(train: pd.DataFrame, test: pd.DataFrame, strength: float = 1.0) -> LogisticRegression:  # noqa: ARG001
    return LogisticRegression(C=strength, max_iter=1000).fit(train[["income", "debt"]], train["repaid"])


if __name__ == "__main__":
    os.chdir(FOLDER)  # MLflow keeps artifacts beside its database
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    train(*train_test_split(clean(load()), test_size=0.3, random_state=0))
    run = mlflow.search_runs(filter_string="tags.`aims.session` LIKE '%'", output_format="list")[0]
    print(f"Next: aims verify runs:/{run.info.run_id}   (MLFLOW_TRACKING_URI=sqlite:///{FOLDER}/mlflow.db)")
