"""Causes that name nothing which could be made different, such as "human error"."""

from __future__ import annotations

import re

NO_CAUSE = re.compile(
    r"\W*((it|the|a|an|this|was|were|is|by|due to|because of|caused by|simply|just|some|our|model|system|cause)\W+)*"
    r"(human errors?|(re)?train(ed|ing)?|retrain|bugs?|unknown|(model )?drift|bad data|mistakes?|errors?|carelessness)"
    r"(\W+(again|by (a|the) (person|user|clerk)))*\W*",
    re.IGNORECASE,
)


def is_no_cause(cause: str | None) -> bool:
    """Return whether a text is said to be a cause, and does not say what has to be different."""
    return cause is not None and NO_CAUSE.fullmatch(cause) is not None
