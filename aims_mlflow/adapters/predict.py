"""A model's predictions for a table: asked, understood, proved, and read as labels or numbers and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import ask, classes_of
from aims_mlflow.adapters.meaning import NOT_CLEAR, SAY
from aims_mlflow.adapters.outputs import read_raw
from aims_mlflow.adapters.proof import prove
from aims_mlflow.adapters.score_labels import why_of_other_labels
from aims_mlflow.adapters.tables import rows_at
from aims_mlflow.adapters.understanding import understand
from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, label_text
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aims_mlflow.adapters.asking import LabelScores, RawAnswer
    from aims_mlflow.adapters.meaning import Interpretation
    from aims_mlflow.adapters.outputs import Output
    from aims_mlflow.adapters.proof import Agreement
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

    Predict = Callable[[Any, Any], Any]

PROOF_ROWS = 2_000
SEED = 42001


@dataclass(frozen=True, eq=False)
class Answer:
    """A model's predictions for a table, what its output means, and the proof of that.

    Attributes:
        predictions: Labels or numbers, and scores.
        meaning: What the output was read as; other rows are read in the same way.
        proof: Agreement with known labels; None where there was nothing to prove, or no labels to prove it on.
        scores_left_out: Why probabilities that the model gives are not used; None where they are, or it gives none.
    """

    predictions: Predictions
    meaning: Interpretation
    proof: Agreement | None
    scores_left_out: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """How a model is asked.

    Attributes:
        model: Any object that predicts; see `function` for others.
        task: What is predicted.
        known: The target's labels in all data at hand, key -> text, sorted.
        function: `(model, features) -> labels`, for a model that needs it.
        proof: Rows with known labels that the meaning of the output is proved on: the training rows, where they are
            at hand, else those that are asked about. None: there are no labels, and what is doubtful is not read.
        proved_before: Whether the training of the same model has proved what its output means.
        scored: Whether scores are needed too. To ask for them takes as long again where the model answers with labels.
    """

    model: Any
    task: PredictionTask
    known: Mapping[str, str]
    function: Predict | None = None
    proof: Table | None = None
    proved_before: bool = False
    scored: bool = True

    def answer(self, table: Table) -> Answer:
        """Return the model's predictions for a table, as far as it is clear what its output means.

        Raises:
            CheckError: the model cannot predict, or its output is not clear.
        """
        others = () if self.proof is None or self.proof is table else (self.proof,)
        raw = ask(self.model, table, self.task, self.function, scored=self.scored, others=others)
        output = self._output(raw, table)
        meaning = understand(output, self.task, self.known, classes_of(self.model))
        predictions, why_not = _with_scores(meaning.read(output, self.task), raw.scores, self.task)
        return Answer(predictions, meaning, self._proof(table, meaning, predictions), why_not)

    def again(self, table: Table, meaning: Interpretation) -> Predictions:
        """Return the predictions for other rows, whose output means the same.

        Raises:
            CheckError: the model cannot predict them.
        """
        raw = ask(self.model, table, self.task, self.function, scored=self.scored)
        return _with_scores(meaning.read(self._output(raw, table), self.task), raw.scores, self.task)[0]

    def _output(self, raw: RawAnswer, table: Table) -> Output:
        names = None if self.function is not None else _signature_names(self.model)
        return read_raw(raw.output, len(table.frame), names, table.frame.index)

    def _proof(self, table: Table, meaning: Interpretation, predictions: Predictions) -> Agreement | None:
        if self.proved_before or (self.function is not None and not meaning.doubtful):
            return None  # the person says it
        rows = self.proof
        if rows is None or self.task.target not in rows.frame.columns:
            if meaning.doubtful:
                raise CheckError(
                    "which output is the prediction is not clear: no rows with labels are at hand to prove it on",
                    next=f"pass train= too, or {SAY}",
                )
            return None
        if rows is not table:
            some = _sample(rows)
            try:
                predictions = self.again(some, meaning)
            except CheckError as exc:
                if meaning.doubtful:
                    raise CheckError(
                        f"which output is the prediction cannot be proved on {rows.role} rows: {exc.what}",
                        next=exc.next,
                    ) from exc
                return None
            rows = some
            self._require_labels(predictions, rows.role)
        return prove(predictions, rows.frame[self.task.target], self.task, rows.role, doubtful=meaning.doubtful)

    def _require_labels(self, predictions: Predictions, role: str) -> None:
        """Refuse a model that answers to other rows with what is no label of the target, such as -1 for an outlier."""
        if self.task.kind == "regression":
            return
        other = [text for key, text in distinct_labels(predictions.labels).items() if key not in self.known]
        if other:
            raise CheckError(
                f"{NOT_CLEAR}: to some {role} rows the model answers {other[0]}, which is no label of "
                f"{self.task.target!r}",
                next=SAY,
            )


def _sample(table: Table) -> Table:
    """Return at most `PROOF_ROWS` rows of a table, the same ones each time."""
    import numpy as np

    rows = len(table.frame)
    if rows <= PROOF_ROWS:
        return table
    return rows_at(table, np.sort(np.random.default_rng(SEED).choice(rows, PROOF_ROWS, replace=False)))


def _signature_names(model: Any) -> list[str] | None:
    """Return the names of the columns in the output of a model's signature, where it has names."""
    schema = getattr(getattr(model, "metadata", None), "get_output_schema", lambda: None)()
    return list(schema.input_names()) if schema is not None and schema.has_input_names() else None


def _with_scores(
    predictions: Predictions, scores: LabelScores | None, task: PredictionTask
) -> tuple[Predictions, str | None]:
    """Return the predictions with the scores of the model's `predict_proba`, or why these are not used.

    Where the output has scores itself, these are used.
    """
    if scores is None or predictions.scores is not None or task.kind == "regression":
        return predictions, None
    why_not = why_of_other_labels(predictions.labels, scores)
    if why_not is not None:
        return predictions, why_not
    if task.kind == "multiclass-classification":
        return Predictions(predictions.labels, scores.values, scores.labels), None
    keys, good = [label_key(label) for label in scores.labels], label_key(task.favourable)
    if task.favourable is None or good not in keys:
        return predictions, None
    return Predictions(predictions.labels, scores.values[:, keys.index(good)]), None


def known_labels(task: PredictionTask, tables: Iterable[Table], model: Any = None) -> dict[str, str]:
    """Return the target's labels, key -> text, sorted: those in the tables, the favourable one, and the model's own.

    Held-out rows may lack a label that the model knows. A model's `classes_` count where they are about the target.
    """
    if task.kind == "regression":
        return {}
    labels: dict[str, str] = {}
    for table in tables:
        if task.target in table.frame.columns:
            labels |= distinct_labels(table.frame[task.target])
    extra = [] if task.favourable is None else [task.favourable]
    classes = classes_of(model)
    several = task.kind == "multiclass-classification"
    if classes and {str(label_key(c)) for c in classes} & set(labels) and (several or len(classes) == 2):
        extra += classes
    more = {str(label_key(label)): str(label_text(label)) for label in extra}
    return dict(sorted((more | labels).items()))


def read_answers(raw: Any, table: Table, task: PredictionTask, known: Mapping[str, str]) -> Predictions:
    """Read predictions that a person made for a table, such as out-of-fold ones.

    Raises:
        CheckError: they are none, or it is not clear what they mean.
    """
    output = read_raw(raw, len(table.frame), index=table.frame.index)
    meaning = understand(output, task, known)
    predictions = meaning.read(output, task)
    prove(predictions, table.frame[task.target], task, table.role, doubtful=meaning.doubtful)
    return predictions
