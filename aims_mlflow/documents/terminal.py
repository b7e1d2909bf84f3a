"""What a person reads after a training: one line for each state, and the unmet controls with the fix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.documents.status import ControlStatus

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
    """Return the summary: counts by state, then what failed, with its reason cut to the width."""
    out = []
    for state, symbol in SYMBOLS.items():
        ids = [s.control.id for s in statuses if s.state == state]
        if ids and state not in ("not due", "not applicable"):
            line = f"{symbol} {state}: {', '.join(ids)}"
            out += textwrap.wrap(line, max(width - 8, 30), subsequent_indent="    ")
    for status in statuses:
        if status.state in SHOWN:
            out.append(
                textwrap.shorten(
                    f"  {status.control.id} {status.control.title}: {status.reason}",
                    max(width - 8, 40),
                    placeholder=" …",
                )
            )
    return out
