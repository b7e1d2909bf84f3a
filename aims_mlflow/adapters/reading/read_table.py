"""What every reader hands on: a frame, and what was done to read it."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.records.system import ReadingOptions

if TYPE_CHECKING:
    import pandas as pd

AS_FOUND = ReadingOptions()  # nothing is said: the file's own form decides
SHOWN = 3
PLAIN = re.compile(r"\d+|(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][\w./-]*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A table that was read.

    Attributes:
        frame: The rows, with the columns' names as the file has them.
        notes: One sentence for each thing that a reader could have done otherwise; they quote no value of a person.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def option(key: str, value: str) -> str:
    """Return how to set a key of `records.system.ReadingOptions`, for a sentence: as a shell and as YAML read it."""
    plain = PLAIN.fullmatch(value) is not None and (key == "skip" or not value.isdecimal())
    shown = value if plain else json.dumps(value, ensure_ascii=False)
    shown = f"[{shown if value else ''}]" if key == "missing" else shown
    said = "tab" if value == "\t" else value
    return f"--read {shlex.quote(f'{key}={said}')} (in aims.yaml, under data: `reading: {{{key}: {shown}}}`)"


def named(columns: list[str]) -> str:
    """Return column names for a sentence; many of them are only counted."""
    text = ", ".join(repr(name) for name in columns[:SHOWN])
    return text + (f" and {len(columns) - SHOWN:,} more" if len(columns) > SHOWN else "")
