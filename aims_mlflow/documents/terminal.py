"""Summary after a training: one line for each state, and the unmet controls with their fix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.control_status import ControlStatus

SYMBOLS = {
    "met": "✓",
    "failed": "✗",
    "missing": "·",
    "stale": "!",
    "unverifiable": "!",
    "not due": "-",
    "not applicable": "-",
}
SHOWN = ("failed", "unverifiable", "stale")


def summary_lines(statuses: Sequence[ControlStatus], *, width: int = 80) -> list[str]:
    """Return the summary: the controls by state, then the reasons of those that failed, at most three lines of it."""
    out = []
    for state, symbol in SYMBOLS.items():
        ids = [s.control.id for s in statuses if s.state == state]
        if ids and state not in ("not due", "not applicable"):
            line = f"{symbol} {state}: {', '.join(ids)}"
            out += textwrap.wrap(line, max(width - 8, 30), subsequent_indent="    ")
    reasons: dict[str, list[str]] = {}
    for status in statuses:
        if status.state in SHOWN:
            reasons.setdefault(status.reason, []).append(status.control.id)
    for reason, ids in reasons.items():
        text = f"  {', '.join(ids)}: {reason}"
        out += textwrap.wrap(text, max(width - 8, 40), subsequent_indent="    ", max_lines=3, placeholder=" …")
    return out
