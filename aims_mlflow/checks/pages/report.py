"""A check's claims as one self-contained HTML page, without script and without anything loaded from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.pages.rendering import render
from aims_mlflow.records.reading_notes import reading_notes
from aims_mlflow.records.wording import (
    against_text,
    bound_text,
    limits_told,
    metric_text,
    range_text,
    rows_shown,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.evidence import Claim

_COLUMNS = {  # heading -> class of its cells
    "Metric": "",
    "For": "",
    "Value": "number",
    "Interval": "number",
    "n": "number",
    "Limit": "number",
    "Result": "",
    "Note": "soft",
}


@dataclass(frozen=True)
class Cell:
    """One cell of a page's table; `label` is its column's heading, which narrow screens show before it."""

    label: str
    text: str
    style: str = ""


@dataclass(frozen=True)
class Heading:
    """The heading of a page's column."""

    name: str
    style: str


@dataclass(frozen=True)
class ClaimTable:
    """A table of claims, without the columns that would be empty."""

    heading: str
    columns: list[Heading]
    rows: list[list[Cell]]


def claims_page(title: str, claims: Iterable[Claim], picture: bytes | None = None, notes: Iterable[str] = ()) -> bytes:
    """Return a page with the picture, the claims held against a limit, those only measured, and the limits' origins.

    Args:
        title: Heading of the page.
        claims: The claims.
        picture: An SVG that `charts` drew.
        notes: Sentences below the heading.
    """
    from markupsafe import Markup

    claims = list(claims)
    said = [*notes, *reading_notes(claims)]
    judged = [c for c in claims if c.passed is not None or c.limit is not None]
    judged.sort(key=lambda c: (c.passed is True, c.passed is None, c.severity == "warning"))
    measured = [c for c in claims if c.passed is None and c.limit is None]
    tables = [_table(name, rows) for name, rows in (("Held against a limit", judged), ("Measured", measured)) if rows]
    tables += [origins_table(judged)] if judged else []
    drawn = Markup(picture.decode() if picture else "")  # noqa: S704  an SVG whose texts charts.svg.j2 has escaped
    return render("claims.html.j2", title=title, notes=said, picture=drawn, tables=tables)


def _table(heading: str, claims: list[Claim]) -> ClaimTable:
    rows = [_texts(c) for c in claims]
    shown = [name for name in _COLUMNS if any(row[name] for row in rows)]
    cells = []
    for measured, row in zip(claims, rows, strict=True):
        styles = {**_COLUMNS, "Result": result_word(measured)[0]}
        cells.append([Cell(name, row[name], styles[name]) for name in shown])
    return ClaimTable(heading, [Heading(name, _COLUMNS[name]) for name in shown], cells)


def origins_table(claims: Iterable[Claim]) -> ClaimTable:
    """Return each limit that claims are held to, once, with who set it, when and why."""
    styles = {"Metric": "", "Limit": "number", "Set by": "", "Why": "soft"}
    lines = limits_told(claims)
    cells = [[Cell(name, text, styles[name]) for name, text in zip(styles, line, strict=True)] for line in lines]
    return ClaimTable("Who set the limits, and why", [Heading(name, style) for name, style in styles.items()], cells)


def _texts(measured: Claim) -> dict[str, str]:
    return {
        "Metric": metric_text(measured.metric),
        "For": _group(measured),
        "Value": value_text(measured),
        "Interval": range_text(measured),
        "n": rows_shown(measured),
        "Limit": bound_text(measured),
        "Result": result_word(measured)[1],
        "Note": measured.note or "",
    }


def _group(measured: Claim) -> str:
    if set(measured.slice) == {"column"}:
        return measured.slice["column"]
    if set(measured.slice.values()) == {"*"}:
        return f"{', '.join(measured.slice)}: all groups"
    rows = ", ".join(f"{column}={value}" for column, value in measured.slice.items()) or "all rows"
    return f"{rows} {against_text(measured)}".rstrip()


def result_word(measured: Claim) -> tuple[str, str]:
    """Return (style, word) for a claim's verdict; the word is empty without a limit."""
    word = verdict_word(measured)
    return {"passed": "", "": "", "failed": "bad"}.get(word, "open"), word
