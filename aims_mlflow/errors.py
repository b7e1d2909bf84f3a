"""The one tree of errors: each says what is wrong, where, and what to do next.

Exit statuses follow the command line's contract: 1 a gate or a verification says no,
2 wrong use, 3 something could not be reached or read.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = [
    "AimsError",
    "CheckError",
    "ConfigError",
    "DataError",
    "EvidenceError",
    "KeyUnavailable",
    "PolicyRefused",
    "Unreachable",
]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to `word`, or None when nothing is close."""
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'X'?` for the nearest known word, else an empty string."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else ""


class AimsError(Exception):
    """What is wrong (`what`), the place (`where`: file:line, column, URI) and the fix (`next`)."""

    exit_status = 2

    def __init__(self, what: str, *, where: str | None = None, next: str | None = None) -> None:  # noqa: A002
        self.what = what
        self.where = where
        self.next = next
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return the message as one line that a person reads."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        stop = "" if text.endswith(("?", ".", "!")) else "."
        return f"{text}{stop} Next: {self.next}" if self.next else text


class ConfigError(AimsError):
    """aims.yaml, a pack, a policy or an argument is not valid."""


class DataError(AimsError):
    """A data set cannot be used as given: empty, a column is missing, labels do not fit."""


class CheckError(AimsError):
    """A check could not run; it is neither passed nor failed."""


class KeyUnavailable(AimsError):
    """There is no key to sign with, or it cannot be read."""


class Refusal(AimsError):
    """A gate or a verification says no; nothing failed."""

    exit_status = 1


class EvidenceError(Refusal):
    """Evidence is not what it claims to be: altered, incomplete, or signed by nobody known."""


class PolicyRefused(Refusal):
    """A gate refused: the policy's conditions do not hold."""


class Unreachable(AimsError):
    """A server, a store or a file could not be reached, read or written."""

    exit_status = 3
