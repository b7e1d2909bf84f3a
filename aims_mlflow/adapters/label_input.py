"""A model that takes the label itself as an input: its answers are no predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.adapters.asking import feature_names
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from aims_mlflow.adapters.predict import Answer, Question
    from aims_mlflow.adapters.tables import Table


def check_label_is_no_input(question: Question, table: Table, answer: Answer) -> None:
    """Exchange the labels between rows where the model names the label among its inputs: its answers must stay.

    A pipeline that is given the label and drops it passes.

    Raises:
        CheckError: answers follow the label.
    """
    target = question.task.target
    names = feature_names(question.model) if question.function is None else None
    if not names or target not in names or target not in table.frame.columns:
        return
    exchanged = table.frame[target].iloc[::-1].set_axis(table.frame.index)
    changed = replace(table, frame=table.frame.assign(**{target: exchanged}))
    again = replace(question, scored=False).again(changed, answer.meaning).labels
    different = sum(one != other for one, other in zip(again, answer.predictions.labels, strict=True))
    if different:
        raise CheckError(
            f"the model takes the label {target!r} as an input: {different:,} of {len(again):,} answers change with "
            "it, so they are no predictions",
            next=f"leave {target!r} out of the features",
        )
