"""Robustness: whether a model's answers stay where inputs are noisy, missing or shifted; and how its files are stored.

Each probe asks the model again about a sample of rows that were changed a little, and counts the answers that did
not turn. For predicted numbers an answer turns when it moves by more than a tenth of the predictions' deviation.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim, hold, reason_of
from aims_mlflow.checks.model.storage import storage_claims
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.labels import factorize, label_key
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.tables.table import Dataset
    from aims_mlflow.records.pack import Pack, Robustness

    Array = np.ndarray[Any, Any]

KIND = "robustness"
SEED = 42001
AGREEMENTS = ("agreement_under_noise", "agreement_with_missing", "agreement_under_shift")
NOT_ASKED = "not evaluated: the model cannot be asked about changed rows of a frame"
AT_ONCE = 20_000  # rows that a model is asked about together
MOVED = 0.1  # of the predictions' standard deviation


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Ask the model again about rows that were changed a little, and look at its files.

    A model that cannot be asked has its files looked at all the same; the rest is said not to be evaluated.

    Raises:
        DataError: the model can neither be asked nor looked at.
    """
    settings = pack.robustness
    if data.predict is None and data.model_folder is None:
        raise DataError("the model cannot be asked again", where=f"{data.role} data", next="name it with --model")
    frame, numbers = data.frame.iloc[:0], {}
    if data.predict is None:
        claims = [claim(name, None, role=data.role, note=NOT_ASKED) for name in AGREEMENTS]
    else:
        frame = _sample(data, settings.rows)
        same = _judge(data, data.predict(frame))
        numbers = _numbers(data, frame)
        claims = [
            _claim("agreement_under_noise", data, frame, same, lambda f: _noisy(f, numbers, float(settings.noise))),
            _claim("agreement_with_missing", data, frame, same, lambda f: _emptied(f, data, float(settings.missing))),
            _worst_shift(data, frame, same, numbers, float(settings.shift)),
        ]
    claims += storage_claims(data.model_folder, data.role)
    limits = [x for x in settings.limits if data.model_folder is not None or x.metric != "unsafe_model_files"]
    claims = hold(claims, limits, role=data.role)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details={"rows": len(frame), **_described(settings), "seed": SEED, "numbers": list(numbers)},
        reports={"robustness.html": claims_page("Robustness of the model", claims)},
        tools=versions("numpy", "pandas", "picklescan"),
    )


def _described(settings: Robustness) -> dict[str, str]:
    return {"noise": settings.noise, "missing": settings.missing, "shift": settings.shift}


def _sample(data: Dataset, rows: int) -> pd.DataFrame:
    import numpy as np

    if len(data.frame) <= rows:
        return data.frame
    chosen = np.random.default_rng(SEED).choice(len(data.frame), rows, replace=False)
    return data.frame.iloc[np.sort(chosen)]


def _numbers(data: Dataset, frame: pd.DataFrame) -> dict[str, float]:
    """Return numeric features and their standard deviation; constant ones and flags cannot be disturbed."""
    import pandas as pd

    found = {}
    for name in data.features:
        column = frame[name]
        kinds = pd.api.types
        if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column) and column.nunique() > 2:
            found[name] = float(column.std())
    return {name: deviation for name, deviation in found.items() if deviation > 0}


def _judge(data: Dataset, before: Array) -> Callable[[Array], Array]:
    """Return what tells of new answers which are the same as before, shape (rows,)."""
    import numpy as np

    if data.task == "regression":
        room = MOVED * max(float(np.std(before.astype(float))), 1e-12)
        return lambda now: np.abs(now.astype(float) - before.astype(float)) <= room
    keys = _keys(before)
    return lambda now: _keys(now) == keys


def _keys(answers: Array) -> Array:
    import numpy as np

    codes, levels = factorize(answers)
    keys: Array = np.array([*map(label_key, levels), None], dtype=object)[codes]
    return keys


