"""How a trial was chosen: a metric of the test data is named as one, and no other."""

from types import SimpleNamespace

import pytest

from aims_mlflow.capture import sweep_selection


@pytest.mark.parametrize(
    ("metric", "on_test"),
    [
        *((name, True) for name in ("test_accuracy", "acc.test", "TEST-auc", "accuracyTest", "testset_f1", "testing_loss")),
        *((name, False) for name in ("latest_loss", "greatest_auc", "contest_score", "LATEST", "validation_auc")),
    ],
)  # fmt: skip
def test_only_a_metric_of_the_test_data_chose_on_them(metric, on_test, monkeypatch):
    monkeypatch.setattr(sweep_selection, "count_runs", lambda *_: 3)
    run = SimpleNamespace(
        info=SimpleNamespace(experiment_id="0", run_id="r"), data=SimpleNamespace(metrics={metric: 1})
    )
    (claim,) = sweep_selection.selection_of(run, "p", metric).claims
    assert claim.passed is not on_test
