"""Whether the probabilities of a model are for the labels that it predicts: a wrapper may have codes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.proof import are_exchanged
from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, labels_of

if TYPE_CHECKING:
    from aims_mlflow.adapters.asking import LabelScores

SHOWN = 3


def why_of_other_labels(predicted: Any, scores: LabelScores) -> str | None:
    """Return why probabilities are not for the labels that a model predicts, shape (rows,); None where they may be."""
    keys = {str(label_key(label)): place for place, label in enumerate(scores.labels)}
    said = labels_of(predicted)
    unknown = [text for key, text in distinct_labels(said).items() if key not in keys]
    if unknown:
        named, given = ", ".join(scores.labels[:SHOWN]), ", ".join(unknown[:SHOWN])
        return f"the model names them by its classes_ ({named} ...), and predicts {given}"
    codes = said.placed(keys)
    kept = codes >= 0
    if are_exchanged(scores.values.argmax(axis=1)[kept], codes[kept]):
        return "the likeliest label by them is another one than the model predicts, as if its classes_ were exchanged"
    return None
