"""Conditions on days and people: every alias that is held, a role that a document needs, the last moment of a day."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.gates.control_status import CHECKS
from aims_mlflow.gates.document_content.people import unheld_duty, unheld_role
from aims_mlflow.gates.document_content.stated_results import beyond
from aims_mlflow.gates.document_content.suppliers import used_components
from aims_mlflow.gates.person_statements import day_end
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Unmet, WaivedBy
from support import management_states as states
from support.good_documents import FIELDS, NOW, SYSTEM
from support.status_cases import approval, document, good

TODAY, YESTERDAY = f"{NOW:%Y-%m-%d}", f"{NOW - timedelta(days=1):%Y-%m-%d}"
TOMORROW = f"{NOW + timedelta(days=1):%Y-%m-%d}"


def judge(condition, subject):
    return CHECKS[condition](subject, NOW)


def having(subject, kind, **fields):
    """The subject whose documents of a kind state something else."""
    found = (dataclasses.replace(d, fields={**d.fields, **fields}) if d.kind == kind else d for d in subject.documents)
    return dataclasses.replace(subject, documents=tuple(found))


def decided(subject, alias, *waivers):
    return subject.decisions[0].model_copy(update={"alias": alias, "waived": waivers})


def waiver(until):
    unmet = Unmet(control="A.6.2.4", kind="fairness", text="too low", next="mitigate")
    return WaivedBy(waiver="w", owner="olga", reason="a pilot", expires=utc_text(until), unmet=unmet)


@pytest.mark.parametrize("order", [1, -1])
def test_each_alias_that_is_held_is_judged_whichever_was_set_last(order):
    subject = good(aliases=("champion", "shadow"))
    ended, whole = decided(subject, "champion", waiver(NOW - timedelta(days=9))), decided(subject, "shadow")
    both = dataclasses.replace(subject, decisions=(ended, whole)[::order])
    assert judge("A.6.2.5/allowed", both).outcome == "stale"
    lasting = decided(subject, "champion", waiver(NOW + timedelta(days=9)))
    warned = judge("A.6.2.5/allowed", dataclasses.replace(subject, decisions=(lasting, whole)[::order]))
    assert (warned.outcome, warned.until) == ("warned", utc_text(NOW + timedelta(days=9)))
    assert "as champion" in warned.sentence
    assert "as shadow" in warned.sentence


def test_top_management_that_approves_nothing_else_controls_its_own_documents():
    """Documents of top management count by its role; those of others by an approver's."""
    kinds = ("ai-policy", "leadership", "risk-method", "soa")
    own = [approval(k, roles=("top-management",) if k in kinds else ("approver",)) for k in FIELDS]
    subject = good()
    subject = dataclasses.replace(subject, documents=tuple(d for d in subject.documents if d.kind in FIELDS))
    assert judge("7.5/controlled", dataclasses.replace(subject, approvals=tuple(own))).outcome == "holds"
    wrong = [dataclasses.replace(a, roles=("approver",)) for a in own]
    assert judge("7.5/controlled", dataclasses.replace(subject, approvals=tuple(wrong))).outcome == "missing"


def test_none_of_the_promised_reviews_is_a_number():
    period = {**FIELDS["oversight-record"]["periods"][0], "decisions": 10, "reviewed": 0, "promised": 10}
    found = judge("A.9.2/oversight", having(good(), "oversight-record", periods=[period]))
    assert (found.outcome, "0 of 10 promised reviews" in found.sentence) == ("failed", True)


def test_a_communication_that_reached_nobody_states_so():
    found = judge("A.2.2/communicated", having(good(), "communication", reached=0))
    assert "it reached 0 of 130 people" in found.sentence


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({"since": TOMORROW}, f"yet: it begins on {TOMORROW}"),
        ({"until": YESTERDAY}, f"any more: it ended on {YESTERDAY}"),
    ],
)
def test_a_duty_or_a_role_outside_of_its_days_is_nobodys(days, words):
    duty = states.document("role-assignment", system=SYSTEM, assignments=[{"duty": "train", "person": "ana", **days}])
    role = states.document("roles", roles=[{"role": "approver", "authority": "signs", "person": "ana", **days}])
    known = states.ManagementState((duty, role))
    assert unheld_duty(duty, known, TODAY) == ("stale", f"nobody is to train {SYSTEM} {words}")
    assert unheld_role(role, known, TODAY) == ("stale", f"nobody is approver {words}")


