"""Oversight that documents and waivers promise is made and recorded."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.records.decision import Unmet, WaivedBy
from support.live_states import assessed, live, with_texts
from support.management_states import NOW, SYSTEM, document, good, oversight, system


def found(state):
    return [f for f in findings(state, NOW) if f.rule == "O1"]


def promising(words, **period):
    """The assessment with another measure, beside a period of oversight."""
    text = assessed().replace("olga reviews each refusal of a woman", words)
    return with_texts(good(watch_over=oversight(**period)), text)


SOME = {"reviewed": 12, "promised": 12}


@pytest.mark.parametrize(
    ("words", "period", "word"),
    [
        ("olga reviews each refusal", {"reviewed": 12, "promised": None}, "nothing states how many those were"),
        ("olga reads every single decision", SOME, "12 of 400 decisions were reviewed, and aiia promises"),
        ("olga checks all the drafts", {"reviewed": 399, "promised": 399}, "399 of 400 decisions"),
    ],
)
def test_what_a_measure_promises_is_compared_with_what_was_reviewed(words, period, word):
    (one,) = found(promising(words, **period))
    assert (one.about, one.system, one.control) == ("oversight-record/2026-05-31", SYSTEM, "A.9.2")
    assert word in one.fact
    assert found(promising(words)) == []


@pytest.mark.parametrize(
    "words",
    [
        "olga reviews each refusal",
        "olga reads ten decisions a week",
        "a clerk decides each case",
        "olga checks every application that is refused",
        "olga reads all letters of May",
    ],
)
def test_a_promise_of_some_reviews_is_kept_by_the_number_that_was_promised(words):
    assert found(promising(words, **SOME)) == []


def test_a_waiver_and_a_use_process_promise_too():
    unmet = Unmet(control="A.5.4", kind="fairness", text="x")
    waived = WaivedBy(unmet=unmet, waiver="01a2w", owner="olga", reason="pilot; olga reviews every decision",
                      expires="2099-01-01T00:00:00Z")  # fmt: skip
    (one,) = found(live(good(watch_over=oversight(**SOME)), waived=(waived,)))
    assert "01a2w promises “pilot; olga reviews every decision”" in one.fact
    process = document("use-process", process="a clerk decides", oversight="olga reads each score again")
    (two,) = found(good(watch_over=oversight(**SOME), use_process=process))
    assert "use-process promises" in two.fact


def test_how_many_reviews_were_promised_is_stated():
    state = good(watch_over=oversight(promised=None))
    (one,) = [f for f in findings(state, NOW) if f.rule == "W6"]
    assert "promised of period 1 (periods[0].promised): " in one.fact


@pytest.mark.parametrize(("since", "count"), [("2025-06-01", 1), ("2025-07-01", 0)])
def test_what_is_in_use_for_a_year_has_a_record_of_oversight(since, count):
    state = dataclasses.replace(good(system=system(stage_dates={"operation": since})), deployed=())
    assert [f.about for f in found(state)] == [f"{SYSTEM}/oversight"] * count
    assert [f.about for f in found(live(good(), since=f"{since}T00:00:00Z"))] == [f"{SYSTEM}/oversight"] * count
    watched = good(system=system(stage_dates={"operation": since}), watch_over=oversight())
    assert found(watched) == []


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("olga reviews each refusal", 1),
        ("olga reads every rejection again", 1),
        ("a clerk checks all refused applications", 1),
        ("olga checks every application that is refused", 1),
        ("olga reviews each refusal of a woman", 0),
        ("olga checks every application that is refused by the score alone", 0),
        ("olga reads ten decisions a week", 0),
    ],
)
def test_a_promise_of_each_refusal_is_counted_by_the_refusals_of_the_log(words, count):
    results = found(promising(words, reviewed=12, promised=12, refusals=40))
    assert len(results) == count
    for one in results:
        assert f"12 of 40 refusals were reviewed, and aiia promises “{words}" in one.fact
    assert found(promising(words, reviewed=40, promised=40, refusals=40)) == []
    assert len(found(promising(words, reviewed=60, promised=60, refusals=40, refusals_reviewed=39))) == count


def test_numbers_of_refusals_that_cannot_be():
    assert "401 refusals of 400 decisions cannot be" in found(good(watch_over=oversight(refusals=401)))[0].fact
    (one,) = found(good(watch_over=oversight(refusals=10, refusals_reviewed=11)))
    assert "11 reviewed refusals of 10" in one.fact
