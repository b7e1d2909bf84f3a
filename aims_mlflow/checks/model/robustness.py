"""Robustness check: a model's answers to noisy, missing and shifted inputs, and the formats of its files.

Each probe asks the model again about a sample of rows that were changed a little, and counts the answers that did
not turn. For predicted numbers an answer turns when it moves by more than a tenth of the predictions' deviation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim, hold, reason_of
from aims_mlflow.checks.model.storage import storage_claims
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.labels import factorize, label_key
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.errors import AimsError, DataError
from aims_mlflow.records.details.checks import RobustnessDetails
from aims_mlflow.records.evidence import Claim, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack, Task

    Array = np.ndarray[Any, Any]

KIND = "robustness"
SEED = 42001
AGREEMENTS = ("agreement_under_noise", "agreement_with_missing", "agreement_under_shift")
NOT_ASKED = "not evaluated: the model cannot be asked about changed rows of a frame"
AT_ONCE = 20_000  # rows that a model is asked about together
MAX_NOTE = 240  # characters
MOVED = 0.1  # of the predictions' standard deviation


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Ask the model again about rows that were changed a little, and look at its files.

    A model that cannot be asked has its files looked at all the same; the rest is said not to be evaluated.

    Raises:
        DataError: the model can neither be asked nor looked at.
    """
    settings, model = pack.robustness, data.model
    if model.predict is None and model.folder is None:
        raise DataError("the model cannot be asked again", where=f"{data.role} data", next="name it with --model")
    sample = _sample(data, settings.rows)
    if sample is None:
        claims = [claim(name, None, role=data.role, note=NOT_ASKED) for name in AGREEMENTS]
    else:
        claims = [
            _claim("agreement_under_noise", sample, lambda: _noisy(sample, float(settings.noise))),
            _claim("agreement_with_missing", sample, lambda: _emptied(sample, float(settings.missing))),
            _worst_shift(sample, float(settings.shift)),
        ]
    claims += storage_claims(model.folder, data.role)
    limits = [x for x in settings.limits if model.folder is not None or x.metric != "unsafe_model_files"]
    claims = hold(claims, limits, role=data.role)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details=RobustnessDetails(
            rows=0 if sample is None else len(sample.frame),
            noise=settings.noise,
            missing=settings.missing,
            shift=settings.shift,
            seed=SEED,
            numbers=[] if sample is None else list(sample.numbers),
        ),
        reports={"robustness.html": claims_page("Robustness of the model", claims)},
        tools=versions("numpy", "pandas", "picklescan"),
    )


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows that the model is asked about again.

    Attributes:
        role: Role of the data.
        frame: The rows as they are.
        features: The columns that may be changed: those that the model takes, as far as that is known.
        numbers: Numeric features and their standard deviation.
        predict: The model.
        same: Which of new answers are the same as those to the rows as they are, shape (rows,).
    """

    role: str
    frame: pd.DataFrame
    features: list[str]
    numbers: dict[str, float]
    predict: Callable[[pd.DataFrame], Array]
    same: Callable[[Array], Array]


def _sample(data: Dataset, rows: int) -> Sample | None:
    """Return at most so many rows with the model's answers to them; None where it cannot be asked."""
    import numpy as np

    predict = data.model.predict
    if predict is None or not isinstance(data, InMemoryTable):
        return None
    frame = data.frame
    if len(frame) > rows:
        frame = frame.iloc[np.sort(np.random.default_rng(SEED).choice(len(frame), rows, replace=False))]
    same = _judge(data.task.kind, predict(frame))
    taken = [name for name in data.features if name in data.model.inputs] or data.features
    return Sample(data.role, frame, taken, _numbers(frame, taken), predict, same)


def _numbers(frame: pd.DataFrame, features: list[str]) -> dict[str, float]:
    """Return numeric features and their standard deviation; constant ones and flags cannot be disturbed."""
    import pandas as pd

    deviations = {}
    for name in features:
        column = frame[name]
        kinds = pd.api.types
        if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column) and column.nunique() > 2:
            deviations[name] = float(column.std())
    return {name: deviation for name, deviation in deviations.items() if deviation > 0}