def test_who_held_a_duty_once_needs_no_key_now_and_is_known_by_each_name():
    held = FIELDS["role-assignment"]["assignments"]
    past = {"duty": "train", "person": "eva", "until": YESTERDAY}
    assert judge("A.3.2/keyring", having(good(), "role-assignment", assignments=[*held, past])).outcome == "holds"
    now = having(good(), "role-assignment", assignments=[held[1], {**past, "until": TOMORROW}])
    assert "eva has no valid key" in judge("A.3.2/keyring", now).sentence
    subject = good()
    people = next(d for d in subject.documents if d.kind == "people").fields["people"]
    named = having(subject, "people", people=[{**p, "name": p["id"].title() + " Berg"} for p in people])
    full = [{"duty": "train", "person": "Ana Berg"}, {"duty": "approve", "person": "Olga Berg"}]
    assert judge("A.3.2/keyring", having(named, "role-assignment", assignments=full)).outcome == "holds"


@pytest.mark.parametrize(
    ("notice", "outcome"),
    [
        ({"due": TODAY}, "holds"), ({"due": YESTERDAY}, "failed"),
        ({"due": YESTERDAY, "sent": YESTERDAY}, "holds"), ({"due": YESTERDAY, "sent": f"{YESTERDAY}T20:00:00Z"}, "holds"),
        ({"due": f"{YESTERDAY}T12:00:00Z", "sent": f"{YESTERDAY}T12:00:01Z"}, "failed"),
    ],
)  # fmt: skip
def test_a_day_by_which_users_are_told_lasts_until_its_end(notice, outcome):
    told = [{"incident": "N1", "audience": "users", **notice}]
    assert judge("A.8.4/told", having(good(), "notice", notices=told)).outcome == outcome


def test_the_newest_of_assessment_and_reassessment_counts():
    subject = good()
    old = document("reassessment", time=utc_text(NOW - timedelta(days=430)), fields={"risk": YESTERDAY[:4] + "-01-01"})
    others = tuple(d for d in subject.documents if d.kind != "reassessment")
    assert judge("8.2/again", dataclasses.replace(subject, documents=(*others, old))).outcome == "holds"


def test_a_policy_that_requires_nothing_implements_no_process():
    subject = good()
    found = judge("A.6.1.3/policy", dataclasses.replace(subject, rules=dataclasses.replace(subject.rules, require=())))
    assert (found.outcome, "requires no evidence at deployment" in found.sentence) == ("failed", True)


def test_what_consists_of_parts_that_do_not_apply_does_not_apply():
    one = Judgement("not applicable", "no incident happened")
    assert joined([one, one], "all are well") == one
    assert joined([one, Judgement("holds", "told")], "all are well").outcome == "holds"


def test_only_a_day_has_an_end():
    assert day_end("2026-01-01") == "2026-01-01T23:59:59.999999Z"
    assert day_end("2026-01-01garbage") is None


@pytest.mark.parametrize(
    ("limit", "value", "missed"),
    [
        ("by 2027 at least 0.8", "0.9", False), ("by 2027 at least 0.8", "0.7", True),
        ("in 2026, at most 5%", "0.04", False), ("0.8 by 2027", "0.7", True),
    ],
)  # fmt: skip
def test_the_year_of_a_limit_is_not_its_value(limit, value, missed):
    assert beyond(limit, ">=", value) is missed


def test_a_measure_of_something_else_lowers_no_bar():
    def least(*measures):
        plan = states.document("measurement-plan", system=states.SYSTEM, measures=list(measures))
        found = used_components(states.ManagementState((plan, states.own_test())))
        return found[states.SYSTEM, states.API].least_cases

    errors = {"what": "logged errors", "min_n": 5}
    assert least(errors) == (30, "a share of cases needs")
    assert least({**errors, "min_n": 60}) == (60, "measurement-plan needs")
    assert least(errors, {"what": "answers of openai gpt-4o", "min_n": 12}) == (12, "measurement-plan needs")
