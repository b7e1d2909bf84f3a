"""Understanding a model's output: from the target's own labels, from names of columns, and from the model's `classes_`.

Where only an order or a range of numbers suggests a meaning, it is doubtful: it counts only where the training rows
prove it (`proof`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import HINT
from aims_mlflow.adapters.meaning import NOT_CLEAR, SAY, Interpretation
from aims_mlflow.checks.statistics.labels import distinct_labels, is_label, label_key, labels_of
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.adapters.outputs import Output
    from aims_mlflow.checks.tables.task import PredictionTask

    Array = np.ndarray[Any, Any]

PREDICTION = re.compile(
    r"(?:y[ _]?)?(?:pred|preds|predict|predicted|prediction|predictions|hat)(?:[ _](?:label|class|value|outcome))?"
    r"|labels?|class|classes|outcome"
)
SCORE = re.compile(r"(?:scores?|prob|probs|proba|probability|probabilities|confidence|p)")
OF_LABEL = re.compile(r"(?:p|pr|prob|proba|probability|score|class|label)[ _.:(\[=]+(?:of[ _])?(.+?)[)\]]?")
WHOLE = re.compile(r"-?\d+")
SPELLINGS = 4  # True, 1, 1.0 and "1" are one label
SUM_ROOM = 1e-3  # how far the scores of a row may sum away from 1


def understand(
    output: Output, task: PredictionTask, known: Mapping[str, str], classes: tuple[str, ...] | None = None
) -> Interpretation:
    """Return what an output means.

    Args:
        output: The model's output for some rows.
        task: What is predicted.
        known: The target's labels in all data at hand, key -> text, sorted.
        classes: The labels that the model says its columns are for.

    Raises:
        CheckError: it is not clear.
    """
    if task.kind == "regression":
        return _numbers(output, task)
    named = _by_names(output, task, known) if output.is_named and len(output.columns) > 1 else None
    if named is not None:
        return named
    if len(output.columns) == 1:
        return _one_column(output, task, known)
    return _by_order(output, known, classes)


def _unclear(why: str) -> CheckError:
    return CheckError(f"{NOT_CLEAR}: {why}", next=SAY)


def _numbers(output: Output, task: PredictionTask) -> Interpretation:
    place, source = 0, "the only column"
    if len(output.columns) > 1:
        found = _prediction_column(output, task)
        if found is None:
            raise _unclear(f"the model gives {len(output.columns)} columns, and none is named as the target")
        place, source = found, "the name of the column"
    if output.columns[place].dtype.kind not in "iuf":
        raise CheckError(f"the model's output ({output.columns[place].dtype}) is no number a row", next=HINT)
    return Interpretation(form="numbers", source=source, column=place)


def _prediction_column(output: Output, task: PredictionTask, known: Mapping[str, str] | None = None) -> int | None:
    """Return the place of the one column that is named as the prediction; None without one, or where two differ."""
    names = [name.strip().casefold() for name in output.names or ()]
    target = str(task.target).strip().casefold()
    about = {target, *(f"{a}_{target}" for a in ("predicted", "pred", "prediction")), f"{target}_prediction"}
    about |= {f"{target}_pred", f"{target}_predicted"}
    for matching in ([n in about for n in names], [PREDICTION.fullmatch(n) is not None for n in names]):
        places = [i for i, matches in enumerate(matching) if matches and _fits(output.columns[i], known)]
        if places and all((output.columns[i] == output.columns[places[0]]).all() for i in places[1:]):
            return places[0]
        if places:
            return None
    return None


def _fits(column: Array, known: Mapping[str, str] | None) -> bool:
    """Tell whether a column holds labels of the target alone; many different scores are not compared one by one."""
    if known is None:
        return True
    labels = labels_of(column)
    return len(labels.levels) <= SPELLINGS * (len(known) + 1) and set(distinct_labels(labels)) <= set(known)


def _by_names(output: Output, task: PredictionTask, known: Mapping[str, str]) -> Interpretation | None:
    """Return what named columns mean; None where their names are no help."""
    of_labels = _label_columns(output, known)
    place = _prediction_column(output, task, known)
    if place is not None and place not in of_labels.values():
        scores = of_labels or _score_beside(output, place, task)
        return Interpretation(
            form="labels",
            source="the names of the columns",
            column=place,
            score_columns=tuple(scores.values()),
            score_labels=tuple(scores),
        )
    if not of_labels:
        raise _unclear(f"the model gives {len(output.columns)} columns, and no name tells the prediction or a label")
    if set(map(label_key, of_labels)) >= set(known) and len(of_labels) > 1:
        return Interpretation(
            form="scores",
            source="the names of the columns",
            score_columns=tuple(of_labels.values()),
            score_labels=tuple(of_labels),
            probable=_is_probable(output, tuple(of_labels.values())),
        )
    raise _unclear(
        f"{len(of_labels)} of its {len(output.columns)} columns are named by labels, the target has {len(known)}"
    )


def _label_columns(output: Output, known: Mapping[str, str]) -> dict[str, int]:
    """Return the columns of numbers that are named by a label of the target: the label's text -> place."""
    found: dict[str, int] = {}
    for exact in (True, False):
        for place, name in enumerate(output.names or ()):
            inside = OF_LABEL.fullmatch(name.strip().casefold())
            text = name if exact else name.strip()[inside.start(1) : inside.end(1)] if inside else ""
            key = label_key(text) if text else None
            if key in known and output.columns[place].dtype.kind in "iufb":
                if known[str(key)] in found:
                    raise _unclear("two of its columns are named by the same label")
                found[known[str(key)]] = place
        if found:
            return dict(sorted(found.items(), key=lambda item: item[1]))
    return found


