"""When a run of the monitor was due and missed: one rule for findings and pages."""

from datetime import date, timedelta

import pytest

from aims_mlflow.gates.document_content.monitoring import missed_runs, monitor_slots
from support.management_states import SYSTEM, document

SINCE = date(2026, 1, 1)


def watch(**fields):
    return document("monitoring-plan", system=SYSTEM, **{"every_days": 7, "grace_days": 0, **fields})


def missed(plan, runs, today):
    slots = monitor_slots(plan, SINCE, [date(2026, 1, day) for day in runs], date.fromisoformat(today))
    return [slot.due.day for slot in missed_runs(plan, slots)]


@pytest.mark.parametrize(
    ("grace", "runs", "today", "days"),
    [
        (0, [8], "2026-01-09", []),  # on the very day on which it is due
        (0, [], "2026-01-08", []),  # that day is not over
        (0, [], "2026-01-09", [8]),
        (0, [1], "2026-01-09", [8]),  # a run of the first day shows nothing of the week after it
        (2, [10], "2026-01-11", []),  # on the last day of the grace
        (2, [], "2026-01-10", []),  # that day is not over either
        (2, [9, 23], "2026-01-25", [15]),
        (2, [9, 23], "2026-01-17", []),
        (2, [3, 4], "2026-01-18", [15]),  # two runs of one slot fill one
        (2, [15, 9], "2026-01-18", []),  # in whatever order they are read
    ],
)
def test_a_run_is_missed_once_the_grace_of_its_slot_is_over(grace, runs, today, days):
    assert missed(watch(grace_days=grace), runs, today) == days


def test_every_slot_of_many_years_counts():
    """Of more than four hundred periods the page once lost the newest."""
    slots = monitor_slots(watch(every_days=1), SINCE, [], SINCE + timedelta(days=3_000))
    assert (len(slots), slots[-1].due) == (2_999, SINCE + timedelta(days=2_999))


def test_a_plan_without_an_interval_asks_for_no_run():
    assert monitor_slots(watch(every_days=None), SINCE, [], date(2027, 1, 1)) == []


@pytest.mark.parametrize(
    ("reason", "days"), [("the data came late; a second source is there now", []), ("n/a", [8]), (None, [8])]
)
def test_a_missed_run_is_answered_by_its_reason(reason, days):
    plan = watch(missed=[{"was_due": "2026-01-08", "by": "olga", "reason": reason}])
    assert missed(plan, [], "2026-01-09") == days
