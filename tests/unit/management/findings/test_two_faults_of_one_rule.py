"""Two faults of one rule about one object are one finding with both facts; days, people and records are the right ones."""

from dataclasses import replace

from aims_mlflow.management.findings.every import findings
from aims_mlflow.records.decision import Unmet, WaivedBy
from aims_mlflow.records.evidence import Supersedes
from support.management_states import (
    NOW,
    SYSTEM,
    document,
    good,
    programme,
    release,
    report,
    required,
    review_inputs,
    system,
)


def found(state, rule):
    return [f for f in findings(state, NOW) if f.rule == rule]


def action(**changes):
    entry = {"id": "K1", "action": "check names", "owner": "olga", "due": "2026-02-01", "done": "2026-02-20"}
    return document("corrective-action", actions=[{**entry, **changes}])


def test_an_action_that_was_late_and_never_checked_has_both_facts():
    (one,) = found(good(action=action()), "L6")
    assert "was done on 2026-02-20, after 2026-02-01" in one.fact
    assert "nobody checked whether it worked" in one.fact
    assert "effectiveness-check" in one.fix
    assert "state owner, done and what shows it" in one.fix
    (late,) = found(good(action=action(done=None)), "L6")
    assert one.id == late.id


def test_an_entry_with_several_faults_has_each_of_them():
    def stages(**days):
        (one,) = (f for f in found(good(system=system(stage_dates=days)), "S4") if f.about.endswith("/stages"))
        return one.fact

    both = stages(deployment="2027-02-01", operation="2027-01-01")
    assert "came to operation on 2027-01-01, before deployment on 2027-02-01" in both
    assert "came to operation on 2027-01-01, which lies ahead" in both
    assert "before" not in stages(operation="2027-01-01")


def test_a_role_that_ended_or_may_not_stop_a_release_is_no_duty_to_stop_it():
    def held(**role):
        entry = {"role": "head of risk", "person": "max", "authority": "may stop a release"}
        return good(duty=None, release=release(), roles=document("roles", roles=[{**entry, **role}]))

    about = f"{SYSTEM}/release/stop"
    name = "deployment-plan"
    assert [f.about for f in found(held(), "K2") if f.about.endswith("/stop") and name in f.evidence]
    for changes in ({"until": "2020-01-01"}, {"authority": "may never stop a release"}):
        assert not [f for f in found(held(**changes), "K2") if f.about == about or name in f.evidence]


def test_a_waiver_that_ended_before_the_period_is_no_matter_for_the_review():
    unmet = Unmet(control="A.6.2.4", kind="robustness", text="it failed", next="mitigate")

    def told(expires):
        mine = WaivedBy(unmet=unmet, waiver="0197" + "a" * 28, owner="olga", reason="a pilot", expires=expires)
        first = review_inputs(id="inputs-1", cutoff="2026-01-01T00:00:00Z")
        state = good(first=first, inputs=review_inputs())
        state = replace(state, deployed=tuple(replace(v, waived=(mine,)) for v in state.deployed))
        return [f.fact for f in findings(state, NOW) if f.about == "review-inputs/evidence"]

    (fact,) = told("2026-09-01T00:00:00Z")
    assert "waiver 0197aaaaaaaaa of income version 3, which ends on 2026-09-01" in fact
    assert told("2025-09-01T00:00:00Z") == []


def test_an_audit_of_another_system_does_not_cover_a_change():
    change = document("change", system=SYSTEM, what="a new class of model", assessment="R1 again", date="2026-03-20")
    second = system(id="entry-2", system="churn", models=[], components=[], stage="development")
    both = {"change": change, "second": second}
    assert [f for f in found(good(**both), "I6") if f.about == "change"] == []
    (one,) = [f for f in found(good(**both, programme=programme(["churn"])), "I6") if f.about == "change"]
    assert "no audit covers it" in one.fact


def test_an_empty_document_of_actions_carries_out_nothing():
    done = {"action": "check names", "owner": "olga", "due": "2026-06-01", "done": "2026-06-01"}
    for actions, is_told in (([], True), ([done], False)):
        state = good(
            action=document("corrective-action", actions=actions),
            incident=document(
                "incident", system=SYSTEM, detected="a call", harm={"kind": "delay"}, detected_on="2026-05-20",
                aware_on="2026-05-20", serious="no", status="closed", actions=["corrective-action"],
            ),
        )  # fmt: skip
        facts = " ".join(f.fact for f in findings(state, NOW))
        assert ("corrective-action is not done" in facts) is is_told, facts


def test_a_result_that_was_measured_again_is_compared_no_longer():
    state = good(asked=required())
    (version,) = state.deployed
    old = next(r for r in version.records if r.evidence.kind == "performance")
    claim = old.evidence.claims[0].model_copy(update={"limit": "0.1"})
    first = "01900000-0000-7000-8000-000000000000"
    looser = replace(old, evidence=old.evidence.model_copy(update={"claims": (claim,), "id": first}))
    newer = Supersedes(id=first, reason="measured again")

    def with_first(record):
        again = replace(record, evidence=record.evidence.model_copy(update={"supersedes": newer}))
        records = (looser, *(again if r.id == record.id else r for r in version.records))
        return replace(state, deployed=(replace(version, records=records),))

    plain = replace(state, deployed=(replace(version, records=(looser, *version.records)),))
    assert ["looser" in f.fact for f in found(plain, "L3")] == [True]
    assert found(with_first(old), "L3") == []


def test_a_report_names_an_action_by_its_id_and_not_by_a_like_one():
    entry = {"id": "N1", "finding": "late review", "owner": "olga", "due": "2026-07-01", "grade": "major"}
    for name, wrong in (("corrective-action", 0), ("Corrective-Action", 0), ("corrective-actioń", 1)):
        held = report(findings=[{**entry, "corrective_action": name}])
        assert len([f for f in found(good(report=held), "I5") if f.about == "report/N1/action"]) == wrong


def test_a_name_that_a_client_chose_is_one_argument_of_a_command():
    (version,) = good().deployed
    assert version.address == "models:/income@champion"
    assert replace(version, model="loan; rm -rf x").address == "'models:/loan; rm -rf x@champion'"
