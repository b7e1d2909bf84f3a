"""Comparison of labels as text: 1, 1.0, "1" and True are the same label in every library."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

_WHOLE = re.compile(r"^(-?\d+)\.0+$")
_BOOLEAN = {"true": "1", "false": "0"}
SHOWN = 5
NAME_LENGTH = 80
FEW_LEVELS = 10


def label_text(value: Any) -> str | None:
    """Return a label as people write it (`1.0` is "1"); None for a missing value."""
    import pandas as pd

    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, numbers.Integral):
        return str(value) if isinstance(value, bool) else str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value).strip()


def label_key(value: Any) -> str | None:
    """Return what decides whether two labels are the same: `True`, 1, 1.0 and "1.0" all give "1"."""
    text = label_text(value)
    if text is None:
        return None
    whole = _WHOLE.match(text)
    return whole[1] if whole else _BOOLEAN.get(text.lower(), text)


def short_name(text: str) -> str:
    """Return a label for a claim: a longer one is cut at `NAME_LENGTH` and ends in 8 digits of its sha256.

    So two labels never have one name, and one label has the same name in every table.
    """
    if len(text) <= NAME_LENGTH:
        return text
    mark = f"… [{sha256_hex(text.encode(errors='surrogatepass'))[:8]}]"
    return text[: NAME_LENGTH - len(mark)] + mark


def same_label(one: Any, other: Any) -> bool:
    """Return whether two labels mean the same; a missing one never does."""
    return label_key(one) is not None and label_key(one) == label_key(other)


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of many rows, looked up once.

    Attributes:
        codes: Place of each row's label among `levels`, shape (rows,); -1 where it is missing.
        levels: The labels as they stand there.
    """

    codes: np.ndarray[Any, Any]
    levels: Any

    def placed(self, places: Mapping[str, int], missing: int = -1) -> np.ndarray[Any, Any]:
        """Return for each row the place of its label in an order of keys, shape (rows,)."""
        import numpy as np

        places_of: np.ndarray[Any, Any] = np.array(
            [*(places[str(label_key(level))] for level in self.levels), missing], dtype=np.int64
        )[self.codes]
        return places_of


def labels_of(values: Any) -> Labels:
    """Return the labels of an array, a list, a Series or a one-column table; `Labels` are given back."""
    return values if isinstance(values, Labels) else Labels(*factorize(values))


def distinct_labels(values: Any) -> dict[str, str]:
    """Return the labels that occur, key -> text, sorted; missing values are left out. `values` as in `labels_of`."""
    texts = {str(label_key(level)): str(label_text(level)) for level in labels_of(values).levels}
    return dict(sorted(texts.items()))


def is_label(values: Any, label: str) -> np.ndarray[Any, Any]:
    """Return a boolean array: which of `values` (as in `labels_of`) are `label`."""
    import numpy as np

    labels, wanted = labels_of(values), label_key(label)
    hits = np.array([label_key(level) == wanted for level in labels.levels] + [False])
    marked: np.ndarray[Any, Any] = hits[labels.codes]  # a missing value has code -1: the last entry
    return marked


def factorize(values: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Return (codes, levels) of an array, a list, a Series or a one-column table; missing is -1."""
    import numpy as np
    import pandas as pd

    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = np.asarray(values)[:, 0]
    if isinstance(values, np.ndarray) and values.dtype.kind == "U" and (few := _few_texts(values)) is not None:
        return few
    if not isinstance(values, np.ndarray | pd.Series | pd.api.extensions.ExtensionArray):
        values = pd.Series(values)
    codes, levels = pd.factorize(values)
    return codes, levels


def _few_texts(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Any] | None:
    """Return codes and levels of numpy's own texts where there are few; pandas makes Python's texts of each first."""
    import numpy as np

    levels, first = np.unique(values[:1000], return_index=True)
    if len(levels) > FEW_LEVELS:
        return None
    levels = levels[np.argsort(first)]  # in the order in which they occur, as pandas gives them
    codes = np.full(len(values), -1, dtype=np.intp)
    for code, level in enumerate(levels):
        codes[values == level] = code
    return None if (codes < 0).any() else (codes, levels)


def listing(labels: Iterable[str]) -> str:
    """Return labels for a message, quoted; many of them are only counted."""
    names = list(labels)
    shown = ", ".join(repr(name[:40]) for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
