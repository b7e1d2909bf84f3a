"""Runs of the monitor beside their plan: rows, baseline, and how soon somebody judged a breach."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.documents.lifecycle import Acknowledgement, MonitoringPlanDocument
from aims_mlflow.records.evidence import Claim
from support import live_states
from support.management_states import NOW, SYSTEM, good

AT = f"{SYSTEM}/income@champion"


def watched(details=None, result="passed", claims=(), beside=None, **plan):
    """A version in use with a run of the monitor, and the findings L10, L16 and L17 about it; `beside` is another plan."""

    def change(parts):
        about, _ = parts["monitor-run"]
        runs = parts.pop("monitor-run")
        parts["drift-baseline"] = (about, {})
        parts["monitor-run"] = runs
        runs[1].update(details={"rows": 500, **(details or {})}, result=result, claims=list(claims))

    records = live_states.session_records(change)
    state = live_states.live(live_states.with_texts(good(), live_states.assessed(records)), records)
    old = state.about(MonitoringPlanDocument, SYSTEM)[0]
    (run,) = (r for r in records if r.evidence.kind == "monitor-run")
    (baseline,) = (r for r in records if r.evidence.kind == "drift-baseline")
    changed = old.model_copy(update={n: v(run) if callable(v) else v for n, v in plan.items()})
    documents = tuple(changed if d.id == old.id else d for d in state.documents)
    documents += (old.model_copy(update=beside),) if beside else ()
    found = findings(dataclasses.replace(state, documents=documents), NOW)
    return [f for f in found if f.rule in ("L10", "L16", "L17")], run, baseline, old


def test_a_run_on_fewer_rows_than_the_plan_asks_for():
    (one,), run, _, plan = watched({"rows": 100}, least_rows=400)
    assert (one.rule, one.about, one.control) == ("L16", f"{AT}/{plan.id}", "A.6.2.6")
    assert f"of income version 3 saw 100 rows, and plan {plan.id} asks for 400" in one.fact
    assert one.evidence == (plan.id, run.id)
    assert watched({"rows": 400}, least_rows=400)[0] == []


def test_a_run_beside_the_baseline_of_another_version():
    (one,), run, _, _ = watched({"baseline_record": "01a22579-e332-7000-8000-000000000000"})
    assert (one.rule, one.about) == ("L17", f"{AT}/{run.id}")
    assert "baseline 01a22579-e332, which is none of this version" in one.fact
    assert watched()[0] == []


def late(by_hours):
    """An acknowledgement so many hours after the run."""

    def made(run):
        when = parse_time(run.evidence.time) + timedelta(hours=by_hours)
        return (Acknowledgement(run=run.id, by="olga", time=when.isoformat(), reason="a holiday"),)

    return made


@pytest.mark.parametrize(
    ("acknowledged", "word"),
    [
        (late(25), "was to be within 24 hours"),
        (lambda run: (Acknowledgement(run=run.id, by="olga", reason="a holiday"),), "without a time"),
        (lambda run: (), "nobody acknowledged it"),
        (lambda run: (Acknowledgement(run="01", by="olga", time="2026-01-01"),), "nobody acknowledged it"),
    ],
)
def test_a_breach_that_was_judged_late_or_by_nobody(acknowledged, word):
    (one,), run, _, _ = watched(result="failed", within_hours=24, acknowledged=acknowledged)
    assert (one.rule, one.about) == ("L10", f"{AT}/{run.id}")
    assert word in one.fact


def test_the_hours_of_a_plan_for_another_alias_are_not_those_of_this_one():
    shadow = {"id": "plan-shadow", "model": "income@shadow", "within_hours": 1}
    breach = {"result": "failed", "model": "income@champion", "acknowledged": late(23)}
    assert watched(**breach, within_hours=24, beside=shadow)[0] == []
    (one,), *_ = watched(**breach, within_hours=22, beside={**shadow, "within_hours": 48})
    assert "was to be within 22 hours" in one.fact


def test_a_run_that_only_warned_is_no_breach_as_the_monitor_and_the_gate_say():
    claim = Claim(metric="share_missing", value="0.2", limit="0.1", comparator="<=", passed=False, severity="warning")
    assert watched(result="warned", claims=[claim])[0] == []
    (one,), *_ = watched(result="failed", claims=[claim.model_copy(update={"severity": "failing"})])
    assert one.rule == "L10"


def test_a_breach_that_was_judged_in_time():
    assert watched(result="failed", within_hours=24, acknowledged=late(23))[0] == []
    day = lambda run: (Acknowledgement(run=run.id, by="olga", time=run.evidence.time[:10]),)  # noqa: E731
    assert watched(result="failed", within_hours=24, acknowledged=day)[0] == []
