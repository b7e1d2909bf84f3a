"""Output of the demo: numbered steps with progress on a terminal, plain lines elsewhere, 80 columns wide."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import click

from aims_mlflow.checks.claims import is_reference
from aims_mlflow.checks.metrics import OVER_GUESSING
from aims_mlflow.records.wording import percent_text, slice_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.demo.data import DemoData
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

WIDTH = 80
MAX_REASONS = 4


class Teller:
    """Writes the story; counts its steps."""

    def __init__(self) -> None:
        self._count = 0
        self._out = sys.stdout

    def head(self, text: str) -> None:
        """Begin a step that takes no time."""
        self._count += 1
        click.echo("", file=self._out)
        click.secho(f"{self._count}. {text}", bold=True, file=self._out)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Begin a step that takes time; on a terminal it moves while it lasts."""
        self.head(text)
        started, done = time.monotonic(), threading.Event()
        mover = threading.Thread(target=self._move, args=(done,), daemon=True)
        if self._out.isatty():
            mover.start()
        try:
            yield
        finally:
            done.set()
            if mover.is_alive():
                mover.join()
            if self._out.isatty():
                self._out.write("\r" + " " * 20 + "\r")
        self.lines([f"({time.monotonic() - started:.1f} s)"], dim=True)

    def _move(self, done: threading.Event) -> None:
        for mark in itertools.cycle("|/-\\"):
            self._out.write(f"\r   {mark} working")
            self._out.flush()
            if done.wait(0.15):
                return

    def lines(self, texts: Iterable[str], *, dim: bool = False) -> None:
        """Write lines, wrapped and set in."""
        for text in texts:
            for line in _wrapped(text):
                click.secho(line, dim=dim, file=self._out)

    def good(self, text: str) -> None:
        """Write what went well."""
        for line in _wrapped(f"✓ {text}"):
            click.secho(line, fg="green", file=self._out)

    def bad(self, texts: Iterable[str]) -> None:
        """Write a refusal."""
        for text in texts:
            for line in _wrapped(text):
                click.secho(line, fg="red", file=self._out)

    def loud(self, text: str) -> None:
        """Write a line that stands out."""
        for line in _wrapped(f"!! {text}"):
            click.secho(line, fg="yellow", bold=True, file=self._out)


def _wrapped(text: str) -> list[str]:
    """Wrap words at 80 columns; a table's row or a path stays whole."""
    if len(text) <= WIDTH - 3 or text.startswith(("  ", "the ", "in MLflow")):
        return [f"   {text}"]
    return textwrap.wrap(
        text, WIDTH, initial_indent="   ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False
    )


def in_one_line(text: str) -> str:
    """Return a refusal without its line breaks."""
    return " ".join(text.split())


def reasons_in(text: str) -> list[str]:
    """Return the reasons of a gate's refusal, each beginning with its control."""
    reasons = in_one_line(text).partition(". ")[2].partition(" Next: ")[0]
    return [r.strip().rstrip(".") for r in re.split(r"(?=A\.\d+\.\d+(?:\.\d+)?: )", reasons) if r.strip()]


def controls_to_waive(text: str) -> list[str]:
    """Return the controls of a refusal that a waiver can cover; an approval is not one of them."""
    return sorted({r.split(": ")[0] for r in reasons_in(text) if "an approval by" not in r})


def refusal_lines(text: str) -> list[str]:
    """Return a gate's refusal as a person reads it: its head, its first reasons, and what to do next."""
    text = in_one_line(text)
    head, after = text.partition(". ")[0], text.partition(" Next: ")[2]
    found = reasons_in(text)
    found = [re.sub(r", evidence [0-9a-f-]{36}", "", r) for r in found]
    out = [f"✗ {head}", *(f"- {r}" for r in found[:MAX_REASONS])]
    if len(found) > MAX_REASONS:
        out.append(f"- and {len(found) - MAX_REASONS} more")
    following = after.split(" Unchanged: ")[0].strip().rstrip(".")
    return [*out, f"next: {following.split(': aims waive')[0]}"] if following else out


def cost_lines(before: SealedRecord, after: SealedRecord) -> list[str]:
    """Return what a mitigation cost in accuracy on held-out rows: of all, and of each group that lost some."""
    old, new = _accuracies(before), _accuracies(after)
    total = (
        f"its cost: accuracy {value_text(old[''])} before, {value_text(new[''])} after"
        if "" in old and "" in new
        else ""
    )
    lost = sorted(
        (float(str(now.value)) - float(str(old[rows].value)), rows) for rows, now in new.items() if rows and rows in old
    )
    falls = [f"{rows} {value_text(old[rows])} -> {value_text(new[rows])}" for fall, rows in lost if fall < 0]
    return [text for text in (total, f"less accurate by group: {'; '.join(falls)}" if falls else "") if text]


