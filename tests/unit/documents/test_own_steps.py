"""After a training, the trainer reads the first two own steps in words, and who owes the rest."""

from types import SimpleNamespace

from aims_mlflow.catalog.loader import controls
from aims_mlflow.documents.own_steps import owed_by_others, own_steps
from aims_mlflow.gates.verdict import Judgement

TRAINER, OWNER = "the data scientist", "the system's owner"


def status(control, *reasons, state="missing", owed_by=TRAINER):
    conditions = [
        SimpleNamespace(verdict=Judgement("missing", reason), condition=SimpleNamespace(owed_by=owed_by))
        for reason in reasons
    ]
    return SimpleNamespace(control=SimpleNamespace(id=control), state=state, conditions=conditions)


def test_two_steps_are_told_in_words_and_the_work_of_others_is_not():
    lines = own_steps(
        [
            status("A.6.2.2", 'aims.attach("requirements", PATH)', owed_by=OWNER),
            status("A.7.1", "failed: see the pack", state="failed"),
            status("A.7.2", "nobody approved it", "no population of use is declared: populations in the pack"),
            status("A.7.3", "rights are not stated: data.sources in aims.yaml"),
            status("A.7.4", "rights are not stated: data.sources in aims.yaml"),
            status("A.7.6", "no preparation is recorded: @aims.prepares"),
        ],
        width=200,
    )
    assert lines == [
        "yours next, A.7.2: no population of use is declared: populations in the pack",
        "yours next, A.7.3: rights are not stated: data.sources in aims.yaml",
    ]


def test_lines_fit_the_terminal():
    lines = own_steps(
        [status("A.7.3", "rights are not stated: data.sources in aims.yaml, or @aims.acquires")], width=60
    )
    assert len(lines) == 2
    assert all(len(line) <= 60 for line in lines)
    assert own_steps([status("A.7.3", "no one approved it", owed_by=OWNER)]) == []


def test_what_the_trainer_owes_is_told_as_long_as_it_is_missing():
    """Steps in the training's own files come first; a condition that names no file is the reader's all the same."""
    other = status("A.6.2.3", "the fitted model's settings are not recorded")
    first = status("A.7.3", "rights are not stated: data.sources in aims.yaml")
    assert [line.split(":")[0] for line in own_steps([other, first], width=200)] == [
        "yours next, A.7.3", "yours next, A.6.2.3",
    ]  # fmt: skip
    assert own_steps([other], width=200) == ["yours next, A.6.2.3: the fitted model's settings are not recorded"]


def test_one_sentence_says_which_controls_other_people_owe():
    """A control of which the trainer owes a part is among them where somebody else owes another part."""
    approval = SimpleNamespace(
        verdict=Judgement("missing", "nobody approved it"),
        condition=SimpleNamespace(owed_by="another person than the trainer"),
    )
    both = status("A.7.2", "no population of use is declared: populations in the pack")
    both.conditions.append(approval)
    statuses = [
        status("A.6.2.2", 'aims.attach("requirements", PATH)', "no owner is named", owed_by=OWNER),
        status("A.6.2.4", "not checked", state="failed", owed_by=OWNER),
        both,
        status("A.9.4", "no document", owed_by=OWNER),
    ]
    assert owed_by_others(statuses, width=200) == [
        "owed by others: A.6.2.2, A.9.4 by the system's owner; A.7.2 (besides your part) by another person than the trainer",
    ]
    assert all(len(line) <= 60 for line in owed_by_others(statuses, width=60))
    assert owed_by_others([status("A.7.3", "rights are not stated: data.sources in aims.yaml")]) == []


def test_what_is_written_in_the_files_of_a_training_is_owed_by_whoever_trains():
    """`yours next` and `owed by` name one person for one condition."""
    said = {c.owed_by for each in ("A.4.3", "A.7.3") for c in controls()[each].conditions}
    assert said == {TRAINER}
