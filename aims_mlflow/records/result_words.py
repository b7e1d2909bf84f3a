"""The result of a record in one word: what measured nothing is signed or recorded, and has passed nothing."""

from __future__ import annotations

from aims_mlflow.records.details.attachments import EVENTS
from aims_mlflow.records.documents import KINDS

_WRITTEN = frozenset({*KINDS, *EVENTS})


def result_word(kind: str, result: str, claims: int) -> str:
    """Return the result of a record with a number of claims, as a reader is told it.

    `passed` is the word for values that were compared with limits. A document is `signed`, a record without values is
    `recorded`, and a session's list says that nothing in it failed.
    """
    if result != "passed" or claims:
        return result.replace("_", " ")
    if kind == "session":
        return "nothing failed"
    return "signed" if kind in _WRITTEN else "recorded"
