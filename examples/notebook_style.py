"""The same without decorators, for notebooks and pipelines, with a sweep whose best trial is chosen.

python examples/notebook_style.py
"""

import os
import tempfile
from pathlib import Path

import mlflow
from data_scientist import CONFIG, load
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import aims_mlflow as aims

FOLDER = Path(os.environ.get("EXAMPLE_DIR") or tempfile.mkdtemp(prefix="aims-example-"))
FEATURES = ["income", "debt"]


@aims.trains("loan-screening", config=CONFIG)
def trial(train, validation, test, depth):  # noqa: ARG001 - aims.trains reads test
    model = RandomForestClassifier(n_estimators=20, max_depth=depth, random_state=0).fit(
        train[FEATURES], train["repaid"]
    )
    mlflow.log_metric("validation_accuracy", model.score(validation[FEATURES], validation["repaid"]))
    return model


if __name__ == "__main__":
    os.chdir(FOLDER)  # MLflow keeps artifacts beside its database
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    rest, test = train_test_split(load(), test_size=0.3, random_state=0)
    train, validation = train_test_split(rest, test_size=0.25, random_state=0)

    with aims.training("loan-screening", config=CONFIG) as session:  # cells: session.start() ... session.finish()
        session.data(train=train, test=test)
        session.model(RandomForestClassifier(n_estimators=20).fit(train[FEATURES], train["repaid"]))

    results = {}
    with mlflow.start_run(run_name="sweep"):
        for depth in (2, 4, 8):
            with mlflow.start_run(nested=True) as run:  # a child run leaves one small trial record
                trial(train, validation, test, depth)
            results[run.info.run_id] = mlflow.get_run(run.info.run_id).data.metrics["validation_accuracy"]
    best = max(results, key=results.get)
    aims.select(best, metric="validation_accuracy")  # the chosen one gets its full evidence
    print(f"Chosen: run {best} among {len(results)} trials")
