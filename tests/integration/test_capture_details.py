"""What a training, its data steps, a sweep and a monitor write into the details is declared by the models of the kinds."""

import pytest

import aims_mlflow as aims
from aims_mlflow.records.details import KINDS, details_model
from support.captured_runs import config, fit, records
from support.declared_fields import unknown

pytestmark = pytest.mark.usefixtures("tracking")


def test_only_declared_details_are_written(halves):
    import mlflow

    @aims.acquires("applications", owner="ana", config=config())
    def load():
        return halves[0]

    @aims.prepares(why="rows without debt say nothing", config=config())
    def clean(frame):
        return frame[frame["debt"] < 0.9]

    @aims.trains("loans", config=config())
    def train(train, test, strength=1.0):
        return fit(train)

    train(clean(load()), halves[1])
    found = records()
    with mlflow.start_run(), mlflow.start_run(nested=True) as trial:
        train(*halves)
    aims.select(trial.info.run_id)
    found += records(trial.info.run_id)
    assert {r.evidence.kind for r in found} >= {
        "acquisition", "preparation", "session-start", "dataset-record", "lineage", "data-quality", "representativeness",
        "trial", "training-provenance", "tooling-record", "compute-record", "performance", "fairness", "robustness",
        "drift", "drift-baseline", "session",
    }  # fmt: skip
    for body in (r.evidence for r in found if r.evidence.kind in KINDS):
        details = details_model(body.kind).model_validate(body.details)
        assert (body.kind, unknown(details)) == (body.kind, set())
        assert details.plain() == body.details
