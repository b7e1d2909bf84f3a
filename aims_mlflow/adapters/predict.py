"""A model's predictions for a table: labels as text, and scores of the favourable outcome where it gives any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, label_text, listing
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

    LabelScores = tuple[np.ndarray, tuple[str, ...]]  # shape (rows, labels), and the labels

Predict = Callable[[Any, Any], Any]
CLOSE = 1e-9  # two scores that differ by less may be rounded: the model itself decides then
LIKELIEST = (
    "ExtraTreesClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "RandomForestClassifier",
)
HINT = "give predict=, a function (model, features) that returns labels"


def predict(
    model: Any,
    table: Table,
    task: PredictionTask,
    function: Predict | None = None,
    known: Mapping[str, str] | None = None,
    *,
    scored: bool = True,
) -> Predictions:
    """Return a model's predictions for a table.

    Args:
        model: Any object that predicts; see `function` for others.
        table: The rows; they need the target only where `known` is left out.
        task: What is predicted.
        function: `(model, features) -> labels`, for a model that needs it.
        known: The labels of the target, key -> text, sorted; by default those of the table.
        scored: Whether scores are needed too. To ask for them takes as long again where the model answers with labels.

    Raises:
        CheckError: the model cannot predict, or its output cannot be read as labels or scores.
    """
    raw, scores = _output(model, table, task, function, scored=scored)
    if known is None:
        known = {} if task.kind == "regression" else distinct_labels(table.frame[task.target])
    return read_answers(raw, len(table.frame), task, known, scores)


def read_answers(
    raw: Any, rows: int, task: PredictionTask, known: Mapping[str, str], scores: LabelScores | None = None
) -> Predictions:
    """Read a model's output as predictions of a task: one for each of `rows` rows.

    `known` are the target's labels, key -> text, sorted. `scores` are the model's, where it was asked for them.

    Raises:
        CheckError: the output is no such predictions.
    """
    if task.kind == "regression":
        return read_numbers(raw, rows)
    values, labels = scores if scores is not None else (None, ())
    if task.kind == "multiclass-classification":
        return read_labels(raw, rows, known, values, labels)
    keys = [label_key(label) for label in labels]
    good = label_key(task.favourable)
    if values is not None:
        values = values[:, keys.index(good)] if task.favourable is not None and good in keys else None
    return read_output(raw, rows, known, task.favourable, values)


def _output(
    model: Any, table: Table, task: PredictionTask, function: Predict | None, *, scored: bool
) -> tuple[Any, LabelScores | None]:
    """Return a model's raw output for a table, and its scores where they were asked for.

    Raises:
        CheckError: the model cannot predict.
    """
    features = features_for(model, table)
    try:
        if function is not None:
            return function(model, features), None
        if task.kind == "regression":
            return _raw(model, features), None
        return _answers(model, features, scored=scored)
    except CheckError:
        raise
    except Exception as exc:
        lacking = [n for n in feature_names(model) or () if n not in table.frame.columns]
        if lacking:
            raise CheckError(
                f"the model could not predict: {table.role} data lack columns it was fitted on: {listing(lacking)}",
                next="make them inside the model (a pipeline), or before the call; or " + HINT,
            ) from exc
        raise CheckError(f"the model could not predict ({type(exc).__name__})", next=HINT) from exc


def features_for(model: Any, table: Table) -> Any:
    """Return the features in the columns and order that the model was fitted on, where it names them."""
    names = feature_names(model)
    columns = getattr(table.features, "columns", None)
    if names and columns is not None and set(names) <= {str(c) for c in columns} and list(columns) != names:
        return table.features[names] if hasattr(table.features, "loc") else table.features.select(names)
    if (
        names
        and columns is not None
        and not set(names) <= {str(c) for c in columns}
        and set(names) <= set(table.frame.columns)
    ):
        return table.frame[names]
    return table.features


def feature_names(model: Any) -> list[str] | None:
    """Return the names of the columns that a model was fitted on (scikit-learn, LightGBM, XGBoost, pyfunc)."""
    for attribute in ("feature_names_in_", "feature_name_", "feature_names"):
        names = getattr(model, attribute, None)
        if names is not None and not callable(names) and len(names):
            return [str(n) for n in names]
    if callable(getattr(model, "feature_name", None)):
        return [str(n) for n in model.feature_name()]
    schema = getattr(getattr(model, "metadata", None), "get_input_schema", lambda: None)()
    return list(schema.input_names()) if schema is not None and schema.has_input_names() else None


def _is_xgboost_booster(model: Any) -> bool:
    return type(model).__module__.startswith("xgboost") and type(model).__name__ == "Booster"


def _raw(model: Any, features: Any) -> Any:
    if _is_xgboost_booster(model):
        import xgboost

        features = xgboost.DMatrix(features)
    if hasattr(model, "predict"):
        return model.predict(features)
    if callable(model):
        return model(features)
    raise CheckError(f"a {type(model).__name__} has no predict", next=HINT)


def _answers(model: Any, features: Any, *, scored: bool) -> tuple[Any, LabelScores | None]:
    """Return the model's answer to each row, and its scores; it is asked once where the scores contain both."""
    scores = _scores(model, features) if scored and _predicts_likeliest(model) else None
    if scores is not None and (likeliest := _likeliest(scores[0])) is not None:
        return model.classes_[likeliest], scores
    raw = _raw(model, features)
    if scores is None and (scored or getattr(raw, "ndim", 0) != 1):
        scores = _scores(model, features)
    return raw, scores


