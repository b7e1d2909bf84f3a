"""What the name of a column says about people: characteristics, and special categories of personal data."""

from __future__ import annotations

import re
from typing import Any

_SENSITIVE = re.compile(
    r"(^|[_\W])(sex|gender|race|ethnic\w*|age|religio\w*|national\w*|marital\w*|disab\w*|orientation|personal_status)([_\W]|$)",
    re.IGNORECASE,
)
# Special categories of personal data by what names of columns say: GDPR art. 9(1), and 10 for convictions.
SPECIAL = {
    what: re.compile(rf"(^|[_\W])({words})([_\W]|$)", re.IGNORECASE)
    for what, words in {
        "racial or ethnic origin": r"race|racial\w*|ethnic\w*|skin_?colou?r",
        "political opinions": r"politic\w*|party_?member\w*",
        "religious or philosophical beliefs": r"religio\w*|faith|beliefs?|denomination",
        "trade union membership": r"trade_?union\w*|union_?member\w*",
        "genetic or biometric data": r"genetic\w*|genom\w*|dna|biometric\w*|fingerprints?",
        "health": r"health\w*|diagnos\w*|disab\w*|diseases?|medica\w*|icd_?\d*|pregnan\w*|hiv",
        "sex life or sexual orientation": r"sexual\w*|sex_?life",
        "criminal convictions and offences": r"crimin\w*|convict\w*|offen[cs]es?|arrests?|felon\w*",
    }.items()
}


def suggest_sensitive(columns: Any) -> list[str]:
    """Return the column names that sound like a protected characteristic (sex, age, race, ...)."""
    return [str(name) for name in columns if _SENSITIVE.search(spaced(str(name)))]


def special_category(name: str) -> str | None:
    """Return the special category of personal data (GDPR art. 9(1) and 10) that a column's name says, or None."""
    return next((what for what, pattern in SPECIAL.items() if pattern.search(spaced(name))), None)


def spaced(name: str) -> str:
    """Return a name with its words apart: lastName as last_Name."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
