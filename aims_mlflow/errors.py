"""The one tree of errors: each says what is wrong, where, and what to do next.

Exit statuses follow the command line's contract: 1 a gate or a verification says no,
2 wrong use, 3 something could not be reached or read.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType


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


def how_to_install(extra: str) -> str:
    """Return how an extra is installed: from the checkout, since nobody here owns the package's name on the index."""
    return f"pip install '.[{extra}]' in the checkout of aims_mlflow"


class AimsError(Exception):
    """What is wrong (`what`), the place (`where`: file:line, column, URI) and the fix (`next`).

    `values` is what the person at the screen sees of their data. It is in `shown()` and `str(error)` alone: sentences
    go into signed records, and the values of cells may be about people.
    """

    exit_status = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        next: str | None = None,  # noqa: A002
        values: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.next = next
        self.values = values
        super().__init__(self.shown())

    def sentence(self) -> str:
        """Return the message as one line without values of data, as a record may keep it."""
        return self._line(self.what)

    def shown(self) -> str:
        """Return the sentence with the values of data that it is about, for the person at the screen."""
        return self._line(f"{self.what} ({self.values})" if self.values else self.what)

    def _line(self, what: str) -> str:
        text = f"{self.where}: {what}" if self.where else what
        stop = "" if text.endswith(("?", ".", "!")) else "."
        return f"{text}{stop} Next: {self.next}" if self.next else text

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in a notebook instead of the frames."""
        return [f"aims: {self.shown()}"]


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
    """A refusal: the base of `GateRefused`, and what an approval or withdrawal gets that this key may not sign."""


class Unreachable(AimsError):
    """A server, a store or a file could not be reached, read or written."""

    exit_status = 3


ENTRY = re.compile(r"\b((?:system|data)\.\w+) in aims\.yaml")  # how advice names what a person has set


@contextlib.contextmanager
def set_elsewhere(place: Callable[[str], str | None]) -> Iterator[None]:
    """Let the advice of an error inside name where this reader has set an entry, instead of aims.yaml.

    `place` gives it for an entry, such as "--target" for "data.target"; None where the entry is in aims.yaml.
    """
    try:
        yield
    except AimsError as exc:
        if exc.next:
            exc.next = ENTRY.sub(lambda found: place(found[1]) or found[0], exc.next)
            exc.args = (exc.shown(),)
        raise


def show_uncaught_in_one_sentence() -> None:
    """Let Python end a script with the sentence of an AimsError, and the script's line, instead of all frames.

    A hook that someone else has set stays.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show_uncaught


def _show_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, AimsError):
        sys.__excepthook__(kind, error, trace)
        return
    place, libraries = "", (Path(__file__).parent, Path(sysconfig.get_path("stdlib")))
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if "site-packages" not in path.parts and not any(path.is_relative_to(folder) for folder in libraries):
            place = f"{path.name}:{trace.tb_lineno}: "
        trace = trace.tb_next
    sys.stderr.write(f"aims: {place}{error.shown()}\n")
