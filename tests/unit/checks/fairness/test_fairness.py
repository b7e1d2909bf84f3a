from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics

from aims_mlflow.checks.claims import LEFT_OUT
from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, FAIRNESS_OF, GROUP_RATES
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import CheckError, DataError
from aims_mlflow.records.pack import Fairness, Limit, Pack


def pack(*limits, **settings):
    return Pack(name="p", version="1", description="d", fairness=Fairness(limits=limits, **settings))


def limit(metric, comparator=">=", bound="0.8", **more):
    return Limit(metric=metric, comparator=comparator, limit=bound, why="for the test", **more)


def data_of(actual, predicted, **sensitive):
    frame = pd.DataFrame({"x": range(len(actual)), "y": actual, **sensitive})
    data = make_dataset("test", frame, PredictionTask(target="y", favourable="1"), sensitive=list(sensitive))
    return replace(data, predictions=Predictions(np.asarray(predicted)))


def small(**counts):
    """Build rows from {group: [[tn, fp], [fn, tp]]}."""
    rows = [
        (name, actual, predicted)
        for name, cells in counts.items()
        for actual in (0, 1)
        for predicted in (0, 1)
        for _ in range(cells[actual][predicted])
    ]
    group, actual, predicted = zip(*rows, strict=True)
    return data_of(list(actual), list(predicted), g=list(group))


def test_every_number_is_fairlearns_on_the_rows(scored, value_of):
    data = scored(3000)
    claims = fairness.run(data, pack(bootstrap=50)).claims
    actual = (data.frame["repaid"] == "yes").astype(int)
    predicted = (data.predicted == "yes").astype(int)
    for columns in (["sex"], ["race"], ["sex", "race"]):
        group = data.sensitive[columns]
        frame = metrics.MetricFrame(
            metrics={name: getattr(metrics, name) for name in GROUP_RATES},
            y_true=actual,
            y_pred=predicted,
            sensitive_features=group,
        )
        for names, row in frame.by_group.iterrows():
            at = dict(zip(columns, names if isinstance(names, tuple) else (names,), strict=True))
            for metric in GROUP_RATES:
                assert float(value_of(claims, metric, **at).value) == row[metric]
            ratio = row["selection_rate"] / frame.by_group["selection_rate"].max()
            assert float(value_of(claims, "selection_rate_ratio", **at).value) == ratio
        for metric in BETWEEN_GROUPS:
            theirs = getattr(metrics, metric)(actual, predicted, sensitive_features=group)
            assert float(value_of(claims, metric, **dict.fromkeys(columns, "*")).value) == theirs


def test_an_undefined_rate_is_said_and_not_counted_as_zero(value_of):
    """Fairlearn gives a group without positives a true positive rate of 0, and a difference made of it."""
    data = small(a=[[10, 10], [10, 30]], b=[[15, 15], [15, 15]], c=[[20, 10], [0, 0]])
    actual, predicted = data.frame["y"], data.predicted
    assert metrics.equalized_odds_difference(actual, predicted, sensitive_features=data.sensitive["g"]) == 0.75
    claims = fairness.run(data, pack()).claims
    undefined = value_of(claims, "true_positive_rate", g="c")
    assert (undefined.value, undefined.interval, undefined.n) == (None, None, 0)
    assert undefined.note == "undefined: no positives in this group"
    difference = value_of(claims, "equalized_odds_difference", g="*")
    assert float(difference.value) == 0.25  # the true positive rates of a and b: 0.75 and 0.5
    assert difference.note == "over the groups where it is defined: true_positive_rate is undefined in c"


