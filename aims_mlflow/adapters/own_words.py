"""A stranger's error in one line that a record may hold: its last line, without values of the data.

An error of a model may quote cells of the table, and a record is signed and permanent. So every word that occurs in a
cell of the table, every number that is no size of the table, and everything that looks like an address is replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

MAX_SHOWN = 160  # characters
MAX_WORD = 60  # characters; a longer one is an id, a path or a cell
MAX_CELLS = 1_000_000  # texts of a table that are compared with; beyond that no words are shown
GONE = "…"
ADDRESS = re.compile(r"\S+@\S+|\w+://\S+|(?:/[\w.\-]+){2,}|[A-Za-z]:\\\S+")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:[-/:.]\d+)*(?!\w)")
WORD = re.compile(r"[^\W_][\w\-]*", re.UNICODE)
GAPS = re.compile(rf"{GONE}(?:[\s,;:'\"\-]*{GONE})+")
# MLflow puts the reason behind the whole data that a signature refused.
BEHIND = re.compile(r".*\bError: ", re.DOTALL)


def own_words(
    error: BaseException, frames: Sequence[pd.DataFrame], names: Iterable[str] = (), sizes: Iterable[int] = ()
) -> str:
    """Return what `words_of` does for an exception."""
    return words_of(type(error).__name__, str(error), frames, names, sizes)


def words_of(
    kind: str, message: str, frames: Sequence[pd.DataFrame], names: Iterable[str] = (), sizes: Iterable[int] = ()
) -> str:
    """Return the type of an error and the last line of its message, shortened, without values of the data.

    Args:
        kind: The type of what a model or another stranger's code raised.
        message: Its text.
        frames: The rows that it was asked about or may know; without any, the type alone is returned.
        names: Names of columns, which may be shown although a cell has them too.
        sizes: Numbers that may be shown, beside the rows and columns of the frames.
    """
    lines = [line.strip() for line in BEHIND.sub("", message).splitlines() if line.strip()]
    words = _words_in(frames)
    if not lines or words is None:
        return kind
    shapes = [n for frame in frames for n in (*frame.shape, frame.shape[1] - 1)]
    numbers = {str(n) for n in (0, 1, 2, *shapes, *sizes)}
    text = _redacted(_last_of(lines), words, {str(name) for name in names}, numbers)
    text = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1].rstrip() + GONE
    return kind if not text.strip(GONE + " .'\"") else f"{kind}: {text}"


def _last_of(lines: list[str]) -> str:
    """Return the last line; where it is an item of a list, the list with its heading."""
    items = 1
    while items < len(lines) and lines[-items].startswith(("- ", "* ")):
        items += 1
    return " ".join(lines[-items:])


def _redacted(text: str, words: set[str], names: set[str], sizes: set[str]) -> str:
    """Return a line without addresses, strange numbers and words of the data; column names stay as they are."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    if names:
        longest = sorted((n for n in names if n), key=len, reverse=True)
        text = re.sub(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)", keep, text)
    text = ADDRESS.sub(GONE, text)
    text = NUMBER.sub(lambda m: m[0] if m[0] in sizes or "\0" in m.string[m.start() - 1 : m.end() + 1] else GONE, text)
    text = WORD.sub(lambda m: GONE if m[0].casefold() in words or len(m[0]) > MAX_WORD else m[0], text)
    text = GAPS.sub(GONE, text)
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], text)


def _words_in(frames: Sequence[pd.DataFrame]) -> set[str] | None:
    """Return every word of every text in frames, in one spelling; None without frames, or where there are too many."""
    words: set[str] = set()
    cells = 0
    for column in (frame.iloc[:, place] for frame in frames for place in range(frame.shape[1])):
        if column.dtype.kind in "iufcbmM":
            continue
        texts = {str(value) for value in column.array if value is not None}
        cells += len(texts)
        if cells > MAX_CELLS:
            return None
        for text in texts:
            words.update(word.casefold() for word in WORD.findall(text))
    return words if frames else None