def _predicts_likeliest(model: Any) -> bool:
    """Tell whether a model is one of scikit-learn's own classes, whose prediction is the likeliest class."""
    if type(model).__module__ == "sklearn.pipeline" and type(model).__name__ == "Pipeline":
        model = model.steps[-1][1]
    own = type(model).__module__.startswith("sklearn.ensemble.") and type(model).__name__ in LIKELIEST
    return own and not {"predict", "predict_proba"} & vars(model).keys()


def _likeliest(scores: np.ndarray) -> np.ndarray | None:
    """Return each row's class with the highest score, shape (rows,); None where a row is too close to call."""
    import numpy as np

    if scores.shape[1] < 2 or not len(scores):
        return None
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T
    return scores.argmax(axis=1) if bool((first - second > CLOSE).all()) else None


def _scores(model: Any, features: Any) -> LabelScores | None:
    """Return (probabilities, shape (rows, labels), and the labels) where the model names its classes."""
    import numpy as np

    classes = getattr(model, "classes_", None)
    if classes is None or not hasattr(model, "predict_proba"):
        return None
    try:
        scores = np.asarray(model.predict_proba(features))
        labels = tuple(str(label_text(c)) for c in classes)
    except (ValueError, AttributeError, IndexError, TypeError):
        return None
    return (scores, labels) if scores.ndim == 2 and scores.shape[1] == len(labels) else None


def _as_array(raw: Any, rows: int) -> np.ndarray:
    import numpy as np

    output = np.asarray(raw.to_numpy() if hasattr(raw, "to_numpy") else raw)
    if output.ndim == 2 and output.shape[1] == 1:
        output = output[:, 0]
    if output.ndim == 0 or len(output) != rows:
        raise CheckError(f"the model gave {output.size:,} predictions for {rows:,} rows", next=HINT)
    return output


def read_numbers(raw: Any, rows: int) -> Predictions:
    """Read one number for each row.

    Raises:
        CheckError: it is something else, or of another length than the table.
    """
    output = _as_array(raw, rows)
    if output.ndim != 1 or output.dtype.kind not in "iuf":
        raise CheckError(f"the model's output ({output.dtype}, {output.ndim} dimensions) is no number a row", next=HINT)
    return Predictions(output.astype(float), None)


def read_labels(
    raw: Any, rows: int, known: Mapping[str, str], scores: np.ndarray | None, score_labels: tuple[str, ...]
) -> Predictions:
    """Read one of several labels for each row: labels themselves, or one column of scores for each label.

    `known` are the target's labels, key -> text, sorted: what the columns mean where the model does not say it.

    Raises:
        CheckError: it is neither, or of another length than the table.
    """
    import numpy as np

    output = _as_array(raw, rows)
    if output.ndim == 1:
        return Predictions(output, scores, score_labels)
    names = score_labels if len(score_labels) == output.shape[1] else tuple(known.values())
    if output.ndim == 2 and output.shape[1] == len(names):
        return Predictions(np.asarray(names, dtype=object)[output.argmax(axis=1)], output, names)
    raise CheckError(f"the model gave {output.shape[-1]:,} columns for {len(known):,} labels of the target", next=HINT)


def read_output(
    raw: Any, rows: int, known: Mapping[str, str], favourable: str | None, scores: np.ndarray | None
) -> Predictions:
    """Read labels from a model's output: labels themselves, scores of label "1", or one column for each label.

    `known` are the target's labels, key -> text, sorted.

    Raises:
        CheckError: it is neither, or of another length than the table.
    """
    import numpy as np

    output = _as_array(raw, rows)
    good = label_key(favourable) or ""
    if output.ndim == 2 and output.shape[1] == len(known):
        keys = list(known)
        column = output[:, keys.index(good)] if good in known else None
        return Predictions(np.asarray(list(known.values()), dtype=object)[output.argmax(axis=1)], column)
    if output.ndim == 1:
        if set(distinct_labels(output)) <= set(known):
            return Predictions(output, scores)
        if output.dtype.kind == "f" and set(known) <= {"0", "1"} and output.min() >= 0 and output.max() <= 1:
            return Predictions((output >= 0.5).astype(int), output if good == "1" else 1 - output)
    seen = listing(distinct_labels(output.ravel()).values())
    raise CheckError(
        f"the model's output ({seen}) is not among the target's labels ({listing(known.values())})", next=HINT
    )
