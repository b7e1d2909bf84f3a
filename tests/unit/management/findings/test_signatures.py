"""Who approved and trained held the duty on that day, was there, was shown to be competent, and had a key."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.state import VersionConsent
from aims_mlflow.records.keyring import KeyEntry, Keyring
from support import live_states
from support.management_states import NOW, SYSTEM, competence, document, good

DAY = "2026-05-20"


def approved(owner="olga", action="approval", **documents):
    """The version in use with a consent of somebody, who is competent unless the case says otherwise."""
    able = {"able": competence(owner, "fairness", role="approver"), **documents}
    state = good(**able)
    consent = VersionConsent("01a2", owner, action, f"{DAY}T10:00:00Z")
    return dataclasses.replace(state, deployed=(live_states.version(consents=(consent,)),))


def people(**employed):
    listed = ("ana", "olga", "rita", "eva", "ines", "noa")
    return document("people", people=[
        {"id": p, "function": "staff", **(employed if p == "olga" else {})} for p in listed
    ] + [{"id": "max", "function": "board", "top_management": True}])  # fmt: skip


def olga(**changes):
    return competence("olga", "fairness", **{"role": "approver", **changes})


CASES = {
    "by who holds the duty and is competent": (approved(), []),
    "by top management": (approved("max"), []),
    "by somebody without the duty": (approved("ines"), [f"K1 {SYSTEM}/version/ines"]),
    "a waiver by somebody without the duty": (
        approved("rita", action="waiver"), [f"K1 {SYSTEM}/version/rita"],
    ),
    "after the duty ended": (
        approved(duty=document("role-assignment", system=SYSTEM, assignments=[
            {"duty": d, "person": "noa" if d == "validate" else "ana" if d == "train" else "olga"}
            for d in ("train", "validate", "operate", "stop")
        ] + [{"duty": "approve", "person": "olga", "until": "2026-05-19"}, {"duty": "approve", "person": "max"}])),
        [f"K1 {SYSTEM}/olga", f"K1 {SYSTEM}/version/olga"],
    ),
    "competence ended the day before": (approved(able=olga(valid_until="2026-05-19")), ["W3", "K6 olga"]),
    "competence ended that day": (approved(able=olga(valid_until=DAY)), ["W3"]),
    "competence was shown later": (approved(able=olga(obtained_on="2026-05-21")), ["K6 olga"]),
    "competence of another role": (approved(able=olga(role="trainer")), ["K6 olga"]),
    "competence that nothing shows": (approved(able=olga(basis="tbd")), ["K6 olga"]),
    "nobody wrote of it": (approved(able=None), ["K6 olga"]),
    "before the first day of work": (approved(people=people(employed_from="2026-05-21")), ["K6 olga"]),
    "on the first day of work": (approved(people=people(employed_from=DAY)), []),
    "a trainer without competence": (good(ana=None), ["K6 ana"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_signature_counts_for_who_could_give_it_that_day(case):
    state, wanted = CASES[case]
    found = [f for f in findings(state, NOW) if f.rule != "W6"]
    assert [f.rule if f.rule == "W3" else f"{f.rule} {f.about}" for f in found] == wanted


def test_the_fact_names_the_day_and_the_record_that_ended():
    (_, one) = [f for f in findings(CASES["competence ended the day before"][0], NOW) if f.rule != "W6"]
    assert "olga approved income version 3 on 2026-05-20" in one.fact
    assert "ended on 2026-05-19 (competence-olga)" in one.fact
    assert "competence-record" in one.fix


def test_who_left_before_they_signed():
    state = approved(people=people(employed_until="2026-05-19"))
    (one,) = [f for f in findings(state, NOW) if f.rule == "K6"]
    assert "left on 2026-05-19" in one.fact


def test_whose_duty_it_is_has_a_key_for_it():
    def keys(*owners, **changes):
        entries = tuple(
            KeyEntry(key_id=f"{n}" * 64, owner=o, roles=("trainer" if o == "ana" else "approver",), pem="x", **changes)
            for n, o in enumerate(owners, 1)
        )
        state = dataclasses.replace(good(), keyring=Keyring(version=1, keys=entries))
        return [f"{f.rule} {f.about}" for f in findings(state, NOW) if f.rule == "K7"]

    assert keys("ana", "olga", "noa") == []
    assert keys("ana", "olga") == [f"K7 {SYSTEM}/validate/noa"]
    assert len(keys("ana", "olga", "noa", valid_until="2026-06-01T00:00:00Z")) == 3
