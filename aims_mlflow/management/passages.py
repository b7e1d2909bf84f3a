"""The words of a document as rules read them: paragraphs and field values with their lines, marks and anchors."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument

MARK = re.compile(r"\[\^([A-Za-z0-9_-]+)\](?!:)")
DEFINITION = re.compile(r"^\[\^([A-Za-z0-9_-]+)\]:\s*(.*)$")
EVIDENCE = re.compile(r"^evidence\s+(\S+)(?:\s+(.*))?$")
DIGEST = re.compile(r"\b[0-9a-f]{12,64}\b")
DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
GROUP = re.compile(r"\b[\w.-]+=[^\s,;)]+")
NUMBER = re.compile(r"\d")
# A number as people show it; in many languages the comma stands before the digits after the point.
SHOWN = r"[-\u2212]?\d[\d,]*(?:\.\d+)?(?:\s?%)?"
# A share, or a number with digits after the point, that is no date, version, clause or part of a name.
DECIMAL = re.compile(
    r"(?<![\w.,/-])(?<!clause )(?<!Art\. )(?<!section )(?<!version )"
    r"(\d+[.,]\d+(?![\w.,-]*\w)|\d+(?=\s?(?:%|per ?cent\b)))(\s?(?:%|per ?cent\b))?"
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[])")
# Fields that hold names, dates and codes and no sentences.
LEAST_WORDS = 3


@dataclass(frozen=True)
class Passage:
    """A paragraph of the text, or the value of a field, with the line on which it begins."""

    text: str
    line: int
    at: tuple[str | int, ...] = ()

    def sentences(self) -> list[str]:
        """Return its sentences."""
        return SENTENCE.split(" ".join(self.text.split()))

    @property
    def marks(self) -> list[str]:
        """Return the names of its citations."""
        return MARK.findall(self.text)


@dataclass(frozen=True)
class CitationLine:
    """The line below a text that says what a mark rests on: `[^e1]: evidence ID metric column=value`."""

    name: str
    line: int
    said: str
    evidence: str | None = None
    metric: str | None = None
    slice: tuple[tuple[str, str], ...] = ()


# What no reader sees: HTML comments, elements that are hidden, and the addresses of links.
UNSEEN = re.compile(
    r"<!--.*?(-->|\Z)|<(\w+)[^>]*\b(hidden|display:\s*none|visibility:\s*hidden)\b[^>]*>.*?(</\2\s*>|\Z)|"
    r"^\[(?!\^)[^\]\n]+\]:.*?$",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)


def visible(text: str) -> str:
    """Return a text without what no reader of it sees, on the lines that it has."""
    return UNSEEN.sub(lambda found: "\n" * found[0].count("\n"), text)


@cache
def paragraphs(document: FolderDocument) -> tuple[Passage, ...]:
    """Return the paragraphs of a document's text, without headings, code and citation lines."""
    out: list[Passage] = []
    kept: list[str] = []
    begun, fenced = 0, False
    for number, line in enumerate([*visible(document.written.text).split("\n"), ""], document.text_line):
        fenced ^= line.lstrip().startswith("```")
        if fenced or not line.strip() or line.startswith(("#", "```")) or DEFINITION.match(line):
            if kept:
                out.append(Passage("\n".join(kept), begun))
            kept = []
            continue
        begun = begun if kept else number
        kept.append(line)
    return tuple(out)


@cache
def statements(document: FolderDocument) -> tuple[Passage, ...]:
    """Return the values of a document's fields that are sentences, with their lines."""
    return tuple(p for p in _values(document, document.fields, ()) if len(p.text.split()) >= LEAST_WORDS)


def values(document: FolderDocument) -> tuple[Passage, ...]:
    """Return the values of a document's fields, those of a word or two too, with their lines."""
    return tuple(_values(document, document.fields, ()))


def passages(document: FolderDocument) -> tuple[Passage, ...]:
    """Return paragraphs and field values that are sentences."""
    return (*paragraphs(document), *statements(document))


def _values(document: FolderDocument, value: Any, at: tuple[str | int, ...]) -> Iterator[Passage]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _values(document, item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(document, item, (*at, index))
    elif isinstance(value, str):
        yield Passage(value, document.line(*at), at)


@cache
def citation_lines(document: FolderDocument) -> tuple[CitationLine, ...]:
    """Return the citation lines of a document's text; one that names no evidence has `evidence` None."""
    out = []
    for number, line in enumerate(document.written.text.split("\n"), document.text_line):
        found = DEFINITION.match(line)
        if not found:
            continue
        said = EVIDENCE.match(found[2].strip())
        words = _words(said[2] or "") if said else []
        metric = next((w for w in words if "=" not in w), None)
        rows = tuple((w.partition("=")[0], w.partition("=")[2]) for w in words if "=" in w)
        out.append(CitationLine(found[1], number, found[2], said[1] if said else None, metric, rows))
    return tuple(out)


def _words(text: str) -> list[str]:
    """Return the words of a citation; a group with spaces stands in quotes: `status="male single"`."""
    try:
        return shlex.split(text)
    except ValueError:  # a quote that does not end
        return text.split()


def shown_value(passage: Passage, mark: str) -> str | None:
    """Return the number that stands right before a mark, such as `0.31`, `**0,31**` or `31 %`; None where none does."""
    found = re.search(rf"({SHOWN})[*_`).,]*\s*(?:\[\^[\w-]+\])*\[\^{re.escape(mark)}\]", passage.text)
    return "".join(found[1].split()) if found else None


def shown_before(passage: Passage, mark: str) -> list[str]:
    """Return the shares and decimals of a sentence between the mark before and this one, wherever they stand."""
    sentence = next((s for s in passage.sentences() if f"[^{mark}]" in s), "")
    words = MARK.split(sentence.partition(f"[^{mark}]")[0])[-1]
    return [f"{f[1]}%" if f[2] else f[1] for f in DECIMAL.finditer(words)]


def has_anchor(text: str, known: frozenset[str] = frozenset()) -> bool:
    """Return whether a text has something to look up: a mark, a digest, a group, a date, a number, a name."""
    if any(p.search(text) for p in (MARK, DIGEST, DATE, GROUP, NUMBER)):
        return True
    words = text.casefold()
    return any(name.casefold() in words for name in known)
