"""Causes that name nothing which could be made different, such as "human error"."""

from __future__ import annotations

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.person_statements import says

# Words of answers that leave everything as it was: who was at fault, or that it was trained again.
NO_CAUSE = content_words(
    "human error errors mistake mistakes fault operator user clerk staff employee person people somebody someone "
    "carelessness inattention oversight unknown unclear model models data bad wrong poor drift drifted concept bug "
    "bugs software system retrained retraining retrain trained training again new version failure failed problem issue "
    "caused cause due made"
)


def is_no_cause(cause: str | None) -> bool:
    """Return whether a stated cause does not name what has to be different, such as "it was retrained"."""
    return says(cause) and not content_words(str(cause)) - NO_CAUSE
