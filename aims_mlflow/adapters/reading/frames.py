"""Tables in memory, of whatever library, as pandas frames; what is none is refused in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.arrow_files import in_pandas
from aims_mlflow.adapters.reading.read_table import named
from aims_mlflow.checks.engines.spark import is_spark
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

STREAMS = ("torch.utils.data", "tensorflow", "tensorflow_datasets", "keras.src.trainers")
ADVICE = "pass a frame, a two-dimensional array, or the path of a table"


def as_frame(value: Any, what: str) -> pd.DataFrame:
    """Return a table in memory as a pandas frame whose columns are named by text; no copy where none is needed.

    Taken are pandas, polars (lazy too), Arrow, DuckDB relations, whatever else hands out Arrow data or has `to_pandas`,
    arrays (sparse, masked and record arrays too), a mapping of columns, and a list of mappings.

    Raises:
        DataError: it is no table.
    """
    frame = _frame(value, what)
    if any(not isinstance(c, str) for c in frame.columns):
        frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    repeated = list(dict.fromkeys(frame.columns[frame.columns.duplicated()]))
    if repeated:
        raise DataError(
            f"{what} has several columns of the same name: {named(repeated)}", next="give each column its own name"
        )
    return _dense(frame)


def _frame(value: Any, what: str) -> pd.DataFrame:
    import pandas as pd

    if is_spark(value):
        raise DataError(
            f"{what} is a Spark frame, which a training in this process cannot learn from",
            next="pass toPandas() or a parquet path; `aims check run spark:TABLE` checks it where it is",
        )
    _refuse_streams(value, what)
    if isinstance(value, pd.DataFrame):
        frame = value
    elif isinstance(value, pd.Series):
        frame = value.to_frame(name=value.name if value.name is not None else what)
    elif isinstance(value, Mapping):
        frame = _of_columns(value, what)
    elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        frame = pd.DataFrame(value)
    else:
        frame = _from_library(value, what)
    return frame


def _from_library(value: Any, what: str) -> pd.DataFrame:
    """Return a table or a column of another library, or an array, as a frame."""
    import pandas as pd
    import pyarrow as pa

    if hasattr(value, "collect") and hasattr(value, "collect_schema"):  # a lazy frame of polars
        value = value.collect()
    if hasattr(value, "to_arrow_table"):  # a relation of DuckDB
        value = value.to_arrow_table()
    if hasattr(value, "__arrow_c_stream__"):
        with contextlib.suppress(pa.ArrowException, TypeError, ValueError):  # a single column is no table
            return in_pandas(pa.table(value))
    if hasattr(value, "to_pandas"):
        read = value.to_pandas()
        return read.to_frame(name=read.name or what) if isinstance(read, pd.Series) else read
    return _from_array(value, what)


def _refuse_streams(value: Any, what: str) -> None:
    """Refuse what can be read once only, or holds rows that are no table."""
    kind = type(value)
    home = next((base.__module__ for base in kind.__mro__ if base.__module__.startswith(STREAMS)), None)
    tensor = hasattr(value, "numpy") and hasattr(value, "shape")
    if home is not None and not tensor:
        raise DataError(
            f"{what} is a stream of batches ({kind.__module__}.{kind.__name__}), and evidence is about a table",
            next="pass the table that it is made from: with aims.training(...) as t: t.data(train=frame, test=frame)",
        )
    if kind.__name__ == "RecordBatchReader" or (hasattr(value, "__next__") and not hasattr(value, "shape")):
        raise DataError(
            f"{what} can be read once only ({kind.__name__}), and the training function needs it too",
            next="pass a table, such as read_all() gives it, or a list",
        )
    if isinstance(value, tuple):
        raise DataError(
            f"{what} is a tuple of {len(value)}, and a table is asked for",
            next=f"name the parts: X_{what} and y_{what} as arguments of their own",
        )


def _of_columns(value: Mapping[Any, Any], what: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.DataFrame(dict(value))
    except (ValueError, TypeError) as exc:
        first = (str(exc).splitlines() or [""])[0]
        raise DataError(
            f"{what} is a mapping whose values are no columns of one length ({first})", next=ADVICE
        ) from None


def _from_array(value: Any, what: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    try:
        # What only has items, such as a data set of samples, may hand them out for ever.
        known = isinstance(value, list) or hasattr(value, "__array__") or hasattr(value, "__array_interface__")
        array = value.toarray() if hasattr(value, "toarray") else np.asanyarray(value) if known else None
    except (ValueError, TypeError, RuntimeError):
        array = None
    odd = array is None or (array.dtype == object and array.ndim == 0) or array.ndim not in (1, 2)
    if array is None or odd:
        shape = "" if array is None else f", {array.ndim} dimensions"
        raise DataError(f"{what} is no table ({type(value).__name__}{shape})", next=ADVICE)
    if array.dtype.names is not None:
        return pd.DataFrame({name: pd.Series(array[name].ravel()) for name in array.dtype.names})
    if array.ndim == 1:
        return pd.DataFrame({what: _column(array)})
    names = [f"feature_{i}" for i in range(array.shape[1])]
    if isinstance(array, np.ma.MaskedArray):
        return pd.DataFrame({name: _column(array[:, i]) for i, name in enumerate(names)})
    return pd.DataFrame(array, columns=names)


def _column(array: Any) -> Any:
    """Return a one-dimensional array; masked values as missing."""
    import numpy as np
    import pandas as pd

    if isinstance(array, np.ma.MaskedArray):
        return pd.Series(array.data).mask(np.ma.getmaskarray(array))
    return np.asarray(array)


def _dense(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with sparse columns as plain ones: Arrow, and so the digest, has none."""
    import pandas as pd

    sparse = [name for name, kind in frame.dtypes.items() if isinstance(kind, pd.SparseDtype)]
    if not sparse:
        return frame
    dense = {name: frame[name].sparse.to_dense() for name in sparse}
    return pd.concat([dense.get(name, frame[name]).rename(name) for name in frame.columns], axis=1)
