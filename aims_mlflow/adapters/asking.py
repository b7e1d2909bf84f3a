"""Asking a model: the features in the form that its library takes, its raw output, and scores by label."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.own_words import own_words
from aims_mlflow.checks.statistics.labels import label_text, listing
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

CLOSE = 1e-9  # two scores that differ by less may be rounded: the model itself decides then
LIKELIEST = (
    "ExtraTreesClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "RandomForestClassifier",
)
FUNCTION = "a function (model, features) that returns a label, or in a regression a number, for each row"
HINT = f"give predict=, {FUNCTION}"
SENSITIVE = "sensitive_features"  # the argument by which Fairlearn's post-processing asks for the groups
SEED = 42001


@dataclass(frozen=True, eq=False)
class LabelScores:
    """A score of each label for each row, shape (rows, labels), and the labels, in the columns' order."""

    values: np.ndarray[Any, Any]
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RawAnswer:
    """A model's raw output, and the scores of its `predict_proba` where they were asked for."""

    output: Any
    scores: LabelScores | None = None


def ask(
    model: Any,
    table: Table,
    task: PredictionTask,
    function: Callable[[Any, Any], Any] | None,
    *,
    scored: bool,
    others: Sequence[Table] = (),
) -> RawAnswer:
    """Return a model's raw answer to the rows of a table.

    `function` is the person's `predict=`. `scored` asks for scores too, which takes as long again for most models.
    `others` are tables whose values an error of the model may quote.

    Raises:
        CheckError: the model cannot predict. The sentence has the last line of its own error, without values of the
            data.
    """
    features = features_for(model, table)
    try:
        if function is not None:
            return RawAnswer(function(model, features))
        if task.kind == "regression":
            return RawAnswer(_raw(model, features, table))
        return _answers(model, features, table, scored=scored)
    except CheckError:
        raise
    except Exception as exc:
        raise _could_not(model, (table, *others), exc) from exc


def _could_not(model: Any, tables: Sequence[Table], exc: Exception) -> CheckError:
    table, fitted = tables[0], feature_names(model) or []
    columns = [str(c) for t in tables for c in t.frame.columns]
    lacking = [name for name in fitted if name not in table.frame.columns]
    sizes = (len(fitted), int(getattr(model, "n_features_in_", 0)))
    said = own_words(exc, [t.frame for t in tables], (*columns, *fitted), sizes)
    if lacking:
        return CheckError(
            f"the model could not predict: {table.role} data lack columns it was fitted on: {listing(lacking)}",
            next="make them inside the model (a pipeline), or before the call; or " + HINT,
        )
    return CheckError(f"the model could not predict ({said})", next=HINT)


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
    """Return the names of the columns that a model was fitted on (scikit-learn, boosters, CatBoost, pyfunc)."""
    for attribute in ("feature_names_in_", "feature_name_", "feature_names_", "feature_names"):
        names = getattr(model, attribute, None)
        if names is not None and not callable(names) and len(names):
            return [str(n) for n in names]
    if callable(getattr(model, "feature_name", None)):
        return [str(n) for n in model.feature_name()]
    schema = getattr(getattr(model, "metadata", None), "get_input_schema", lambda: None)()
    return list(schema.input_names()) if schema is not None and schema.has_input_names() else None


def takes_groups(model: Any) -> bool:
    """Tell whether a model's `predict` needs the sensitive columns beside the features (Fairlearn)."""
    parameter = _parameters(getattr(model, "predict", None)).get(SENSITIVE)
    return parameter is not None and parameter.default is inspect.Parameter.empty


def with_groups(model: Any, features: Any, groups: Any) -> Any:
    """Return the prediction of a model that needs the sensitive columns; a random one gets a fixed seed."""
    options = {"random_state": SEED} if "random_state" in _parameters(model.predict) else {}
    one = groups.iloc[:, 0] if groups.shape[1] == 1 else groups
    return model.predict(features, **{SENSITIVE: one}, **options)


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # no function, or one that is written in C
        return {}


def _raw(model: Any, features: Any, table: Table) -> Any:
    if takes_groups(model):
        if not table.sensitive:
            raise CheckError(
                f"the model's predict asks for the sensitive columns ({SENSITIVE}=), and none is declared",
                next="name them in data.sensitive of aims.yaml, or " + HINT,
            )
        return with_groups(model, features, table.frame[list(table.sensitive)])
    if type(model).__module__.startswith("xgboost") and type(model).__name__ == "Booster":
        import xgboost

        features = xgboost.DMatrix(features, enable_categorical=hasattr(features, "columns"))
    if hasattr(model, "predict"):
        return model.predict(features)
    if callable(model):
        return model(features)
    raise CheckError(f"a {type(model).__name__} has no predict", next=HINT)


def _answers(model: Any, features: Any, table: Table, *, scored: bool) -> RawAnswer:
    """Return the model's answer to each row, and its scores; it is asked once where the scores contain both."""
    scores = _scores(model, features) if scored and _predicts_likeliest(model) else None
    if scores is not None and (likeliest := _likeliest(scores.values)) is not None:
        return RawAnswer(model.classes_[likeliest], scores)
    raw = _raw(model, features, table)
    return RawAnswer(raw, scores if scores is not None or not scored else _scores(model, features))


def _predicts_likeliest(model: Any) -> bool:
    """Tell whether a model is one of scikit-learn's own classes, whose prediction is the likeliest class."""
    if type(model).__module__ == "sklearn.pipeline" and type(model).__name__ == "Pipeline":
        model = model.steps[-1][1]
    own = type(model).__module__.startswith("sklearn.ensemble.") and type(model).__name__ in LIKELIEST
    return own and not {"predict", "predict_proba"} & vars(model).keys()


def _likeliest(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Return each row's class with the highest score, shape (rows,); None where a row is too close to call."""
    import numpy as np

    if scores.shape[1] < 2 or not len(scores):
        return None
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T
    clear: bool = bool((first - second > CLOSE).all())
    return scores.argmax(axis=1) if clear else None


def classes_of(model: Any) -> tuple[str, ...] | None:
    """Return the labels that a model says its columns are for (`classes_`), in that order; None without them.

    A model of several targets has a list of arrays there, and says nothing about one of them.
    """
    import numpy as np

    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, str) or not hasattr(classes, "__len__"):
        return None
    try:
        flat = np.asarray(classes)
    except ValueError:  # lists of different lengths
        return None
    return tuple(str(label_text(c)) for c in flat) if flat.ndim == 1 and len(flat) else None


def _scores(model: Any, features: Any) -> LabelScores | None:
    """Return the probabilities by label where the model names its classes and gives any."""
    import numpy as np

    labels = classes_of(model)
    if labels is None or not hasattr(model, "predict_proba") or takes_groups(model):
        return None
    try:
        values = np.asarray(model.predict_proba(features))
    except Exception:  # noqa: BLE001 - a class may declare predict_proba and not have it; its labels stand without
        return None
    return LabelScores(values, labels) if values.ndim == 2 and values.shape[1] == len(labels) else None
