"""A training against a gated server: its model is registered when its evidence is complete.

MLFLOW_TRACKING_URI=http://127.0.0.1:5000 AIMS_SIGNING_KEY=file:ana.pem python examples/gated_training.py

docs/gate.md starts such a server, and makes the key.
"""

import pandas as pd
from loans import loans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import aims_mlflow as aims

CONFIG = {  # usually aims.yaml beside the script
    "system": {
        "id": "loan-screening",
        "owner": "credit-models@example.org",
        "intended_use": "Suggest which loan applications a clerk looks at first.",
        "affected_groups": ["applicants, by sex"],
    },
    "data": {"target": "repaid", "favourable": "yes", "sensitive": ["sex"]},
}


@aims.trains("loan-screening", config=CONFIG, register=True)
def train(train: pd.DataFrame, test: pd.DataFrame) -> LogisticRegression:  # noqa: ARG001 - aims.trains reads test
    return LogisticRegression(max_iter=1000).fit(train[["income", "debt"]], train["repaid"])


if __name__ == "__main__":
    train(*train_test_split(loans(), test_size=0.3, random_state=0))
