"""Coverage is measured by unit tests alone, and by the first cases of each; where cases are slow, by the first alone.

It costs half as much again, servers start by the dozen, and there the hundredth case goes where the first two went.
"""

import os
from typing import Any

MEASURED_CASES = 4
SLOW_ROOMS = frozenset(("audit", "checks", "exports", "registry", "server"))
# They walk again what the tests beside them have walked, at a cost of a minute for each file.
UNMEASURED = frozenset((
    "test_active_run", "test_bad_tables", "test_create", "test_gate_faults", "test_gate_faults_database",
    "test_gate_faults_files", "test_part_workers", "test_promises", "test_tampering",
))  # fmt: skip
_handed_on: dict[str, str] = {}
_paused: list[Any] = []


def is_measured(parts, case):
    """Tell whether a test is measured: the parts of its path below `tests/`, and the number of the case."""
    if parts[0] != "unit" or parts[-1].removesuffix(".py") in UNMEASURED:
        return False
    return case <= (MEASURED_CASES if SLOW_ROOMS.isdisjoint(parts) else 1)


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