def _score_beside(output: Output, place: int, task: PredictionTask) -> dict[str, int]:
    """Return the score that stands beside predicted labels, by the label that it is for.

    It is for the favourable label, or for the other one, where it separates the two at 0.5; for the label that is
    predicted ("") where it never is below 0.5. Else nobody knows, and it is left out.
    """
    names = [name.strip().casefold() for name in output.names or ()]
    places = [i for i, name in enumerate(names) if SCORE.fullmatch(name) and output.columns[i].dtype.kind in "iuf"]
    if len(places) != 1 or task.kind != "binary-classification" or task.favourable is None:
        return {}
    score, chosen = output.columns[places[0]].astype(float), is_label(output.columns[place], task.favourable)
    if not ((score >= 0) & (score <= 1)).all() or chosen.all() or not chosen.any():
        return {}
    if score[chosen].min() >= 0.5 and score[~chosen].min() >= 0.5:
        return {"": places[0]}
    if score[chosen].min() >= score[~chosen].max():
        return {task.favourable: places[0]}
    return {}


def _one_column(output: Output, task: PredictionTask, known: Mapping[str, str]) -> Interpretation:
    import numpy as np

    (column,) = output.columns
    if _fits(column, known):
        return Interpretation(form="labels", source="the target's own labels")
    given = len(labels_of(column).levels)
    numeric = column.dtype.kind == "f"
    if numeric and task.kind == "binary-classification" and len(known) <= 2:
        gone = int(np.isnan(column).sum())
        if gone:
            raise CheckError(f"{gone:,} of {len(column):,} rows have no prediction", next="leave those rows out")
        if column.min() >= 0 and column.max() <= 1:
            return _score(output, task, known)
        raise _unclear("the model gives numbers outside 0 to 1, which are neither labels nor probabilities")
    what = "numbers" if column.dtype.kind in "iufb" else "texts"
    raise CheckError(
        f"{NOT_CLEAR}: the model gives {given:,} different {what}, and some are not among the {len(known)} labels of "
        f"{task.target!r}",
        next=SAY,
    )


def _score(output: Output, task: PredictionTask, known: Mapping[str, str]) -> Interpretation:
    """Return a score between 0 and 1 of the label that its column is named by, of label 1, or of the favourable one."""
    named = _label_columns(output, known)
    label = "1" if set(known) <= {"0", "1"} else task.favourable
    if len(named) == 1:
        (label,) = named
    if label is None or len(others := _two(known, label)) < 2:
        raise _unclear("the model gives one score, and the label that it is for is not named")
    source = "the name of the column" if named else "numbers from 0 to 1, as a probability"
    return Interpretation(form="score", source=source, doubtful=not named, score_labels=(label,), others=others)


def _two(known: Mapping[str, str], label: str) -> tuple[str, ...]:
    texts = dict(known)
    if set(known) <= {"0", "1"}:
        texts = {"0": "0", "1": "1", **texts}
    return tuple(texts.values()) if label_key(label) in texts else ()


def _by_order(output: Output, known: Mapping[str, str], classes: tuple[str, ...] | None) -> Interpretation:
    """Return what columns without names mean: a score of each label, in the order of `classes_` or in a likely one."""
    import numpy as np

    values, width = output.numbers(), len(output.columns)
    if values is None:
        raise _unclear(f"the model gives {width} columns without names, and not only numbers")
    one_hot = bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())
    if bool((values == np.rint(values)).all()) and not one_hot:
        raise _unclear(f"the model gives {width} columns of labels, as for {width} targets")
    if classes is not None and len(classes) == width and set(map(label_key, classes)) & set(known):
        labels, source = classes, "classes_"
    else:
        labels, source = _likely_order(known, width), "the order of the labels"
    places = tuple(range(width))
    return Interpretation(
        form="scores",
        source=source,
        doubtful=True,
        score_columns=places,
        score_labels=labels,
        probable=_is_probable(output, places),
    )


def _likely_order(known: Mapping[str, str], width: int) -> tuple[str, ...]:
    """Return the labels that columns without names are probably for: numbers by size, texts by the alphabet."""
    whole = all(WHOLE.fullmatch(key) for key in known)
    if whole and {int(key) for key in known} <= set(range(width)):
        return tuple(known.get(str(place), str(place)) for place in range(width))
    if len(known) != width:
        raise _unclear(f"the model gives {width} columns without names, and the target has {len(known)} labels")
    try:
        return tuple(known[key] for key in sorted(known, key=float))
    except ValueError:
        return tuple(known.values())


def _is_probable(output: Output, places: tuple[int, ...]) -> bool:
    """Tell whether the columns are probabilities that sum to 1 in each row."""
    import numpy as np

    values = np.column_stack([output.columns[i].astype(float) for i in places])
    return bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= SUM_ROOM).all())
