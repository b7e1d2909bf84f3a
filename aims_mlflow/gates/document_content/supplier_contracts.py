"""Whether a contract with a supplier promises that changes of a component are announced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import affirmed

if TYPE_CHECKING:
    from collections.abc import Iterable

CHANGE = re.compile(r"\b(chang|new version|deprecat)", re.IGNORECASE)
ANNOUNCED = re.compile(
    r"\b(notic|notif|announc|inform|told|tell|warn|agree|consent|approv|written|in writing|ahead|advance|days?|weeks?|"
    r"months?)",
    re.IGNORECASE,
)


def announces_changes(clauses: Iterable[str]) -> bool:
    """Return whether one of the clauses says so; "changes come without notice" says the contrary."""
    return any(CHANGE.search(said) and ANNOUNCED.search(said) for said in map(affirmed, clauses))