def _claim(
    metric: str,
    data: Dataset,
    frame: pd.DataFrame,
    same: Callable[[Array], Array],
    change: Callable[[pd.DataFrame], pd.DataFrame | None],
) -> Claim:
    changed = change(frame)
    if changed is None:
        return claim(metric, None, role=data.role, n=len(frame), note="not evaluated: no feature can be changed so")
    assert data.predict is not None  # noqa: S101  run() has refused that
    try:
        return _agreement(metric, data, same(data.predict(changed)))
    except Exception as exc:  # noqa: BLE001  what a model does with such input is what is asked
        note = f"the model does not answer: {type(exc).__name__}"
        return claim(metric, 0, role=data.role, n=len(frame), note=note)


def _agreement(metric: str, data: Dataset, kept: Array) -> Claim:
    import numpy as np

    hits, n = int(kept.sum()), len(kept)
    low, high = count_tables.wilson(np.array(hits), np.array(n))
    return claim(metric, hits / n, role=data.role, n=n, interval=(low, high), method="Wilson")


def _noisy(frame: pd.DataFrame, numbers: dict[str, float], size: float) -> pd.DataFrame | None:
    import numpy as np

    generator = np.random.default_rng(SEED)
    noise = {name: generator.normal(0, size * deviation, len(frame)) for name, deviation in numbers.items()}
    return _moved(frame, noise) if numbers else None


def _moved(frame: pd.DataFrame, by: dict[str, Any]) -> pd.DataFrame:
    """Return the table with numbers moved; whole numbers stay whole."""
    import numpy as np
    import pandas as pd

    out = {}
    for name, move in by.items():
        column = frame[name]
        values = column.to_numpy(dtype=float, na_value=np.nan) + move
        whole = pd.api.types.is_integer_dtype(column)
        out[name] = pd.Series(np.rint(values), index=frame.index).astype(column.dtype) if whole else values
    return frame.assign(**out)


def _emptied(frame: pd.DataFrame, data: Dataset, share: float) -> pd.DataFrame | None:
    import numpy as np

    generator, out = np.random.default_rng(SEED), {}
    for name in data.features:
        gone = generator.random(len(frame)) < share
        column = frame[name]
        # Whole numbers with gaps are floats, as they are when such a table is read.
        out[name] = column.astype(float).mask(gone) if column.dtype.kind in "iu" else column.mask(gone)
    return frame.assign(**out) if out else None


def _worst_shift(
    data: Dataset, frame: pd.DataFrame, same: Callable[[Array], Array], numbers: dict[str, float], size: float
) -> Claim:
    """Return the agreement when one number is shifted, for the number where it is lowest."""
    metric = "agreement_under_shift"
    found: dict[str, Claim] = {}
    changes = {name: functools.partial(_moved, by={name: size * of}) for name, of in numbers.items()}
    names, many = list(changes), max(AT_ONCE // len(frame), 1)
    for some in (names[i : i + many] for i in range(0, len(names), many)):
        kept = _kept_together([changes[name](frame) for name in some], data, same)
        if kept is None:
            found |= {name: _claim(metric, data, frame, same, changes[name]) for name in some}
        else:
            found |= {name: _agreement(metric, data, part) for name, part in zip(some, kept, strict=True)}
    if not found:
        return claim(metric, None, role=data.role, n=len(frame), note="not evaluated: there is no number to shift")
    worst = min(found, key=lambda name: float(found[name].value or 0))
    note = f"lowest of {len(numbers)} columns: {worst}"
    return found[worst].model_copy(update={"note": note})


def _kept_together(frames: list[pd.DataFrame], data: Dataset, same: Callable[[Array], Array]) -> list[Array] | None:
    """Return which answers stayed the same in each frame, asked at once: many models take long for each question.

    None where the model did not answer: which of the frames it could not take is found one by one.
    """
    import numpy as np
    import pandas as pd

    assert data.predict is not None  # noqa: S101  run() has refused that
    try:
        answers = data.predict(pd.concat(frames, ignore_index=True))
        return [same(part) for part in np.split(np.asarray(answers), len(frames))]
    except Exception:  # noqa: BLE001  what a model does with such input is what is asked
        return None
