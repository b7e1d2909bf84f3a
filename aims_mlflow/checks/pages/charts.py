"""Pictures of claims as self-contained SVG, readable in light and dark, at narrow width, and without colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_left_out, is_reference, is_set_aside, is_too_small
from aims_mlflow.checks.pages.rendering import render
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.wording import exact_percent_text, number_text, percent_text, rounded_limit, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aims_mlflow.records.evidence import Claim

WIDTH, PAD, ROW = 440, 16, 42
MAX_ROWS = 16
LABEL_LENGTH, NOTE_LENGTH = 32, 62
MAX_NAMED = 6  # groups that are not shown
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    """One line of a panel: a label, its value as text, and where it lies on the axis."""

    label: str
    text: str
    value: float
    low: float | None = None
    high: float | None = None
    passed: bool | None = None
    bar: bool = False


@dataclass(frozen=True)
class Panel:
    """Rows on one axis from 0, with a dashed line at `limit`."""

    title: str
    rows: Sequence[Row]
    limit: float | None = None
    limit_text: str = ""
    percent: bool = False
    not_shown: Sequence[str] = ()

    @property
    def furthest(self) -> float:
        """The largest value that is drawn."""
        ends = [row.high if row.high is not None else row.value for row in self.rows]
        return max([*ends, self.limit or 0.0])


@dataclass(frozen=True)
class Text:
    """Words, from `x` on or up to it."""

    x: float
    y: float
    text: str
    style: str = ""
    end: bool = False
    hover: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Line:
    """A straight line; dashed where its style is "limit"."""

    style: str
    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    kind: str = "line"


@dataclass(frozen=True)
class Bar:
    """A bar to the right of `x`."""

    style: str
    x: float
    y: float
    width: float
    kind: str = "bar"


@dataclass(frozen=True)
class Mark:
    """A dot, or a diamond, around a point."""

    style: str
    x: float
    y: float
    kind: str


Shape = Text | Line | Bar | Mark


def fairness_chart(claims: Iterable[Claim], chosen: str) -> bytes | None:
    """Return selection rates by group with intervals, a panel for each column (or crossing); None without any.

    Groups that are not judged are named under their panel. `chosen` says what a selected row is: "predicted 'yes'".
    """
    told = [c for c in claims if not is_left_out(c)]
    ratios = {_key(c): c for c in told if c.metric == "selection_rate_ratio" and c.value is not None}
    named = [c for c in told if c.metric == "selection_rate_ratio" and (is_too_small(c) or is_set_aside(c))]
    by_columns: dict[tuple[str, ...], list[Claim]] = {}
    for rate in told:
        if (
            rate.metric == "selection_rate"
            and rate.value is not None
            and rate not in by_columns.get(_columns(rate), [])
        ):
            by_columns.setdefault(_columns(rate), []).append(rate)
    for each in named if by_columns else []:
        by_columns.setdefault(_columns(each), [])
    panels = [
        _rates_panel(columns, rates, ratios, [c for c in named if _columns(c) == columns])
        for columns, rates in by_columns.items()
    ]
    title = f"Share of each group {chosen}"
    return (
        _draw(title, "Lines are 95% intervals of each rate. ✕ and a diamond: fails the limit.", panels)
        if panels
        else None
    )


def _columns(measured: Claim) -> tuple[str, ...]:
    return tuple(measured.slice)


def _rates_panel(
    columns: tuple[str, ...], rates: list[Claim], ratios: dict[Key, Claim], named: Sequence[Claim]
) -> Panel:
    reference = next((c for c in rates if (r := ratios.get(_key(c))) and is_reference(r)), None)
    limits = [float(r.limit) for c in rates if (r := ratios.get(_key(c))) and r.limit is not None]
    limit = max(limits) * float(reference.value or 0) if limits and reference else None
    exact = decimal_text(limit)
    bound = rounded_limit(exact, ">=", [c.value for c in rates if c.value is not None]) if exact is not None else None
    rows = []
    for rate in rates:
        ratio, value = ratios.get(_key(rate)), float(rate.value or 0)
        low, high = (float(rate.interval.low), float(rate.interval.high)) if rate.interval else (None, None)
        text = percent_text(rate.value or "0", ">=", bound)
        if rate.interval:
            text += f" ({percent_text(rate.interval.low)} to {percent_text(rate.interval.high)})"
        passed = ratio.passed if ratio is not None else None
        rows.append(Row(" · ".join(rate.slice.values()), f"{text}, n={rate.n:,}", value, low, high, passed))
    rows.sort(key=lambda row: row.value)
    text = ""
    if bound and reference:
        share, group = number_text(decimal_text(max(limits))), " · ".join(reference.slice.values())[:LABEL_LENGTH]
        text = f"{share} of the rate of {group}, the reference ({exact_percent_text(bound)})"
    title = columns[0] if len(columns) == 1 else f"{' and '.join(columns)} together"
    not_shown = dict.fromkeys(f"{' · '.join(c.slice.values())}: {c.note}" for c in named)
    return Panel(title, rows, limit, text, percent=True, not_shown=list(not_shown))


def drift_chart(claims: Iterable[Claim], heading: str = "Drift of test data against training data") -> bytes | None:
    """Return drift by column as bars, largest drift first; None where no column could be compared."""
    claims = [c for c in claims if c.value is not None and "column" in c.slice and c.limit is not None]
    kinds = {
        "drift": ("distance, 0 where both are alike", "drift from {} on"),
        "drift_p_value": ("p-value of both being alike", "drift where the p-value is below {}"),
    }
    panels = []
    for metric, (title, limit_text) in kinds.items():
        mine = sorted((c for c in claims if c.metric == metric), key=lambda c: float(c.value or 0))
        if not mine:
            continue
        mine = mine[::-1] if metric == "drift" else mine
        bar = metric == "drift"
        rows = [Row(c.slice["column"], value_text(c), float(c.value or 0), passed=c.passed, bar=bar) for c in mine]
        limit = str(mine[0].limit)
        panels.append(Panel(title, rows, float(limit), limit_text.format(limit)))
    return _draw(heading, "", panels) if panels else None


def _key(measured: Claim) -> Key:
    return tuple(measured.slice.items())


def _draw(title: str, subtitle: str, panels: Sequence[Panel]) -> bytes:
    shapes: list[Shape] = [Text(PAD, 30, title, "head")]
    y = 36
    if subtitle:
        shapes.append(Text(PAD, 50, subtitle, "soft"))
        y = 56
    # Shares are drawn to one scale, so that a place means the same in each panel.
    widest = max((panel.furthest for panel in panels if panel.percent), default=0.0)
    for panel in panels:
        drawn, y = _panel(panel, y, _span(widest if panel.percent else panel.furthest, percent=panel.percent))
        shapes += drawn
    told = [f"{r.label}: {r.text}{' (outside the limit)' * (r.passed is False)}" for p in panels for r in p.rows]
    summary = "; ".join([*told, *(f"not shown, {each}" for p in panels for each in p.not_shown)])
    return render("chart.svg.j2", title=title, summary=summary, width=WIDTH, height=y + PAD // 2, shapes=shapes)


def _span(furthest: float, *, percent: bool) -> float:
    """Return the end of an axis: the least of one, two, ... tenths of a power of ten that nothing is drawn beyond."""
    if furthest <= 0:
        return 1.0
    power = math.floor(math.log10(furthest))
    span = math.ceil(furthest / 10.0**power - 1e-9) * 10.0**power
    return min(span, 1.0) if percent else span


def _panel(panel: Panel, top: int, span: float) -> tuple[list[Shape], int]:
    """Return the drawn parts of a panel that starts at `top`, and where it ends; its axis ends at `span`."""
    rows, left_out = _shown(panel.rows)

    def x(value: float) -> float:
        return round(PAD + (WIDTH - 2 * PAD) * min(max(value / span, 0.0), 1.0), 1)

    shapes: list[Shape] = [Text(PAD, top + 26, panel.title, "name")]
    y = top + 30
    for row in rows:
        shapes += _row(row, y, x)
        if panel.limit is not None:
            shapes.append(Line("limit", (x(panel.limit), y + 21), (x(panel.limit), y + 35), 2))
        y += ROW
    if rows:
        shapes += _ticks(span, y, percent=panel.percent)
        y += 12
    if panel.limit is not None:
        shapes.append(Line("limit", (PAD + 2, y + 8), (PAD + 2, y + 22), 2))
        shapes.append(Text(PAD + 10, y + 19, f"limit: {panel.limit_text}", "soft"))
        y += 22
    more = len(panel.not_shown) - MAX_NAMED
    notes = [f"{left_out} more in between are in the record"] if left_out else []
    notes += [f"not shown, {each}" for each in panel.not_shown[:MAX_NAMED]]
    for note in [*notes, f"and {more} more, in the record"] if more > 0 else notes:
        shapes.append(Text(PAD, y + 16, _cut(note, NOTE_LENGTH), "soft", hover=note if len(note) > NOTE_LENGTH else ""))
        y += 20
    return shapes, y + 4


def _ticks(span: float, y: int, *, percent: bool) -> list[Shape]:
    """Return the numbers of an axis: its start, middle and end."""
    start, middle, end = (
        percent_text(text) if percent else number_text(text)
        for text in (str(decimal_text(round(part * span, 12))) for part in (0.0, 0.5, 1.0))
    )
    at = WIDTH / 2 - 4 * len(middle)  # about half of its width to the left of the middle
    return [
        Text(PAD, y + 6, start, "tick"),
        Text(at, y + 6, middle, "tick"),
        Text(WIDTH - PAD, y + 6, end, "tick", end=True),
    ]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _row(row: Row, y: int, x: Callable[[float], float]) -> list[Shape]:
    bad, line = row.passed is False, y + 28
    mood = {True: "good", False: "bad", None: "plain"}[row.passed]
    label = _cut(row.label, LABEL_LENGTH)
    zero, value = x(0.0), x(row.value)
    shapes: list[Shape] = [
        Text(PAD, y + 17, label, hover=row.label),
        Text(WIDTH - PAD, y + 17, ("✕ " if bad else "") + row.text, "soft bad" if bad else "soft", end=True),
        Line("track", (PAD, line), (WIDTH - PAD, line), 1),
    ]
    if row.bar:
        return [*shapes, Bar(mood, zero, line - 4, max(value - zero, 1))]
    if row.low is not None and row.high is not None:
        shapes.append(Line(mood, (x(row.low), line), (x(row.high), line), 4))
    # A diamond where the limit is broken: the shape says it too.
    return [*shapes, Mark(mood, value, line, "diamond" if bad else "dot")]


def _shown(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Return the rows that fit (the first ones and the last) and how many are left out."""
    if len(rows) <= MAX_ROWS:
        return list(rows), 0
    return [*rows[: MAX_ROWS - 1], rows[-1]], len(rows) - MAX_ROWS
