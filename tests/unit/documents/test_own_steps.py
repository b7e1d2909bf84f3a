"""After a training, the trainer reads the first two own steps in words."""

from types import SimpleNamespace

from aims_mlflow.catalog.loader import controls
from aims_mlflow.documents.own_steps import STEPS, own_steps


def statuses(**states):
    return [SimpleNamespace(control=c, state=states.get(c.id.replace(".", "_"), "met")) for c in controls().values()]


def test_two_missing_steps_are_told_in_words_and_others_work_is_not():
    lines = own_steps(statuses(A_6_2_2="missing", A_4_3="missing", A_7_6="missing", A_7_3="missing"), width=200)
    assert [line.split(":")[0] for line in lines] == ["yours next, A.7.3", "yours next, A.7.6"]
    assert "@aims.acquires" in lines[0]
    assert own_steps(statuses(A_6_2_2="missing", A_7_3="failed")) == []


def test_lines_fit_the_terminal_and_controls_exist():
    assert set(STEPS) <= set(controls())
    assert all(len(line) <= 60 for line in own_steps(statuses(A_7_3="missing"), width=60))