def _judge(task: Task, before: Array) -> Callable[[Array], Array]:
    """Return a function that marks the new answers that equal those before, shape (rows,)."""
    import numpy as np

    if task == "regression":
        room = MOVED * max(float(np.std(before.astype(float))), 1e-12)
        return lambda now: np.abs(now.astype(float) - before.astype(float)) <= room
    keys = _keys(before)
    return lambda now: _keys(now) == keys


def _keys(answers: Array) -> Array:
    import numpy as np

    codes, levels = factorize(answers)
    keys: Array = np.array([*map(label_key, levels), None], dtype=object)[codes]
    return keys


def _claim(metric: str, sample: Sample, change: Callable[[], pd.DataFrame | None]) -> Claim:
    """Return the share of answers that stay when the rows are changed."""
    changed, n = change(), len(sample.frame)
    if changed is None:
        return claim(metric, None, role=sample.role, n=n, note="not evaluated: no feature can be changed so")
    try:
        return _agreement(metric, sample.role, sample.same(sample.predict(changed)))
    except Exception as exc:  # noqa: BLE001  what a model does with such input is what is asked
        said = exc.what if isinstance(exc, AimsError) else type(exc).__name__  # a stranger's text may quote a cell
        return claim(metric, 0, role=sample.role, n=n, note=f"the model does not answer: {said}"[:MAX_NOTE])


def _agreement(metric: str, role: str, kept: Array) -> Claim:
    import numpy as np

    hits, n = int(kept.sum()), len(kept)
    low, high = count_tables.exact_interval(np.array(hits), np.array(n))
    return claim(metric, hits / n, role=role, n=n, interval=(low, high), method=count_tables.EXACT)


def _noisy(sample: Sample, size: float) -> pd.DataFrame | None:
    """Return the rows with normal noise of `size` standard deviations on each number; None without numbers."""
    import numpy as np

    if not sample.numbers:
        return None
    generator, rows = np.random.default_rng(SEED), len(sample.frame)
    noise = {name: generator.normal(0, size * deviation, rows) for name, deviation in sample.numbers.items()}
    return _moved(sample.frame, noise)


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


def _emptied(sample: Sample, share: float) -> pd.DataFrame | None:
    """Return the rows with this share of each feature's cells missing; None without features."""
    import numpy as np

    generator, out = np.random.default_rng(SEED), {}
    for name in sample.features:
        gone = generator.random(len(sample.frame)) < share
        column = sample.frame[name]
        # Whole numbers with gaps are floats, as they are when such a table is read.
        out[name] = column.astype(float).mask(gone) if column.dtype.kind in "iu" else column.mask(gone)
    return sample.frame.assign(**out) if out else None


def _worst_shift(sample: Sample, size: float) -> Claim:
    """Return the agreement when one number is shifted, for the number where it is lowest."""
    metric, frame = "agreement_under_shift", sample.frame
    agreements: dict[str, Claim] = {}
    changes = {name: functools.partial(_moved, frame, {name: size * of}) for name, of in sample.numbers.items()}
    names, many = list(changes), max(AT_ONCE // len(frame), 1)
    for some in (names[i : i + many] for i in range(0, len(names), many)):
        kept = _kept_together([changes[name]() for name in some], sample)
        if kept is None:
            agreements |= {name: _claim(metric, sample, changes[name]) for name in some}
        else:
            agreements |= {n: _agreement(metric, sample.role, part) for n, part in zip(some, kept, strict=True)}
    if not agreements:
        return claim(metric, None, role=sample.role, n=len(frame), note="not evaluated: there is no number to shift")
    worst = min(agreements, key=lambda name: float(agreements[name].value or 0))
    note = f"lowest of {len(sample.numbers)} columns: {worst}"
    return agreements[worst].model_copy(update={"note": note})


def _kept_together(frames: list[pd.DataFrame], sample: Sample) -> list[Array] | None:
    """Return which answers stayed the same in each frame, asked at once: many models take long for each question.

    None where the model did not answer: which of the frames it could not take is found one by one.
    """
    import numpy as np
    import pandas as pd

    try:
        answers = sample.predict(pd.concat(frames, ignore_index=True))
        return [sample.same(part) for part in np.split(np.asarray(answers), len(frames))]
    except Exception:  # noqa: BLE001  what a model does with such input is what is asked
        return None
