"""Plans that can be carried out, in time, and objectives of use that are reached or acted on."""

import pytest

from aims_mlflow.gates.document_content.rollback import rollback_version
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.stated_numbers import days_in
from support.management_states import MODEL, NOW, SYSTEM, document, good, release, system

AT = f"{SYSTEM}/{MODEL}@champion"


def found(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW)]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("9", "9"), ("version 7", "7"), ("version 99 (the one of May)", "99"), ("models:/income/99", "99"), ("v3", "3"),
        ("12; branch North used it", "12"), ("2 replicas are stopped", None), ("stop scoring; then Version 4", "4"),
        ("no version; without it clerks read 40 applications", None), ("none: version 1 is the first", None),
        ("the version of 2026-05-01", None), ("the rules of before", None), ("version 2026-05", None),
    ],
)  # fmt: skip
def test_the_version_to_go_back_to_is_read_wherever_it_stands(words, number):
    assert rollback_version(words) == number


def test_a_version_that_is_not_there_is_found_behind_words():
    assert found(good(release=release(rollback_to="version 99 (the one of May)"))) == [f"L1 {AT}"]
    assert found(good(release=release(rollback_to="version 2 (the one of May)"))) == []


def test_going_back_is_tried_each_year():
    assert found(good(release=release(drill_date="2023-06-01"))) == [f"L1 {AT}/deployment-plan/drill"]
    assert found(good(release=release(drill_date="2025-07-01"))) == []


def logs(kept, **event):
    return document("log-plan", system=SYSTEM, events=[{"event": "score", "where": "log", **event}], retention=kept)


CLASS = {"framework": "AI Act", "reason": "x", "checked_on": "2026-05-01"}
RISKY, PLAIN = (system(legal_class=[{**CLASS, "class": risk}]) for risk in ("high-risk", "limited risk"))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"log_plan": logs("one day")}, ["L14 log-plan/logs"]),
        ({"log_plan": logs("3 months"), "system": PLAIN}, []),
        ({"log_plan": logs("3 months"), "system": RISKY}, ["L14 log-plan/logs"]),
        ({"log_plan": logs("six months"), "system": RISKY}, []),
        ({"log_plan": logs("2 years", retention="a week")}, ["L14 log-plan/score"]),
        ({"log_plan": logs("until the case is closed")}, []),
    ],
)
def test_logs_are_kept_until_somebody_looks_at_them(changes, wanted):
    assert found(good(**changes)) == wanted


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("one day", 1),
        ("two years", 730),
        ("90 days, then a year in the archive", 365),
        ("long", None),
        ("15 working days", 15),
        ("at once", 0),
        ("FİVE days", None),
        ("9" * 5000 + " days", None),
    ],
)
def test_a_time_in_words_is_days(text, days):
    assert days_in(text) == days


def objectives(**changes):
    entry = {"objective": "clerks read all reasons", "metric": "letters", "target": "at least 95%", "result": "97%",
             "reviewed": "2026-06-01", **changes}  # fmt: skip
    return document("use-objectives", system=SYSTEM, objectives=[entry])


def test_an_objective_of_use_is_reached_or_acted_on_and_looked_at():
    assert found(good(goal=objectives())) == []
    (one,) = findings(good(goal=objectives(result="80%")), NOW)
    assert (one.rule, one.about, one.control) == ("O4", "use-objectives/clerks read all reasons", "A.9.3")
    assert "the target 'at least 95%' and the result '80%', and nothing was done about it" in one.fact
    act = document("corrective-action", actions=[
        {"cause": "reasons stand on page 2", "action": "reasons come first in letters", "owner": "olga", "done": "2026-06-02"}
    ])  # fmt: skip
    assert found(good(goal=objectives(result="80%"), act=act)) == []
    (old,) = findings(good(goal=objectives(reviewed="2023-06-01")), NOW)
    assert "was last looked at on 2023-06-01, over a year ago" in old.fact


def test_what_a_card_lacks_is_named_where_no_kind_of_document_states_it():
    (lacks,) = findings(good(system=system(foreseeable_misuse=[])), NOW)
    assert (lacks.rule, lacks.fix) == (
        "C3",
        f"state it in aims.yaml and in the entry of {SYSTEM}; then: aims document publish entry",
    )


def test_days_that_lead_out_of_the_calendar_are_refused():
    with pytest.raises(ValueError, match="less than or equal to 36500"):
        document("monitoring-plan", grace_days=10_000_000)
