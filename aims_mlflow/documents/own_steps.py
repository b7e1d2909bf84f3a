"""What whoever trains can do about missing evidence, in words: the first two steps, not a list of control ids."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.combined_status import ControlStatus

AT_MOST = 2
# In the order in which they are easiest to do while the training is at hand. Other controls wait for other people.
STEPS = {
    "A.7.3": "say where the data come from and by what right: data.sources in aims.yaml, and @aims.acquires on the "
    "function that loads them",
    "A.7.6": "say what was changed in the data and why: @aims.prepares(why=...) on the function that changes them",
    "A.7.2": "say whom the data stand for: populations in your pack",
    "A.4.3": "name owner and retention of each source: data.sources in aims.yaml",
}


def own_steps(statuses: Sequence[ControlStatus], *, width: int = 80) -> list[str]:
    """Return the first two steps that the trainer can take about missing controls; none where others owe the rest."""
    missing = {status.control.id for status in statuses if status.state == "missing"}
    lines = [f"yours next, {control}: {text}" for control, text in STEPS.items() if control in missing]
    return [
        part for line in lines[:AT_MOST] for part in textwrap.wrap(line, max(width - 8, 40), subsequent_indent="    ")
    ]
