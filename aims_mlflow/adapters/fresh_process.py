"""Asks logged models for rows outside the process that trained them: `python -P -c SOURCE`. Needs no aims_mlflow.

Each line of the standard input is a job in JSON: `folder`, which holds `rows.pickle`, the features, and `model.txt`,
the model's path; and `environment`, the variables that differ from those that this process was started with (null: not
set).
The answer is written into `answer.json`: names of the columns, where there are any, and the columns as lists; or type
and message of an error. The folder on the standard output says that it is there.

Every job runs in a fork of this process, which has imported MLflow and never runs a model itself: a job finds nothing
of another job, nor of the training, but has the environment variables of its own training. Where processes do not fork
safely, one process answers one job.
"""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer jobs until the standard input is closed."""
    import sklearn.pipeline  # noqa: F401 - most models need it, and a fork need not import it again

    for line in sys.stdin:
        sent = json.loads(line)
        job, environment = Path(sent["folder"]), sent["environment"]
        if sys.platform != "linux":
            answer(job, environment)
        elif (child := os.fork()) == 0:
            os.setpgid(0, 0)
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silence, stream)
            answer(job, environment)
            os._exit(0)
        else:
            os.waitpid(child, 0)
        sys.stdout.write(f"{job}\n")
        sys.stdout.flush()


def answer(job: Path, environment: dict[str, str | None]) -> None:
    """Answer one job, with the environment variables of the process that sent it: libraries read them on import."""
    os.chdir(job)
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model((job / "model.txt").read_text(encoding="utf-8"), suppress_warnings=True)
        rows = pickle.loads((job / "rows.pickle").read_bytes())  # noqa: S301 - written by the process that waits
        found = columns_of(in_row_order(model.predict(rows), getattr(rows, "index", None)))
        text = json.dumps(found, default=plain)
    except BaseException as exc:  # noqa: BLE001 - whatever it is, the process that waits is told
        text = json.dumps({"error": type(exc).__name__, "message": str(exc)})
    (job / "answer.json").write_text(text, encoding="utf-8")


def in_row_order(raw: Any, index: Any) -> Any:
    """Return a frame or Series in the order of the rows, where its own index has their labels in another order.

    An output that begins to count at 0 has no labels of the rows, and belongs to them by position. It stands in this
    module because the other process has nothing else of aims_mlflow; whoever reads an output here calls it too.

    Raises:
        ValueError: labels occur several times, so that the order of the rows is not clear.
    """
    import pandas as pd

    own = getattr(raw, "index", None)
    if not isinstance(own, pd.Index) or not isinstance(index, pd.Index) or len(own) != len(index) or own.equals(index):
        return raw
    if isinstance(own, pd.RangeIndex) and (own.start, own.step) == (0, 1):
        return raw
    if own.is_unique and index.is_unique:
        places = own.get_indexer(index)
        return raw.iloc[places] if (places >= 0).all() else raw
    if own.value_counts().to_dict() == index.value_counts().to_dict():
        raise ValueError("the rows of the output are in another order, and labels of its index occur several times")
    return raw


def plain(value: Any) -> Any:
    """Return a value that JSON does not know as one that it knows: numpy's as Python's, others as text."""
    import pandas as pd

    if isinstance(value, bytes):
        return value.decode()
    if value is pd.NA or value is pd.NaT:
        return None
    return value.item() if hasattr(value, "item") else str(value)


def columns_of(raw: Any) -> dict[str, Any]:
    """Return an output as names and columns of plain values."""
    import numpy as np
    import pandas as pd

    if hasattr(raw, "detach"):
        raw = raw.detach().cpu()
    if isinstance(raw, dict) or (isinstance(raw, list) and raw and isinstance(raw[0], dict)):
        raw = pd.DataFrame(raw)
    if isinstance(raw, pd.DataFrame):
        names = None if isinstance(raw.columns, pd.RangeIndex) else [str(name) for name in raw.columns]
        return {"names": names, "columns": [raw.iloc[:, i].tolist() for i in range(raw.shape[1])]}
    if isinstance(raw, pd.Series):
        return {"names": None if raw.name is None else [str(raw.name)], "columns": [raw.tolist()]}
    array = np.asarray(raw)
    return {"names": None, "columns": [array.tolist()] if array.ndim == 1 else [column.tolist() for column in array.T]}


if __name__ == "__main__":
    main()
