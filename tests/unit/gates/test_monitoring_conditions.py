"""Monitoring runs (A.6.2.6): until when they count, and whether they measured what the plan watches."""

from datetime import datetime, timedelta

import pytest

from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.evidence import Claim
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
