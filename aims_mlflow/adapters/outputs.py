"""A model's raw output as columns of equal length, whatever library it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import HINT
from aims_mlflow.adapters.fresh_process import in_row_order
from aims_mlflow.checks.tables.plain_columns import plain_values
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Output:
    """The columns of a model's output, each of shape (rows,), and their names where the model gives any."""

    columns: tuple[Array, ...]
    names: tuple[str, ...] | None = None

    @property
    def is_named(self) -> bool:
        """Whether each column has a name of its own."""
        return self.names is not None and len(set(self.names)) == len(self.names)

    def numbers(self) -> Array | None:
        """Return the columns as floats, shape (rows, columns); None where one holds something else."""
        import numpy as np

        if any(column.dtype.kind not in "iufb" for column in self.columns):
            return None
        return np.column_stack([column.astype(float) for column in self.columns])


def read_raw(raw: Any, rows: int, names: Sequence[str] | None = None, index: pd.Index | None = None) -> Output:
    """Return a model's raw output as columns, in the order of the rows.

    Args:
        raw: An array, a frame, a Series, a tensor, a list of labels or of dictionaries, or a dictionary of columns.
        rows: The number of rows that the model was asked about.
        names: Names of the columns in the model's signature, for an output that has none itself.
        index: The index of the rows, for an output of pandas that has it in another order.

    Raises:
        CheckError: it has another number of rows, or more than two dimensions, or the order of its rows is not clear.
    """
    import numpy as np
    import pandas as pd

    if hasattr(raw, "detach"):  # a tensor that may be part of a gradient
        raw = raw.detach().cpu()
    if isinstance(raw, Mapping):
        raw = _frame_of(raw)
    elif isinstance(raw, list) and raw and all(isinstance(row, Mapping) for row in raw):
        raw = pd.DataFrame(raw)
    elif hasattr(raw, "to_pandas"):  # polars and Arrow
        raw = raw.to_pandas()
    try:
        raw = in_row_order(raw, index)
    except ValueError as exc:
        raise CheckError(str(exc), next=HINT) from None
    if isinstance(raw, pd.DataFrame):
        own = None if isinstance(raw.columns, pd.RangeIndex) else tuple(str(name) for name in raw.columns)
        return _checked(
            [_array(raw.iloc[:, i]) for i in range(raw.shape[1])], own or _fitting(names, raw.shape[1]), rows
        )
    if isinstance(raw, pd.Series):
        return _checked([_array(raw)], None if raw.name is None else (str(raw.name),), rows)
    try:
        array = np.asarray(raw.toarray() if hasattr(raw, "toarray") else raw)
    except ValueError:  # rows of different lengths
        raise CheckError("the model's output is no table: its rows have different lengths", next=HINT) from None
    if array.ndim not in (1, 2):
        raise CheckError(f"the model's output has {array.ndim} dimensions, one or two are expected", next=HINT)
    columns = [array] if array.ndim == 1 else list(array.T)
    return _checked(columns, _fitting(names, len(columns)), rows)


def _frame_of(raw: Mapping[Any, Any]) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.DataFrame({str(name): list(values) for name, values in raw.items()})
    except (ValueError, TypeError):
        raise CheckError("the model's output has columns of different lengths", next=HINT) from None


def _array(column: pd.Series) -> Array:
    import pandas as pd

    plain = isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column)
    array: Array = column.astype(object).to_numpy() if plain else column.to_numpy()
    return array


def _fitting(names: Sequence[str] | None, columns: int) -> tuple[str, ...] | None:
    return tuple(names) if names is not None and len(names) == columns else None


def _checked(columns: list[Array], names: tuple[str, ...] | None, rows: int) -> Output:
    given = len(columns[0]) if columns else 0
    if given != rows:
        raise CheckError(f"the model gave {given:,} predictions for {rows:,} rows", next=HINT)
    return Output(tuple(_plain(column) for column in columns), names)


def _plain(column: Array) -> Array:
    """Return a column whose objects are all numbers, truth values or bytes in a plain type."""
    import numpy as np

    if column.dtype.kind == "S":
        try:
            return np.char.decode(column)
        except UnicodeDecodeError:
            raise CheckError("its output is bytes that are no UTF-8 text", next=HINT) from None
    plain: Array = plain_values(column)
    return plain
