"""Counters that Prometheus reads: on MLflow's own /metrics where the server runs with `--expose-prometheus`.

They live in `prometheus_client`, which that option needs anyway; without the library nothing is counted.
"""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def _counters() -> dict[str, Any]:
    try:
        from prometheus_client import Counter
    except ImportError:
        return {}
    return {
        "decisions": Counter(
            "aims_gate_decisions", "Decisions of the gate by stage and result.", ["stage", "result", "mode"]
        ),
        "errors": Counter("aims_gate_errors", "Failures inside the gate; each refused a change.", ["type"]),
    }


def decision(stage: str, result: str, mode: str) -> None:
    """Count one decision: `allowed`, `waived`, `refused` or `would_refuse`."""
    found = _counters().get("decisions")
    if found is not None:
        found.labels(stage, result, mode).inc()


def error(kind: str) -> None:
    """Count one failure inside the gate by the type of its exception."""
    found = _counters().get("errors")
    if found is not None:
        found.labels(kind).inc()