def guessing_lines(record: SealedRecord) -> list[str]:
    """Return of whom a model is right no more often than always guessing their most frequent label is."""
    over = {
        slice_text(c.slice): c
        for c in record.evidence.claims
        if c.metric == OVER_GUESSING and c.role == "test" and c.value is not None and float(c.value) <= 0
    }
    told = [f"{rows or 'all rows'} {value_text(claim)}" for rows, claim in over.items()]
    return [f"accuracy minus that of always guessing the frequent label: {'; '.join(told)}"] if told else []


def _accuracies(record: SealedRecord) -> dict[str, Claim]:
    """Return the accuracy on held-out rows: of all under "", and of each group of one column."""
    return {
        slice_text(c.slice): c
        for c in record.evidence.claims
        if c.metric == "accuracy"
        and c.role == "test"
        and c.value is not None
        and len(c.slice) < 2
        and "*" not in c.slice.values()
    }


def groups_table(record: SealedRecord, data: DemoData, before: SealedRecord | None = None) -> list[str]:
    """Return selection rates by group with interval and n, worst ratio first; with `before`, both ratios."""
    out = []
    for column in data.sensitive:
        rows = [_row(record, before, column, group) for group in _groups(record, column)]
        named = sorted((r for r in rows if r is not None), key=lambda r: r[0])
        head = f"{'before -> after' if before is not None else 'ratio':>16}"
        out.append(f"  {column[:24]:<24} {'selected':>8} {'95% interval':>14} {'n':>7} {head}")
        out += [text for _, text in named]
        out += _references(record, column)
        if len(named) < len(rows):
            out.append("    groups of very few rows stay without numbers: they point at persons")
        worse = [g for g in _groups(record, column) if _failing(record, column, g)]
        if worse and before is None:
            out.append(f"  treated worse by {column}: {', '.join(worse)}")
    return out


def _references(record: SealedRecord, column: str) -> list[str]:
    """Return with which group the ratios of a column compare: the reference, and what that one is held against."""
    found = [c for c in record.evidence.claims if c.metric == "selection_rate_ratio" and set(c.slice) == {column}]
    own = [c for c in found if is_reference(c)]
    lines = [f"* {c.slice[column]}: the reference group; the rates of the others are divided by its rate" for c in own]
    return lines + [
        f"its own rate is divided by that of {c.reference[column]}, the group most clearly above it"
        for c in own
        if c.reference is not None and c.reference != c.slice
    ]


def _groups(record: SealedRecord, column: str) -> list[str]:
    return [
        c.slice[column] for c in record.evidence.claims if c.metric == "selection_rate" and set(c.slice) == {column}
    ]


def _claim(record: SealedRecord, metric: str, column: str, group: str) -> Claim | None:
    return next((c for c in record.evidence.claims if c.metric == metric and c.slice == {column: group}), None)


def _failing(record: SealedRecord, column: str, group: str) -> bool:
    claim = _claim(record, "selection_rate_ratio", column, group)
    return claim is not None and claim.passed is False


def _row(record: SealedRecord, before: SealedRecord | None, column: str, group: str) -> tuple[float, str] | None:
    rate, ratio = _claim(record, "selection_rate", column, group), _claim(record, "selection_rate_ratio", column, group)
    if rate is None or rate.value is None or rate.interval is None:
        return None
    value = float(ratio.value) if ratio is not None and ratio.value is not None else 1.0
    text = value_text(ratio) if ratio is not None and ratio.value is not None else "1"
    earlier = _claim(before, "selection_rate_ratio", column, group) if before is not None else None
    if earlier is not None and earlier.value is not None:
        text = f"{value_text(earlier)} -> {text}"
    text += "*" if ratio is not None and is_reference(ratio) else " "
    mark = " ✗" if _failing(record, column, group) else "  "
    interval = f"{percent_text(rate.interval.low)} to {percent_text(rate.interval.high)}"
    n = f"{rate.n:,}" if rate.n is not None else ""
    group = group.replace("(others: ", "(")
    row = f"    {group[:22]:<22} {percent_text(rate.value):>8} {interval:>14} {n:>7} {text:>16}{mark}"
    return value, row.rstrip()
