"""Who may decide for the organisation: top management, and whose function leads a part of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.management.findings.state import ManagementState

LEADS = re.compile(
    r"\b(heads?|chief|directors?|board|managers?|officers?|president|partner|c[eioftr]o|ciso|cdao)\b", re.IGNORECASE
)


def managers(state: ManagementState) -> list[str]:
    """Return the ids of people of top management, and of those whose function leads, by the register of people."""
    return [p.id for p in state.people.values() if p.top_management or LEADS.search(p.function or "")]
