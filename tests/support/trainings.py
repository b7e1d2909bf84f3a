"""Trainings whose evidence is compliant or not."""

import functools

import numpy as np
import pandas as pd

from support.kept_training import kept


def table(rows=800, seed=0, *, fair=True):
    draw = np.random.default_rng(seed)
    sex = draw.choice(["f", "m"], rows)
    income = draw.normal(3000, 500, rows) - (0 if fair else 900) * (sex == "f")
    good = income + draw.normal(0, 150, rows) > 3000
    return pd.DataFrame(
        {"income": income, "debt": draw.random(rows), "sex": sex, "granted": np.where(good, "yes", "no")}
    )


def config(name="loans", sensitive=("sex",)):
    return {
        "system": {
            "id": name,
            "owner": "ana",
            "intended_use": "Order applications.",
            "affected_groups": ["applicants"],
        },
        "data": {"target": "granted", "favourable": "yes", "sensitive": list(sensitive)},
    }


def pipeline():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def train(name="loans", *, frame=None, sensitive=("sex",), seed=0):
    """Train under aims; returns (run id, models:/m-... of the logged model)."""
    frame = table(seed=seed) if frame is None else frame
    return kept(frame, (name, tuple(sensitive)), functools.partial(_train, name, frame, sensitive))


def _train(name, frame, sensitive):
    import mlflow

    import aims_mlflow as aims

    @aims.trains(name, config=config(name, sensitive))
    def fit(train, test):
        return pipeline().fit(train[["income", "debt"]], train["granted"])

    cut = len(frame) * 6 // 10
    with mlflow.start_run() as active:
        fit(frame[:cut], frame[cut:])
    outputs = mlflow.get_run(active.info.run_id).outputs.model_outputs
    return active.info.run_id, f"models:/{outputs[0].model_id}"


def plain_model():
    import mlflow
    from sklearn.linear_model import LogisticRegression

    with mlflow.start_run():
        return mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="model").model_uri
