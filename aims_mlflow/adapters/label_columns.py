"""Labels that are passed beside the features, in one column or one-hot in several, as the target's column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MADE_UP = re.compile(r"feature_(\d+)")  # what `as_frame` calls the columns of an array


def target_column(labels: pd.DataFrame, what: str, target: str) -> pd.DataFrame:
    """Return the target as a frame of one column, named `target`.

    Several columns are the target and others, where one is named as the target; or one column for each label with a
    single 1 in each row. Its labels are the names of the columns, and the places 0, 1, 2 .. of an array.

    Raises:
        DataError: there are several columns, and they are neither.
    """
    import numpy as np
    import pandas as pd

    names = [str(name) for name in labels.columns]
    if len(names) == 1:
        return labels.set_axis([target], axis=1)
    if target in names:
        return labels[[target]]
    kinds = {dtype.kind for dtype in labels.dtypes}
    values = labels.to_numpy(dtype=float) if kinds <= set("iufb") else np.zeros((1, 1))
    if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
        raise DataError(
            f"{what} has {len(names)} columns, none is named {target!r}, and they are not one-hot",
            next=f"pass the one column of {target!r}, as data.target in aims.yaml names it",
        )
    made_up = [MADE_UP.fullmatch(name) for name in names]
    known = [int(found[1]) for found in made_up if found]
    text = known if len(known) == len(names) else names
    return pd.DataFrame({target: np.asarray(text)[values.argmax(axis=1)]}, index=labels.index)
