"""Coverage is measured where it finds lines: by unit tests, and by the integration tests of what they do not reach.

It costs seven tenths more. Where cases are slow the first two are measured: the hundredth goes where they went. Files
of `UNMEASURED` go through lines that others go through too: measured with a context for each file, they were the only ones
in 700 of 69,000 arcs, for a quarter of the time.
"""

import os
from typing import Any

MEASURED_CASES = 2
SLOW_ROOMS = frozenset(("audit", "checks", "exports", "registry", "server"))
INTEGRATION = frozenset(("test_capture", "test_card_check", "test_init", "test_monitor"))
UNMEASURED = frozenset((
    "test_adopt_observed", "test_authority", "test_backup", "test_bad_tables", "test_bounded_cache",
    "test_completeness", "test_consents", "test_control_conditions", "test_count_tables", "test_counted",
    "test_create", "test_data_quality", "test_deleted_run", "test_errors", "test_expectations", "test_gate_faults",
    "test_gate_faults_database", "test_gate_faults_files", "test_gate_log", "test_gate_memory", "test_homogeneity",
    "test_hostile", "test_hostile_fields", "test_kinds", "test_ledger_guard", "test_ledger_hygiene", "test_lender",
    "test_missing_cells", "test_model_leaves", "test_offline_search", "test_pages", "test_part_workers",
    "test_person_statements", "test_postgresql", "test_predict_matrix", "test_promises", "test_prompt_tag",
    "test_real_data", "test_reconcile", "test_retries",
    "test_rules_in_evidence", "test_settings", "test_source", "test_strict_yaml", "test_tampering", "test_tree",
    "test_typed_contents", "test_week",
))  # fmt: skip
_handed_on: dict[str, str] = {}
_paused: list[Any] = []


def is_measured(parts, case):
    """Tell whether a test is measured: the parts of its path below `tests/`, and the number of the case."""
    name = parts[-1].removesuffix(".py")
    if parts[0] == "integration":
        return name in INTEGRATION
    if parts[0] != "unit" or name in UNMEASURED:
        return False
    return case <= MEASURED_CASES or SLOW_ROOMS.isdisjoint(parts)


def measure(*, wanted: bool) -> None:
    """Measure coverage from here on, in this process and in those that it starts, or no longer; nothing where it is off."""
    try:
        from coverage import Coverage
    except ImportError:  # an environment without it
        return
    if not wanted and (running := Coverage.current()) is not None:
        names = [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]
        _handed_on.update({name: os.environ.pop(name) for name in names})
        running.stop()
        _paused.append(running)
    elif wanted and _paused:
        leave = os._exit
        _paused.pop().start()
        os._exit = leave  # each start wraps it once more
        os.environ.update(_handed_on)


def keep_measured() -> None:
    """Write what was measured so far: xdist kills a worker that is not gone ten seconds after its last test."""
    try:
        from coverage import Coverage
    except ImportError:  # an environment without it
        return
    for running in filter(None, (Coverage.current(), *_paused)):
        running.save()