def test_nobody_selected_makes_ratios_undefined_and_the_check_not_evaluated(value_of):
    data = small(a=[[20, 0], [20, 0]], b=[[30, 0], [10, 0]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    ratio = value_of(outcome.claims, "selection_rate_ratio", g="a")
    assert (ratio.value, ratio.passed, ratio.limit) == (None, None, "0.8")
    assert ratio.note == "undefined: no row was selected in any group"
    assert value_of(outcome.claims, "demographic_parity_difference", g="*").value == "0"
    assert outcome.result == "not_evaluated"


def test_one_group_is_not_evaluated_with_the_reason_even_without_limits(value_of):
    data = small(Male=[[20, 10], [10, 20]])
    reason = "only one group (Male) with at least 20 rows: rates cannot be compared"
    held = fairness.run(data, pack(limit("selection_rate_ratio"), limit("demographic_parity_ratio")))
    for metric, group in (("selection_rate_ratio", "Male"), ("demographic_parity_ratio", "*")):
        found = value_of(held.claims, metric, g=group)
        assert (found.value, found.passed, found.limit, found.note) == (None, None, "0.8", reason)
    assert held.result == "not_evaluated"
    assert reason in held.reason
    assert fairness.run(data, pack()).result == "not_evaluated"


def test_a_column_of_tiny_groups_has_nothing_to_compare(value_of):
    groups = [f"g{i}" for i in range(9) for _ in range(2)]
    data = data_of([0, 1] * 9, [0, 1] * 9, g=groups)
    outcome = fairness.run(data, pack())
    note = value_of(outcome.claims, "demographic_parity_ratio", g="*").note
    assert note == "no group with at least 20 rows: rates cannot be compared"
    assert outcome.result == "not_evaluated"


def test_rows_in_groups_too_small_to_show_are_said_to_be_left_out_and_held_to_no_limit(value_of):
    data = small(a=[[10, 10], [10, 10]], b=[[10, 10], [10, 10]], c=[[2, 3], [4, 5]])
    outcome = fairness.run(data, pack(limit("selection_rate")))
    hidden = value_of(outcome.claims, "selection_rate", g="(pooled: groups under 20 rows)")
    assert (hidden.value, hidden.n, hidden.limit, hidden.note) == (None, None, None, LEFT_OUT)
    assert not any(c.slice.get("g") == "c" for c in outcome.claims)


def test_limits_set_passed_and_the_reason_names_group_value_interval_and_n():
    data = small(a=[[30, 10], [10, 50]], b=[[40, 5], [45, 10]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    assert outcome.result == "failed"
    assert outcome.reason.startswith("selection_rate_ratio for g=b is 0.25 (95% 0.1")
    assert outcome.reason.endswith("n=100), limit >= 0.8")
    by_group = {c.slice["g"]: c.passed for c in outcome.claims if c.metric == "selection_rate_ratio"}
    assert by_group == {"a": True, "b": False}


def test_a_warning_warns():
    data = small(a=[[30, 10], [10, 50]], b=[[40, 5], [45, 10]])
    assert fairness.run(data, pack(limit("selection_rate_ratio", severity="warning"))).result == "warned"


def test_limits_mean_single_columns_unless_they_name_the_crossing(scored):
    data = scored(3000)
    single = fairness.run(data, pack(limit("selection_rate_ratio"), bootstrap=0)).claims
    assert {len(c.slice) for c in single if c.limit is not None} == {1}
    asked = limit("selection_rate_ratio", slice={"race": "*", "sex": "*"})
    crossed = fairness.run(data, pack(asked, bootstrap=0)).claims
    held = [c for c in crossed if c.limit is not None]
    assert {tuple(sorted(c.slice)) for c in held} == {("race", "sex")}
    assert len(held) == 6


def test_a_limit_for_a_group_that_is_not_there_is_not_evaluated(scored, value_of):
    asked = limit("selection_rate_ratio", slice={"sex": "Divers"})
    outcome = fairness.run(scored(), pack(asked))
    missing = value_of(outcome.claims, "selection_rate_ratio", sex="Divers")
    assert (missing.value, missing.passed, missing.limit) == (None, None, "0.8")
    assert outcome.result == "not_evaluated"


def test_crossing_can_be_switched_off(scored):
    claims = fairness.run(scored(), pack(intersections=False, bootstrap=0)).claims
    assert {len(c.slice) for c in claims} == {1}


def test_intervals_have_their_method_and_hold_the_value(scored):
    for found in fairness.run(scored(), pack()).claims:
        assert found.interval is not None, found
        expected = "Wilson" if found.metric in GROUP_RATES else "bootstrap, percentile"
        assert found.interval.method == expected
        if found.metric in GROUP_RATES:
            assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)


def test_the_same_table_gives_the_same_outcome(scored):
    assert fairness.run(scored(), pack()) == fairness.run(scored(), pack())


def test_missing_groups_are_a_group(value_of):
    data = data_of([0, 1] * 40, [1, 1] * 40, g=["a"] * 30 + ["b"] * 30 + [None] * 20)
    assert value_of(fairness.run(data, pack()).claims, "selection_rate", g="(missing)").n == 20


def test_the_outcome_is_a_valid_record_with_the_counts_to_compute_it_again(scored, record, value_of):
    data = scored()
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    record(outcome)
    assert outcome.controls == ("A.6.2.4", "A.5.4")
    assert {c.metric for c in outcome.claims} == set(FAIRNESS_OF["binary-classification"])
    assert set(outcome.tools) == {"fairlearn", "numpy", "pandas"}
    assert outcome.details["bootstrap"] == {"replicates": 1000, "seed": 42001, "of": "the count table, multinomial"}
    (female, _) = outcome.details["tables"][0]["groups"]
    (tn, fp), (fn, tp) = female["counts"]
    assert female["slice"] == {"sex": "Female"}
    assert float(value_of(outcome.claims, "selection_rate", sex="Female").value) == (fp + tp) / (tn + fp + fn + tp)
    assert set(outcome.reports) == {"fairness.svg", "fairness.html"}


def test_fairlearn_can_contradict(scored, monkeypatch):
    monkeypatch.setattr(metrics, "false_positive_rate", metrics.false_negative_rate)
    with pytest.raises(CheckError, match="another false_positive_rate"):
        fairness.run(scored(), pack())


def test_no_sensitive_columns_is_an_error(scored):
    with pytest.raises(DataError, match="no sensitive columns are named"):
        fairness.run(replace(scored(), sensitive=None), pack())
