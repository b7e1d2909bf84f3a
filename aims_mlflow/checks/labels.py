"""Labels compared as text: 1, 1.0, "1" and True are the same label, however a library returns them."""

from __future__ import annotations

import numbers
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

_WHOLE = re.compile(r"^(-?\d+)\.0+$")
_BOOLEAN = {"true": "1", "false": "0"}
SHOWN = 5


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


def same_label(one: Any, other: Any) -> bool:
    """Return whether two labels mean the same; a missing one never does."""
    return label_key(one) is not None and label_key(one) == label_key(other)


def distinct_labels(values: Any) -> dict[str, str]:
    """Return the labels that occur, key -> text, sorted; missing values are left out."""
    _, levels = factorize(values)
    found = {str(label_key(level)): str(label_text(level)) for level in levels}
    return dict(sorted(found.items()))


def is_label(values: Any, label: str) -> np.ndarray[Any, Any]:
    """Return a boolean array: which of `values` are `label`."""
    import numpy as np

    codes, levels = factorize(values)
    wanted = label_key(label)
    hits = np.array([label_key(level) == wanted for level in levels] + [False])
    found: np.ndarray[Any, Any] = hits[codes]  # a missing value has code -1: the last entry
    return found


def factorize(values: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Return (codes, levels) of an array, a list, a Series or a one-column table; missing is -1."""
    import numpy as np
    import pandas as pd

    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = np.asarray(values)[:, 0]
    if not isinstance(values, np.ndarray | pd.Series | pd.api.extensions.ExtensionArray):
        values = pd.Series(values)
    codes, levels = pd.factorize(values)
    return codes, levels


def listing(labels: Iterable[str]) -> str:
    """Return labels for a message, quoted; many of them are only counted."""
    names = list(labels)
    shown = ", ".join(repr(name[:40]) for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
