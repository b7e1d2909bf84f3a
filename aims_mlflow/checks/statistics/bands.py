"""Bands of a numeric column, such as ages; what is no ordinary number of the column is a group of its own.

A tenth of the rows may share one number (no disability: 0), and a few numbers far from all others are codes, such as
-999 for an unknown age. In a band such rows would be taken for people with a number near it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.count_tables import count, weighted_quantiles
from aims_mlflow.checks.statistics.labels import label_text
from aims_mlflow.checks.statistics.point_masses import others, point_masses

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BANDS = 6
ROWS_OF_A_BAND = 30  # where there are few rows, there are fewer bands
MAX_CODES = 3  # at each end: unknown, refused, not asked
ROWS_OF_A_CODE = 5  # one person far from all others is an outlier, several with the same number are a code
FAR = 2.0  # gaps wider than so many times what lies between the 10% and 90% quantiles


def cut_into_bands(values: Array, weights: Array | None = None) -> tuple[Array, list[str], str | None]:
    """Return (code of each row, name of each code, width of a band); rows without a number get the last code.

    Ages give "20 to under 30" and so on. Bounds are round numbers counted from 0 and not taken from the data's
    extremes, so that they give nobody away and mean the same in the next table. Numbers that are no band's come first,
    infinite ones last: "inf" is what someone wrote, and not a missing cell.
    """
    import numpy as np

    finite = np.isfinite(values)
    rows = weights if weights is None else weights[finite]
    apart = numbers_apart(values[finite], rows)
    texts = [str(label_text(value)) for value in apart]
    rest, rest_rows = others(values[finite], apart, rows)
    codes = np.zeros(len(values), dtype=np.int64)
    names, width = list(texts), None
    if len(rest):
        width, first, last = _round_bands(rest, rest_rows)
        names += _band_names(width, first, last, apart)
        # By the edges that the names show: 0.3 / 0.1 is less than 3.
        codes = np.searchsorted(_edges(width, first, last)[1:-1], values, side="right") + len(apart)
    for i, value in enumerate(apart):
        codes[values == value] = i
    for endless in (-math.inf, math.inf):
        if (values == endless).any():
            codes[values == endless] = len(names)
            names.append(str(label_text(endless)))
    codes[np.isnan(values)] = len(names)
    return codes, names, None if width is None else str(label_text(round(width, 12)))


def numbers_apart(values: Array, weights: Array | None = None) -> Array:
    """Return the numbers that are groups of their own, ascending: point masses, and codes far from all others.

    Codes are at most three numbers at an end, each of at least five rows, with a wide gap before all others, or below
    0 where no other number is.
    """
    import numpy as np

    masses = point_masses(values, weights)
    values, weights = others(values, masses, weights)
    if not len(values):
        return masses
    levels, places = np.unique(values, return_inverse=True)
    sizes = count(places, len(levels), weights)
    low, high = weighted_quantiles(values, np.array([0.1, 0.9]), weights)
    gap = FAR * float(high - low)
    below, above = _codes_below(levels, sizes, gap), _codes_below(-levels[::-1], sizes[::-1], gap, negative=False)
    return np.unique(np.concatenate([masses, levels[:below], levels[len(levels) - above :]]))


def _codes_below(levels: Array, sizes: Array, gap: float, *, negative: bool = True) -> int:
    """Return how many of the lowest `levels` (ascending) are codes."""
    found = 0
    for n in range(1, min(MAX_CODES, len(levels) - 1) + 1):
        if sizes[n - 1] < ROWS_OF_A_CODE:
            break
        alone_below_zero = negative and levels[n - 1] < 0 <= levels[n]
        if alone_below_zero or levels[n] - levels[n - 1] > gap:
            found = n
    return found


def _round_bands(values: Array, weights: Array | None) -> tuple[float, int, int]:
    """Return (width, number of the first band, number of the last), counted from 0 in bands of that width."""
    import numpy as np

    low, high = weighted_quantiles(values, np.array([0.05, 0.95]), weights)
    rows = len(values) if weights is None else int(weights.sum())
    rough = max(float(high - low) / min(BANDS, max(rows // ROWS_OF_A_BAND, 1)), 1e-9)
    scale = 10.0 ** math.floor(math.log10(rough))
    width = next(step * scale for step in (1, 2, 5, 10) if step * scale >= rough)
    return width, math.floor(low / width), math.floor(high / width)


def _edges(width: float, first: int, last: int) -> list[float]:
    """Return where bands begin, and where the last one ends."""
    return [round(edge * width, 12) for edge in range(first, last + 2)]


def _band_names(width: float, first: int, last: int, apart: Array) -> list[str]:
    """Return the names of the bands; the outer ones are open, and a number that is a group itself is taken out."""
    ends = _edges(width, first, last)
    text = [str(label_text(end)) for end in ends]
    if first == last:
        return [f"other than {_listed(apart)}" if len(apart) else "any number"]
    names = [f"{text[i]} to under {text[i + 1]}" for i in range(len(text) - 1)]
    names[0], names[-1] = f"under {text[1]}", f"{text[-2]} and over"
    bounds = [-math.inf, *ends[1:-1], math.inf]
    inside = [[v for v in apart if bounds[i] <= v < bounds[i + 1]] for i in range(len(names))]
    return [f"{name} without {_listed(own)}" if own else name for name, own in zip(names, inside, strict=True)]


def _listed(values: Any) -> str:
    return ", ".join(str(label_text(value)) for value in values)
