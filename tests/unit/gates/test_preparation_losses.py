"""A step of preparation that takes far more rows from one group is found, unless a reason names the group."""

import pandas as pd
import pytest

from aims_mlflow.capture.step_tables import StepInput, described, rows_by_group, rows_lost
from aims_mlflow.gates.document_content.preparation import unequal_losses
from support import live_states
from support.management_states import NOW, SYSTEM, document, good

FRAME = pd.DataFrame({"sex": ["f"] * 400 + ["m"] * 600, "age": range(1000)})


def losing(women, men, why="rows without a label"):
    """The record of a preparation that takes so many rows of each group away."""
    left = FRAME[(FRAME["age"] < 400 - women) | (FRAME["age"] >= 400 + men)]
    before = StepInput(described("frame", FRAME, {}), rows_by_group(FRAME, ["sex", "age", "gone"]))
    lost = rows_lost(before, left)

    def change(parts):
        parts["preparation"][1]["claims"] = list(lost)
        parts["preparation"][1]["details"]["why"] = why

    records = live_states.session_records(change)
    return records, next(r for r in records if r.evidence.kind == "preparation")


def test_rows_lost_are_told_of_all_rows_and_of_each_group():
    _, record = losing(100, 60)
    told = {(c.metric, c.slice.get("sex")): (c.value, c.n) for c in record.evidence.claims}
    assert told == {
        ("share_of_rows_lost", None): ("0.16", 1000),
        ("share_of_rows_lost", "f"): ("0.25", 400),
        ("share_of_rows_lost", "m"): ("0.1", 600),
    }
    assert rows_lost(StepInput(described("x", FRAME, {}), {}), FRAME) == ()
    only_women = rows_lost(StepInput(described("x", FRAME, {}), rows_by_group(FRAME, ["sex"])), FRAME[:400])
    assert [c.value for c in only_women] == ["0.6", "1", "0"]


@pytest.mark.parametrize(
    ("women", "men", "why", "reason", "groups"),
    [
        (100, 60, "no label", "", ["sex=f"]),
        (100, 60, "no label", "women (sex=f) gave fewer answers in 2024", []),
        (100, 60, "half of the forms (f) were lost", "", []),
        (40, 60, "no label", "", []),
        (28, 30, "no label", "", []),
        (20, 90, "no label", "", ["sex=m"]),
    ],
)
def test_a_group_that_lost_far_more(women, men, why, reason, groups):
    _, record = losing(women, men, why)
    assert [group for group, _ in unequal_losses(record, reason)] == ([] if why.endswith("lost") else groups)


def test_it_is_a_finding_about_the_version_in_use():
    from aims_mlflow.management.findings.every import findings

    def found(reason):
        records, _ = losing(100, 60)
        criteria = document(
            "preparation-criteria", system=SYSTEM,
            criteria=[{"step": "clean", "allowed_when": "no label is there", "reason": reason}],
        )  # fmt: skip
        state = live_states.live(
            live_states.with_texts(good(criteria=criteria), live_states.assessed(records)), records
        )
        return [f for f in findings(state, NOW) if f.rule == "L13" and f.about.endswith("sex=f")]

    (one,) = found("nothing can be learned from them")
    assert (one.control, one.about) == ("A.7.6", f"{SYSTEM}/income@champion/step/clean/sex=f")
    assert "the step clean took 25.0% of the rows of sex=f (n=400) and 10.0% of the others" in one.fact
    assert found("forms of women (f) were lost in a move") == []
