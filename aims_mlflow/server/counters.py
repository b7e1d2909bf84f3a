"""Prometheus counters on MLflow's own /metrics, if the server runs with `--expose-prometheus`.

`prometheus_client`, which that option needs anyway, keeps them; without the library nothing is counted.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

_log = logging.getLogger(__name__)


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
        "refusals": Counter("aims_gate_refusals", "Requests that the gate refused, for whatever reason."),
        "errors": Counter(
            "aims_gate_errors",
            "Failures inside the gate: each refused a change, or left a withdrawal unsealed",
            ["type"],
        ),
    }


def decision(stage: str, result: str, mode: str) -> None:
    """Count one decision: `allowed`, `waived`, `refused` or `would_refuse`."""
    _count("decisions", stage, result, mode)


def refusal() -> None:
    """Count one request that was refused: by a decision, a rule about names and removals, or a failure inside."""
    _count("refusals")


def error(kind: str) -> None:
    """Count one failure inside the gate by the type of its exception."""
    _count("errors", kind)


def _count(name: str, *labels: str) -> None:
    """Count if possible; a counter cannot affect a decision or hide a failure."""
    try:
        found = _counters().get(name)
        if found is not None:
            (found.labels(*labels) if labels else found).inc()
    except Exception:  # noqa: BLE001 - the library has errors of its own
        _log.exception("aims: %s could not be counted", name)
