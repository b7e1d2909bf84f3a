"""Monitoring runs (A.6.2.6): until when they count, and whether they measured what the plan watches."""

import dataclasses
from datetime import datetime, timedelta

import pytest

from aims_mlflow.gates.control_status import control_status
from support import status_cases
from support.status_cases import FIELDS, NOW, good

PLAN = {**FIELDS["monitoring-plan"], "every_days": 30, "grace_days": 0}


def watched(metrics=None, change=None, **plan):
    """A subject with one run of today, whose plan watches these metrics."""
    fields = {**PLAN, **plan, **({"metrics": metrics} if metrics is not None else {})}
    return good(change=change, documents=[status_cases.document("monitoring-plan", fields=fields)])


def run_day(subject):
    (run,) = subject.of("monitor-run")
    return datetime.fromisoformat(run.evidence.time).date()


def midnight(day):
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


def condition(subject, name, at=NOW):
    return next(c for c in control_status("A.6.2.6", subject, at).conditions if c.condition.id == name).verdict


@pytest.mark.parametrize("grace", [0, 3])
def test_a_run_counts_to_the_end_of_the_day_on_which_the_next_is_due_and_the_state_names_that_day(grace):
    subject = watched(grace_days=grace)
    last = run_day(subject) + timedelta(days=30 + grace)
    found = control_status("A.6.2.6", subject, NOW)
    assert (found.state, found.next_change, found.next_time) == (
        "met", "the next monitoring run", f"{last}T23:59:59Z",
    )  # fmt: skip
    due = run_day(subject) + timedelta(days=30)
    assert f"1 run, the last on {run_day(subject)}, the next due on {due}" in condition(subject, "runs").sentence
    late_that_day = midnight(last) + timedelta(hours=23, minutes=59)
    assert control_status("A.6.2.6", subject, late_that_day).state == "met"
    assert control_status("A.6.2.6", subject, midnight(last + timedelta(days=1))).state == "stale"


@pytest.mark.parametrize(
    ("metrics", "lacking"),
    [
        ([{"metric": "psi", "limit": "0.2"}], "psi"),
        (
            [{"metric": "drift", "limit": "0.1"}, {"metric": "selection_rate_ratio", "limit": "0.80"}],
            "selection_rate_ratio",
        ),
        ([{"metric": "drift", "slice": {"column": "sex"}, "limit": "0.1"}], "drift of column=sex"),
    ],
)
def test_a_metric_that_the_plan_watches_and_no_run_measured_is_missing(metrics, lacking):
    found = control_status("A.6.2.6", watched(metrics), NOW)
    assert found.state == "missing"
    assert f"the plan watches {lacking}, and neither" in found.reason


@pytest.mark.parametrize(
    ("limit", "state"), [("0.1", "met"), ("2%", "failed"), ("0.01", "failed"), ("as agreed", "met")]
)
def test_a_value_beyond_the_limit_of_the_plan_is_a_breach_until_a_person_acknowledges_it(limit, state):
    metrics = [{"metric": "drift", "limit": limit}]
    subject = watched(metrics)
    found = control_status("A.6.2.6", subject, NOW)
    assert found.state == state, found.reason
    if state == "failed":
        assert "drift of column=age is 0.02, limit < 0.0" in found.reason
        (run,) = subject.of("monitor-run")
        seen = [{"run": run.id, "by": "olga", "time": run.evidence.time, "reason": "the winter"}]
        fields = {**PLAN, "metrics": metrics, "acknowledged": seen}
        written = (status_cases.document("monitoring-plan", fields=fields),)
        assert control_status("A.6.2.6", dataclasses.replace(subject, documents=written), NOW).state == "met"


def test_what_chance_may_have_made_is_no_breach_of_the_plan():
    def open_value(parts):
        parts["monitor-run"][1]["claims"] = [status_cases.DRIFT.model_copy(update={"passed": None})]

    verdict = condition(watched([{"metric": "drift", "limit": "0.01"}], open_value), "metrics")
    assert verdict.outcome == "holds"


def test_an_evaluation_counts_from_the_moment_at_which_the_bytes_came_into_use():
    """The fairness of the training is no value in operation."""
    subject = watched([{"metric": "selection_rate_ratio", "limit": "0.80"}])
    (fairness,) = subject.of("fairness")
    earlier = subject.decisions[0].model_copy(update={"time": fairness.evidence.time})
    assert condition(subject, "metrics").outcome == "missing"
    assert condition(dataclasses.replace(subject, decisions=(earlier,)), "metrics").outcome == "holds"
