"""Summary after a training: one line for each state, and the unmet controls with their fix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from aims_mlflow.documents.verdict import WORDS
from aims_mlflow.gates.control_coverage import ControlCoverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.documents.verdict import EvidenceVerdict
    from aims_mlflow.gates.combined_status import ControlStatus, State
    from aims_mlflow.gates.verdict import Outcome

# Every state with its symbol, in the order in which people read them.
SYMBOLS: dict[State, str] = {
    "met": "✓",
    "met with warnings": "✓!",
    "failed": "✗",
    "failed and waived": "✗",
    "not evaluated": "?",
    "missing": "·",
    "stale": "!",
    "unverifiable": "!",
    "not sealed yet": "…",
    "captured": "○",
    "not due": "-",
    "not applicable": "/",
    "not assessed here": " ",
}
# The outcomes of single conditions, with their symbol.
MARKS: dict[Outcome, str] = {
    "holds": "✓",
    "warned": "✓!",
    "failed": "✗",
    "not evaluated": "?",
    "missing": "·",
    "stale": "!",
    "captured": "○",
    "not applicable": "/",
    "not due": "-",
}
SHOWN = ("failed", "failed and waived", "unverifiable", "stale", "not evaluated", "met with warnings")


MOST_WARNINGS = 3


def warnings_told(verdict: EvidenceVerdict) -> list[str]:
    """Return by name what is only warned about, a line for each verdict on the page; nothing where nothing is."""
    told = [(claim.word, claim.short) for claim in verdict.open_claims if claim.mild]
    told += [("warned", f"{r.evidence.kind}: {why}") for r, why in verdict.reasons if r.evidence.result == "warned"]
    lines = []
    for word in reversed(WORDS):
        names = list(dict.fromkeys(name for each, name in told if each == word))
        more = f"; and {len(names) - MOST_WARNINGS} more" if len(names) > MOST_WARNINGS else ""
        if names:
            lines.append(f"{word}: {'; '.join(names[:MOST_WARNINGS])}{more} (values on the page)")
    return lines


def summary_lines(statuses: Sequence[ControlStatus], *, width: int = 80) -> list[str]:
    """Return the summary: all controls by state, the count, and the reasons of what does not hold as it should."""
    out = []
    for state, symbol in SYMBOLS.items():
        ids = [s.control.id for s in statuses if s.state == state]
        if ids:
            line = f"{symbol} {state}: {', '.join(ids)}"
            out += textwrap.wrap(line, max(width - 8, 30), subsequent_indent="    ")
    out += textwrap.wrap(ControlCoverage.of(statuses).sentence(), max(width - 8, 30), subsequent_indent="    ")
    reasons: dict[str, list[str]] = {}
    for status in statuses:
        if status.state in SHOWN:
            reasons.setdefault(status.reason, []).append(status.control.id)
    for reason, ids in reasons.items():
        text = f"  {', '.join(ids)}: {reason}"
        out += textwrap.wrap(text, max(width - 8, 40), subsequent_indent="    ", max_lines=3, placeholder=" …")
    return out
