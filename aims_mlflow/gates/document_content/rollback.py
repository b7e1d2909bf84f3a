"""The version to which a plan of a release goes back."""

from __future__ import annotations

import re

VERSION = re.compile(r"(?:\bversion\s*|\bv\.?\s?|/|^\s*)(\d+)(?!\w|\.\d)", re.IGNORECASE)


def rollback_version(words: str | None) -> str | None:
    """Return the number of the version that a plan names, whatever is said beside it; None where it names none."""
    found = VERSION.search(words or "")
    return found[1] if found else None
