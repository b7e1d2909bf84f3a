"""The stage of a bought system beside what the scan and its own days show of it."""

from dataclasses import replace

import pytest

from aims_mlflow.management.findings.every import findings
from support.management_states import NOW, SYSTEM, good, system

USED = {"operation": "2026-01-01"}
CALLED = "the entry says idea, and the scan found"
STAGES = {
    "an idea makes no calls": ({"stage": "idea", "stage_dates": {}}, CALLED),
    "a development makes some": ({"stage": "development", "stage_dates": {"idea": "2026-01-01"}}, None),
    "traces outlive a retirement": ({"stage": "retirement", "stage_dates": {"retirement": "2026-06-01"}}, None),
    "a development that was put to use": (
        {"stage": "development", "stage_dates": USED},
        "operation began on 2026-01-01",
    ),
    "a deployment that became operation": ({"stage": "deployment", "stage_dates": USED}, None),
    "a use that ended": ({"stage_dates": {**USED, "retirement": "2026-06-01"}}, "retirement began on 2026-06-01"),
    "a use that is to end": ({"stage_dates": {**USED, "retirement": "2026-12-01"}}, None),
}


@pytest.mark.parametrize("case", STAGES)
def test_a_stage_that_scan_or_days_contradict_is_found_and_no_other(case):
    changes, what = STAGES[case]
    bought = replace(good(system=system(models=[], **changes)), deployed=())
    facts = [(f.about, f.fact) for f in findings(bought, NOW) if f.rule == "S5"]
    assert [about for about, _ in facts] == ([SYSTEM] if what else [])
    assert all(str(what) in fact for _, fact in facts)
