"""The failures that a waiver covers, and its last day."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.signed_consent import SignedConsent
from aims_mlflow.gates.waivers import MAX_BOTH, covers, last_day, too_long, waived_claim
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Consent, Unmet, WaivedClaim
from aims_mlflow.records.evidence import Claim
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
NEEDED = ("session-start", "data-quality", "training-provenance", "performance", "fairness", "model-card")
POLICY = parse_policy(default_policy_text())
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
WAIVED = {"kind": "fairness", "condition": "limit", "metric": "selection_rate_ratio", "slice": {"sex": "f"}}


def item(value="0.7", **more):
    fields = {"control": "A.6.2.4", "text": "too low", "comparator": ">=", **WAIVED, **more}
    return Unmet(value=value, **fields)


numbers = st.decimals(-10, 10, allow_nan=False, places=4)


@given(numbers, numbers, st.sampled_from([">=", ">", "<=", "<", "=="]))
def test_a_value_is_covered_while_it_is_no_worse(known, value, comparator):
    claim = WaivedClaim(value=f"{known:f}", **WAIVED)
    fine = {">": value >= known, "<": value <= known, "=": value == known}[comparator[0]]
    assert covers(claim, item(f"{value:f}", comparator=comparator)) is fine


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "robustness"},
        {"metric": "equalized_odds_difference"},
        {"slice": {"sex": "m"}},
        {"slice": {}},
        {"slice": {"sex": "f", "race": "b"}},
        {"condition": "unmeasured", "value": None},
    ],
)
def test_another_failure_is_not_covered(other):
    claim = waived_claim(item())
    assert covers(claim, item())
    assert not covers(claim, item(**other))


def test_a_failure_without_a_value_is_covered_in_the_record_that_was_known():
    unknown = {"condition": "not-evaluated", "metric": None, "slice": {}}
    claim = waived_claim(item(None, evidence="e1", **unknown))
    assert covers(claim, item(None, evidence="e1", **unknown))
    assert not covers(claim, item(None, evidence="e2", **unknown))


def test_the_last_day_is_the_day_that_was_typed():
    assert last_day("2026-12-28T23:59:59Z") == "2026-12-28"
    assert last_day("2026-12-29T00:00:00Z") == "2026-12-28", "earlier releases wrote the midnight after it"
    assert last_day("2026-12-29T10:30:00Z") == "2026-12-29"


@pytest.mark.parametrize(("days", "long"), [(90, False), (91, True)])
def test_the_longest_waiver_ends_with_a_whole_day(days, long):
    ends = (NOW + timedelta(days=days)).replace(hour=23, minute=59, second=59)
    assert too_long(waiver(item(), expires=utc_text(ends)), POLICY.rules("income", "registration")) is long


def waiver(*items, owner="rosa", stage="registration", alias=None, **more):
    return consent("waiver", owner, stage, alias, claims=tuple(map(waived_claim, items)), control="A.6.2.4", **more)


def consent(action, owner, stage="registration", alias=None, **more):
    rules = POLICY.rules("income", stage, alias)
    fields = {"expires": utc_text(NOW + timedelta(days=9))} if action == "waiver" else {}
    made = Consent(
        action=action, model_name="income", stage=stage, alias=alias, stage_digest=rules.stage_digest,
        comment="pilot", **{**fields, **more},
    )  # fmt: skip
    return SignedConsent(f"{owner}-{action}", owner, signed_sessions.MODEL, made, utc_text(NOW))


def asked(sessions, *consents, stage="registration", alias=None):
    rules = POLICY.rules("income", stage, alias)
    return decide(rules, sessions, list(consents), DecisionRequest(signed_sessions.MODEL), NOW)


def unfair(**later):
    """Return the checked session of an unfair model, with later failures of the same control."""
    writer = signed_sessions.session(KEY, ratio="0.31", kinds=NEEDED, close=False)
    for kind, claim in later.items():
        writer.add(kind.replace("_", "-"), writer.records[-1].subjects, claims=(claim,), result="failed")
    writer.close()
    return [signed_sessions.checked(writer, KEY)]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Evidence is as old as the clock of the decisions."""
    import aims_mlflow.evidence.session as session

    monkeypatch.setattr(session, "utc_text", lambda: utc_text(NOW))


