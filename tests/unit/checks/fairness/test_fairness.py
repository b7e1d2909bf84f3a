from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics

from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, FAIRNESS_OF, GROUP_RATES
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import CheckError, DataError
from aims_mlflow.records.pack import Fairness, Limit, Pack
from aims_mlflow.records.wording import describe


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
            ratio = value_of(claims, "selection_rate_ratio", **at)
            theirs = tuple(ratio.reference.values())
            against = frame.by_group["selection_rate"][theirs if len(theirs) > 1 else theirs[0]]
            assert float(ratio.value) == pytest.approx(row["selection_rate"] / against, abs=1e-15)
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
    lacking, fewest = difference.note.split("; ")
    assert lacking == "over the groups where it is defined: true_positive_rate is undefined in c"
    assert fewest.startswith("n counts the negatives of one group")


def test_nobody_selected_makes_ratios_undefined_and_the_check_not_evaluated(value_of):
    data = small(a=[[20, 0], [20, 0]], b=[[30, 0], [10, 0]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    ratio = value_of(outcome.claims, "selection_rate_ratio", g="b")
    assert (ratio.value, ratio.passed, ratio.limit) == (None, None, "0.8")
    assert ratio.note == "undefined: the value of the reference group is 0"
    assert value_of(outcome.claims, "demographic_parity_difference", g="*").value == "0"
    assert outcome.result == "not_evaluated"


def test_one_group_is_not_evaluated_with_the_reason_even_without_limits(value_of):
    data = small(Male=[[20, 10], [10, 20]])
    reason = "only one group (Male) with at least 20 rows: rates cannot be compared"
    held = fairness.run(data, pack(limit("selection_rate_ratio"), limit("demographic_parity_ratio")))
    for metric, group, bound in (("selection_rate_ratio", "Male", "0.8"), ("demographic_parity_ratio", "*", None)):
        found = value_of(held.claims, metric, g=group)
        assert (found.value, found.passed, found.limit, found.note) == (None, None, bound, reason)
    assert held.result == "not_evaluated"
    assert reason in held.reason
    without = fairness.run(data, pack())
    assert (without.result, without.reason) == ("not_evaluated", f"g: {reason}")


def test_a_column_of_tiny_groups_has_nothing_to_compare(value_of):
    groups = [f"g{i}" for i in range(9) for _ in range(2)]
    data = data_of([0, 1] * 9, [0, 1] * 9, g=groups)
    outcome = fairness.run(data, pack())
    note = value_of(outcome.claims, "demographic_parity_ratio", g="*").note
    assert note == "no group with at least 20 rows: rates cannot be compared"
    assert (outcome.result, outcome.reason) == ("not_evaluated", f"g: {note}")


def test_a_group_too_small_to_judge_is_named_and_the_check_not_passed(value_of):
    data = small(a=[[10, 10], [10, 10]], b=[[10, 10], [10, 10]], c=[[2, 3], [4, 5]], d=[[5, 3], [4, 5]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    others = value_of(outcome.claims, "selection_rate", g="(others: groups under 20 rows)")  # together they are enough
    assert (others.n, outcome.result) == (31, "passed")
    lone = small(a=[[10, 10], [10, 10]], b=[[10, 10], [10, 10]], c=[[2, 3], [4, 5]])
    outcome = fairness.run(lone, pack(limit("selection_rate_ratio")))
    hidden = value_of(outcome.claims, "selection_rate_ratio", g="c")
    assert (hidden.value, hidden.n, hidden.passed, hidden.limit) == (None, None, None, "0.8")
    assert outcome.result == "not_evaluated"
    assert outcome.reason.startswith(
        "not evaluated: g=c, under 20 rows, groups are judged from 20 on; the ways on: more"
    )


def test_limits_set_passed_and_the_reason_names_group_value_interval_and_n():
    data = small(a=[[30, 10], [10, 50]], b=[[40, 5], [45, 10]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    assert outcome.result == "failed"
    assert outcome.reason.startswith("selection-rate ratio for g=b is 0.25 (against a, 95% 0.1")
    assert outcome.reason.endswith("n=100), limit >= 0.8")
    by_group = {c.slice["g"]: c.passed for c in outcome.claims if c.metric == "selection_rate_ratio"}
    assert by_group == {"a": None, "b": False}  # a is what b is compared with


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
    assert len(held) in (5, 6)  # the reference group is held where another group is above it


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
        if found.reference == found.slice:  # the reference group names itself
            assert (found.value, found.interval) == ("1", None)
            continue
        assert found.interval is not None, found
        expected = "exact (Clopper-Pearson)" if found.metric in GROUP_RATES else "score, Bonferroni over"
        assert found.interval.method.startswith("bootstrap range" if "*" in found.slice.values() else expected)
        assert found.interval.is_range is ("*" in found.slice.values())
        assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)


def test_the_same_table_gives_the_same_outcome(scored):
    assert fairness.run(scored(), pack()) == fairness.run(scored(), pack())


def test_equalized_odds_stand_beside_the_labels_that_they_rest_on(value_of):
    data = small(a=[[60, 20], [60, 20]], b=[[30, 50], [2, 1]], c=[[50, 30], [0, 0]])
    found = fairness.run(data, pack()).claims
    odds, parity = (value_of(found, m, g="*") for m in ("equalized_odds_ratio", "demographic_parity_ratio"))
    assert (odds.n, odds.n_of, parity.n) == (3, {"g": "b"}, 80)
    assert "n counts the positives of one group" in odds.note
    assert describe(odds).endswith("n=3 of b)")


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
    assert outcome.recorded_details().plain()["bootstrap"] == {
        "replicates": 1000,
        "seed": 42001,
        "of": "the count table, multinomial",
    }
    (female, _) = outcome.recorded_details().plain()["tables"][0]["groups"]
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


def test_groups_are_compared_with_the_largest_or_the_declared_one_never_with_the_highest(value_of):
    data = small(a=[[60, 20], [60, 20]], b=[[20, 10], [20, 10]], c=[[10, 20], [10, 20]])
    found = value_of(fairness.run(data, pack()).claims, "selection_rate_ratio", g="b")
    assert (found.reference, found.n) == ({"g": "a"}, 60)
    assert float(found.value) == pytest.approx((20 / 60) / (40 / 160))
    declared = fairness.run(data, pack(reference={"g": "b"})).claims
    assert value_of(declared, "selection_rate_ratio", g="c").reference == {"g": "b"}
    absent = fairness.run(data, pack(limit("selection_rate_ratio"), reference={"g": "z"}))
    assert absent.result == "not_evaluated"
    assert "the reference group g=z has under 20 rows, or none" in absent.reason


def test_the_reference_group_is_held_too_where_it_is_the_one_that_is_worse_off(value_of):
    """The largest group is not the best served one by nature: women are most of the rows here."""
    data = small(women=[[180, 20], [180, 20]], men=[[60, 40], [60, 40]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    women = value_of(outcome.claims, "selection_rate_ratio", g="women")
    assert (women.reference, women.value, women.passed) == ({"g": "men"}, "0.25", False)
    assert value_of(outcome.claims, "selection_rate_ratio", g="men").passed is True
    assert outcome.result == "failed"


def test_a_difference_is_never_negative_and_says_on_which_side(value_of):
    data = small(a=[[60, 20], [60, 20]], b=[[30, 0], [20, 10]])
    found = value_of(fairness.run(data, pack()).claims, "false_positive_rate_difference", g="b")
    assert (float(found.value), found.note) == (0.25, "below the reference group")
    assert float(found.interval.low) <= 0.25 <= float(found.interval.high)


def test_what_chance_explains_is_not_enough_data_and_never_passed(value_of):
    """0.75 of the reference group's rate, in groups that are too small to tell that from 1."""
    data = small(a=[[150, 50], [150, 50]], b=[[13, 3], [13, 3]])
    outcome = fairness.run(data, pack(limit("selection_rate_ratio")))
    found = value_of(outcome.claims, "selection_rate_ratio", g="b")
    assert (found.value, found.passed) == ("0.75", None)
    assert found.note.startswith("not enough data: beyond the limit, and chance alone may explain it")
    assert outcome.result == "not_evaluated"


def test_a_limit_on_the_extremes_is_held_by_each_group_and_the_extremes_have_no_verdict():
    data = small(a=[[60, 20], [20, 60]], b=[[60, 20], [60, 20]])
    limits = [limit("equalized_odds_difference", "<=", "0.1"), limit("demographic_parity_ratio")]
    claims = fairness.run(data, pack(*limits, limit("selection_rate_ratio"))).claims
    held = [(c.metric, c.slice["g"], c.passed) for c in claims if c.limit is not None]
    assert held == [
        ("selection_rate_ratio", "b", False),
        ("true_positive_rate_difference", "b", False),
        ("false_positive_rate_difference", "b", True),
    ]


def test_a_group_that_is_set_aside_is_named_with_the_reason_and_not_judged(value_of):
    data = small(a=[[10, 10], [10, 10]], b=[[10, 10], [10, 10]], c=[[2, 3], [4, 5]])
    entry = {"column": "g", "group": "c", "reason": "a code of the old form, given out no more"}
    outcome = fairness.run(data, pack(limit("selection_rate_ratio"), set_aside=[entry]))
    assert (outcome.result, outcome.recorded_details().plain()["set_aside"]) == ("passed", [entry])
    assert outcome.reason == "set aside by the pack: g=c, a code of the old form, given out no more"
    named = value_of(outcome.claims, "selection_rate_ratio", g="c")
    assert (named.value, named.limit) == (None, None)
    assert named.note == "set aside: a code of the old form, given out no more (under 20 rows)"
