"""What documents promise in words: a day where a field has one to count from, else why there is none."""

import pytest

from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.management.promised_days import PromisedDay
from aims_mlflow.management.worded_days import worded_days
from support.good_documents import SYSTEM
from support.management_states import document

TODAY = "2026-06-15"
PLAN = {
    "audiences": [
        {"audience": "clerks", "within": "two days"},
        {"audience": "people who were harmed", "within": "a week"},
    ]
}
AFTER = "2026-06-10 (aware_on of I1), 2 days after"


def worded(*documents):
    """Return (day, or None; what; from what it counts, or the field that is missing) of the promises in words."""
    state = ManagementState(documents)
    found = worded_days(state, documents, {d.id: "2026-06-01" for d in documents}, TODAY)
    return [(p.day, p.what, p.counted) if isinstance(p, PromisedDay) else (None, p.what, p.field) for p in found]


def plan(**fields):
    return document("incident-communication-plan", system=SYSTEM, **(fields or PLAN))


def incident(**fields):
    return document("incident", id="I1", system=SYSTEM, **{"aware_on": "2026-06-10", "serious": "no", **fields})


def test_a_time_after_an_incident_counts_from_its_day():
    assert worded(plan(), incident()) == [
        ("2026-06-12", "notice of incident I1 to clerks: “two days”", AFTER),
        (None, "notice of an incident to people who were harmed: “a week”", f"aware_on or detected_on of an incident of {SYSTEM}"),
    ]  # fmt: skip
    harmed = incident(aware_on=None, detected_on="2026-06-09", harm={"kind": "refused", "n": 3})
    assert [day for day, _, _ in worded(plan(), harmed)] == ["2026-06-11", "2026-06-16"]


def test_an_incident_without_a_day_and_one_of_which_somebody_was_told_give_none():
    assert worded(plan(), incident(aware_on=None))[0] == (
        None, "notice of an incident to clerks: “two days”", "aware_on or detected_on of incident I1"
    )  # fmt: skip
    notice = document(
        "notice", system=SYSTEM, notices=[{"incident": "I1", "audience": "all clerks", "due": "2026-06-12"}]
    )
    assert worded(plan(), incident(), notice)[0][0] is None
    elsewhere = document("incident", id="I1", system="other", aware_on="2026-06-10")
    assert worded(plan(), elsewhere)[0][0] is None


def test_an_authority_is_told_of_a_serious_incident_alone():
    told = plan(audiences=[{"audience": "supervisory authority", "within": "15 days after the bank knows of it"}])
    assert worded(told, incident())[0][0] is None
    serious = incident(serious="other serious harm", duties=[{"to": "the authority", "law": "AI Act Art. 73"}])
    assert worded(told, serious)[1] == (
        "2026-06-25", "notice of incident I1 to the authority, by Regulation (EU) 2024/1689, Art. 73(2)",
        "2026-06-10 (aware_on of I1), 15 days after",
    )  # fmt: skip
    assert worded(told, incident(serious="other serious harm"))[0][0] == "2026-06-25"
    open_duty = incident(duties=[{"to": "clerks"}])
    assert worded(plan(), open_duty)[0][0] == "2026-06-12", "a duty without a day sets none"


@pytest.mark.parametrize(
    ("duty", "stage", "day", "field"),
    [
        ({"deadline": "30 days"}, {"operation": "2026-05-01"}, "2026-05-31", "2026-05-01 (stage_dates: in use), 30 days after"),
        ({"deadline": "30 days"}, {}, None, f"stage_dates of {SYSTEM} in the register, when it comes into use"),
        ({"deadline": "2026-09-01"}, {}, "2026-09-01", ""),
        ({"deadline": "10 days", "trigger": "a request"}, {}, None, "due of a corrective-action, written when it happens"),
        ({"deadline": "with the letter"}, {}, None, "deadline, with one length of time in hours, days, weeks, months or years"),
    ],
)  # fmt: skip
def test_a_duty_to_inform_counts_from_the_use_of_its_system(duty, stage, day, field):
    entry = document("system", system=SYSTEM, stage="operation", stage_dates=stage)
    duties = document("disclosure-duties", system=SYSTEM, duties=[{"to": "users", "what": "that it is AI", **duty}])
    assert worded(entry, duties) == [(day, f"information of users: that it is AI, “{duty['deadline']}”", field)]


def test_a_recurrence_counts_from_the_day_from_which_its_document_applies():
    said = "max is in charge. max reads the findings\neach quarter, and acts."
    led = document("use-process", effective_from="2026-02-28", oversight=said)
    quoted, counted = "“max reads the findings each quarter, and acts.”", "2026-02-28 (effective_from), every 3 months"
    assert worded(led) == [
        (day, quoted, counted) for day in ("2026-08-28", "2026-11-28", "2027-02-28", "2027-05-28")
    ]  # fmt: skip
    daily = document("use-process", oversight="max looks at it daily.")
    assert worded(daily) == [(TODAY, "“max looks at it daily.”", "2026-06-01 (the day of publication), every 1 day")]


def test_words_of_a_meeting_count_from_its_day_unless_the_entry_has_one():
    decision = {"decision": "rita reports within two weeks", "owner": "rita"}
    minutes = document("review-minutes", date="2026-06-08", decisions=[decision])
    assert worded(minutes) == [("2026-06-22", "“rita reports within two weeks”", "2026-06-08 (date), 14 days after")]
    assert worded(document("review-minutes", date="2026-06-08", decisions=[{**decision, "due": "2026-06-30"}])) == []
    assert worded(document("review-minutes", decisions=[decision])) == [
        (None, "“rita reports within two weeks”", "due of this entry")
    ]  # fmt: skip


def test_what_no_day_begins_names_the_field_that_would():
    channel = document(
        "report-channel",
        system=SYSTEM,
        target_days=10,
        address="olga reads each within 2 days, and answers within 10 days.",
    )
    ((day, what, field),) = worded(channel)
    assert (day, field) == (None, "due of an entry that promises it, such as a corrective-action")
    assert what == "“olga reads each within 2 days, and answers within 10 days.”", (
        "the ten days are those of target_days"
    )
    measured = document("measurement-plan", measures=[{"what": "accuracy", "within": "5 days", "who_acts": "olga"}])
    assert worded(measured)[0][1:] == (
        "within of accuracy: “5 days”", "due of a corrective-action, written when a measurement is beyond its limit"
    )  # fmt: skip


def test_histories_descriptions_and_other_languages_promise_nothing():
    assert worded(incident(detected="within two days, by the monthly report of olga")) == []
    used = document(
        "impact-assessment",
        system=SYSTEM,
        assessed_use={"scope": "loans", "frequency": "once a day", "period": "every year"},
    )
    assert worded(used) == []
    assert worded(document("use-process", language="fr", oversight="max lit la liste within two days.")) == []
    ((day, _, _),) = worded(document("incident-communication-plan", system=SYSTEM, language="de",
                                     audiences=[{"audience": "Kunden", "within": "two days"}]))  # fmt: skip
    assert day is None


def test_of_a_long_sentence_the_words_of_the_time_are_quoted():
    ((_, what, _),) = worded(
        document("use-process", oversight=f"{'very ' * 60}slow people answer within two days {'and ' * 60}so on.")
    )
    assert "within two days" in what
    assert what[:2] + what[-2:] == "“……”"
    assert len(what) < 170