def test_a_waiver_covers_the_failures_that_its_signer_knew_and_none_that_came_later():
    known = asked(unfair())
    assert not known.allowed
    signed = waiver(*known.unmet)
    assert asked(unfair(), signed).allowed
    attacks = Claim(metric="attack_success_rate", value="0.4", n=100, comparator="<=", limit="0.1", passed=False)
    later = asked(unfair(robustness=attacks), signed)
    assert [u.kind for u in later.unmet] == ["robustness"]


def test_a_further_role_that_may_approve_waives_nothing_and_breaks_no_glass():
    """Legal's word may be asked for beside an approver's: it takes the place of none."""
    failures = asked(unfair()).unmet
    signed = waiver(*failures)
    assert asked(unfair(), signed).allowed
    assert not asked(unfair(), dataclasses.replace(signed, roles=("legal",))).allowed
    soon = utc_text(NOW + timedelta(hours=1))
    both = [consent("waiver", owner, break_glass=True, expires=soon) for owner in ("olga", "rosa")]
    assert asked(unfair(), *both).allowed
    assert not asked(unfair(), both[0], dataclasses.replace(both[1], roles=("legal",))).allowed


def test_whoever_waives_does_not_approve():
    failures = [u for u in asked(unfair(), stage="deployment", alias="champion").unmet if u.waivable]
    at = {"stage": "deployment", "alias": "champion"}
    signed, own, other = waiver(*failures, **at), consent("approval", "rosa", **at), consent("approval", "olga", **at)
    refused = asked(unfair(), signed, own, **at)
    assert [u.text for u in refused.unmet] == [
        "an approval by another person than the trainer is missing (not by rosa, who signed a waiver for this change)"
    ]
    assert asked(unfair(), signed, own, other, **at).approvals == ("olga",)


def test_a_waiver_that_is_not_needed_costs_no_approval():
    """Else taking it away would turn the refusal into an allowance."""
    at = {"stage": "deployment", "alias": "champion"}
    failures = [u for u in asked(unfair(), **at).unmet if u.waivable]
    each = [
        made
        for owner in ("olga", "rosa")
        for made in (waiver(*failures, owner=owner, **at), consent("approval", owner, **at))
    ]
    for consents in (each, each[::-1]):
        decision = asked(unfair(), *consents, **at)
        assert decision.allowed
        assert {w.owner for w in decision.waived}.isdisjoint(decision.approvals)


def test_however_many_people_sign_both_the_change_is_allowed():
    at = {"stage": "deployment", "alias": "champion"}
    failures = [u for u in asked(unfair(), **at).unmet if u.waivable]
    names = [f"person-{n:02}" for n in range(MAX_BOTH + 3)]
    many = [
        made for owner in names for made in (waiver(*failures, owner=owner, **at), consent("approval", owner, **at))
    ]
    assert asked(unfair(), *many, **at).allowed


def test_a_policy_without_the_rule_lets_one_person_do_both():
    plain = parse_policy(default_policy_text().replace(", signers: another", ""))
    at = {"stage": "deployment", "alias": "champion"}
    rules = plain.rules("income", **at)
    assert rules.stage_digest == POLICY.rules("income", **at).stage_digest
    failures = [u for u in asked(unfair(), **at).unmet if u.waivable]
    both = [waiver(*failures, **at), consent("approval", "rosa", **at)]
    assert decide(rules, unfair(), both, DecisionRequest(signed_sessions.MODEL), NOW).allowed


def test_a_version_that_returns_carries_its_waivers():
    signed = waiver(*asked(unfair()).unmet)
    first = asked(unfair(), signed)
    prior = {
        "basis": "restored", "request": "r", "model_digest": signed_sessions.MODEL, "time": first.time,
        "until": first.waived[0].expires, "waived": first.waived,
    }  # fmt: skip
    from aims_mlflow.records.decision import PriorAuthority

    request = dataclasses.replace(DecisionRequest(signed_sessions.MODEL), standing=PriorAuthority(**prior))
    rules = POLICY.rules("income", "registration")
    assert not decide(rules, unfair(), [], request, NOW).allowed, "a waiver that counts no more carries nothing"
    again = decide(rules, unfair(), [signed], request, NOW)
    assert again.allowed
    assert again.basis == "restored"
    assert again.waived == first.waived


def test_values_are_compared_as_exact_decimals():
    claim = WaivedClaim(value="0.1234567890123456789", **WAIVED)
    assert covers(claim, item("0.1234567890123456789"))
    assert not covers(claim, item(str(Decimal("0.1234567890123456788"))))
