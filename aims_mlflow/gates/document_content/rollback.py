"""The version to which a plan of a release goes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

NOTHING = re.compile(r"\s*(no|none|nothing)\b", re.IGNORECASE)
# The number of a version: alone, at the end of a models:/ URI, or after the word.
VERSION = re.compile(r"(?:^\s*(?=\d+\s*(?:$|[,;(.]))|/|\b(?:version|v)[\s.]*)(\d+)(?!\w)(?![\w.-]*\d)", re.IGNORECASE)


def rollback_version(words: str | None) -> str | None:
    """Return the number of the version that a plan goes back to, whatever words are beside it; None for no version."""
    found = None if NOTHING.match(words or "") else VERSION.search(words or "")
    return found[1] if found else None


def why_no_way_back(target: str, own: str | None, there: Collection[str], retired: Collection[str] = ()) -> str | None:
    """Return why a release cannot go back to a version: `there` are those that the gate let in and nobody deleted."""
    if target in retired:
        return "which is retired"
    if target == own:
        return "which is the version that it releases"
    if target not in there:
        return f"which the registry's ledger does not have (it has {', '.join(there) or 'none'})"
    return None
