"""The version to which a plan of a release goes back."""

from __future__ import annotations

import re

NOTHING = re.compile(r"\s*(no|none|nothing)\b", re.IGNORECASE)
# The number of a version: alone, at the end of a models:/ URI, or after the word.
VERSION = re.compile(r"(?:^\s*(?=\d+\s*(?:$|[,;(.]))|/|\b(?:version|v)[\s.]*)(\d+)(?!\w)(?![\w.-]*\d)", re.IGNORECASE)


def rollback_version(words: str | None) -> str | None:
    """Return the number of the version that a plan goes back to, whatever words are beside it; None for no version."""
    found = None if NOTHING.match(words or "") else VERSION.search(words or "")
    return found[1] if found else None
