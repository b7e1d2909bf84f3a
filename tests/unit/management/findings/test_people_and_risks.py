"""Duties, competence, risks, reviews and causes: each planted fault is found, with a sentence that says what to do."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import RULES, rule_reasons
from aims_mlflow.records.documents.lifecycle import Acknowledgement, MonitoringPlanDocument
from aims_mlflow.records.keyring import KeyEntry, Keyring
from support import live_states, management_states
from support.good_documents import FIELDS, NO_ACTION
from support.management_states import (
    MODEL,
    NOW,
    SYSTEM,
    document,
    duty_list,
    good,
    in_scope,
    oversight,
    own_test,
    report_log,
    review_inputs,
    risk,
    risks,
    system,
)
from support.signed_sessions import MODEL as DIGEST

AT = f"{SYSTEM}/{MODEL}@champion"


def found(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW)]


def facts(state, rule):
    return [f.fact for f in findings(state, NOW) if f.rule == rule]


def with_keys(**roles):
    held = {"ana": "trainer", "olga": "approver", "noa": "approver", **roles}
    keys = tuple(KeyEntry(key_id=f"{n}" * 64, owner=o, roles=(r,), pem="x") for n, (o, r) in enumerate(held.items(), 1))
    return dataclasses.replace(good(), keyring=Keyring(version=1, keys=keys))


def incident(**changes):
    fields = {
        "detected": "a call", "detected_on": "2026-05-02", "aware_on": "2026-05-02", "serious": "no",
        "serious_reason": "nobody was refused", "harm": {"kind": "delay"}, "root_cause": {"cause": "a column was renamed"},
        "status": "open", "actions": ["K1"], "risks": ["R1"],
    }  # fmt: skip
    return document("incident", **{"id": "N1", "system": SYSTEM, **fields, **changes})


def actions(*entries):
    return document(
        "corrective-action", actions=[{"action": "names are checked", "owner": "olga", **e} for e in entries]
    )


def minutes(**changes):
    fields = {
        "date": "2026-06-15", "attendees": ["max", "olga"], "top_management": ["max"], "inputs": "review-inputs",
        "decisions": [{"decision": "hire a second data scientist", "owner": "olga", "due": "2026-12-01"}],
        "no_action": NO_ACTION,
    }  # fmt: skip
    return document("review-minutes", **{**fields, **changes})


def role(**changes):
    entry = {"role": "owner", "authority": "may stop a release", "person": "olga", **changes}
    return document("roles", roles=[entry])


PLAN = {**FIELDS["treatment-plan"]["risks"][0], "due": "2026-12-01"}
CAUSE = "a column was renamed upstream"
FAIR = live_states.fairness_of(live_states.good_records()).id
CLOSED = {"status": "closed", "closed_by": [FAIR], "treated_on": "2026-01-01"}
UNKNOWN = "01a22579-e332-7000-8000-000000000000"
CASES = {
    "keys of people with the duty": (with_keys(ana="trainer", olga="approver", max="approver"), []),
    "a key that may approve, of nobody in the register": (with_keys(ines="approver"), ["K1 key/ines/approver"]),
    "a key that may train, of an approver": (
        with_keys(olga="trainer"), ["K1 key/olga/trainer", f"K7 {SYSTEM}/approve/olga"],
    ),
    "approved by somebody without the duty": (
        good(plan=document("log-plan", id="plan", system=SYSTEM, events=[{"event": "score", "where": "log"}], retention="1 year",
                           approver="ines"), log_plan=None),
        [f"K1 {SYSTEM}/ines"],
    ),
    "approved by top management": (good(context=document("context", **FIELDS["context"], approver="max")), []),
    "policy approved by who is not top management": (
        good(**{"ai-policy": document("ai-policy", **FIELDS["ai-policy"], approver="olga")}), ["K1 organisation/olga"],
    ),
    "a role of the register gives the duty": (
        good(roles=role(person="ines", authority="may approve documents"),
             context=document("context", **FIELDS["context"], approver="ines")), [],
    ),
    "a role that says that it may not approve": (
        good(roles=role(person="ines", authority="may not approve documents"),
             context=document("context", **FIELDS["context"], approver="ines")), ["K1 organisation/ines"],
    ),
    "a duty that ended": (
        good(duty=document("role-assignment", system=SYSTEM, assignments=[
            {"duty": d, "person": "ana" if d == "train" else "olga", "until": "2026-06-14" if d == "stop" else None}
            for d in ("train", "validate", "approve", "operate", "stop")])),
        [f"K2 {SYSTEM}"],
    ),
    "who trains validates": (good(duty=duty_list(validate="ana")), [f"K8 {SYSTEM}/validate/ana"]),
    "nobody may stop it": (good(duty=duty_list(stop=None)), [f"K2 {SYSTEM}"]),
    "two answer for one duty": (
        good(more=document("role-assignment", id="more", system=SYSTEM, assignments=[{"duty": "stop", "person": "max"}])),
        ["W5 role-assignment/more/role-assignment", f"K2 {SYSTEM}/stop"],
    ),
    "competence of somebody who left": (
        good(people=document("people", people=[
            {"id": p, "function": "staff", "employed_until": "2026-05-31" if p == "eva" else None}
            for p in ("ana", "olga", "rita", "eva", "ines")] + [{"id": "max", "function": "board", "top_management": True}]),
            duty=duty_list(validate="rita")),
        ["K3 competence-eva", "K4 eva"],
    ),
    "a deputy whom nobody knows": (good(roles=role(deputy="moritz")), ["K4 moritz"]),
    "an old version of the policy was told": (
        good(told=document("communication", **{**FIELDS["communication"], "policy_version": "0", "date": "2026-06-01"})), ["K5 communication"],
    ),
    "the review of the policy is overdue": (
        good(reviewed=document("policy-review", **{**FIELDS["policy-review"], "by": "max", "date": "2025-01-01",
                                                   "next": "2026-01-01"})),
        ["K5 policy-review"],
    ),
    "risk without owner": (good(risks=risks(risk(owner=None))), ["R1 risk-register/R1"]),
    "risk without a day": (good(risks=risks(risk(due=None))), ["R1 risk-register/R1"]),
    "treatment overdue": (good(risks=risks(risk(due="2026-06-14"))), ["R1 risk-register/R1"]),
    "treated in time": (good(risks=risks(risk(due="2026-06-14", treated_on="2026-06-01"))), []),
    "plan without owner": (
        good(**{"treatment-plan": document("treatment-plan", risks=[{**PLAN, "owner": None}])}), ["R1 treatment-plan/R1"],
    ),
    "plan for a risk that is in no register": (
        good(**{"treatment-plan": document("treatment-plan", risks=[PLAN, {**PLAN, "risk": "R7"}])}), ["R1 treatment-plan/R7"],
    ),
    "less is left, and nothing shows it": (
        good(risks=risks(risk(likelihood="likely"))), ["R1 risk-register/R1"],
    ),
    "closed without evidence": (good(risks=risks(risk(**{**CLOSED, "closed_by": []}))), ["R2 risk-register/R1"]),
    "closed by a record of nothing in use": (
        good(risks=risks(risk(**{**CLOSED, "closed_by": [UNKNOWN]}))),
        ["R2 risk-register/R1"],
    ),
    "closed by a passed record of the version in use": (
        good(risks=risks(risk(**CLOSED))), [],
    ),
    "closed without the day of its treatment": (
        good(risks=risks(risk(**{**CLOSED, "treated_on": None}))), ["R2 risk-register/R1"],
    ),
    "closed, and only accepted": (
        good(risks=risks(risk(**{**CLOSED, "treated_on": None, "treatment": "accept"}))), [],
    ),
    "a cause that is no record": (
        good(risks=risks(risk(cause_evidence=[UNKNOWN]))), ["R4 risk-register/R1/basis"],
    ),
    "a basis that cites a record that is none": (
        good(risks=risks(risk(impact_basis=f"the loss of 2025, by {UNKNOWN}"))), ["R4 risk-register/R1/basis"],
    ),
    "causes that are there: a record, its beginning, a document, an entry of one": (
        good(risks=risks(risk(cause_evidence=[FAIR, f"{FAIR[:13]}…", "report", "N1"], likelihood_basis=f"measured: {FAIR}"))),
        [],
    ),
    "a cause that the ledger has of a version that is not in use": (
        dataclasses.replace(good(risks=risks(risk(cause_evidence=[UNKNOWN]))),
                            signers={UNKNOWN: frozenset({"ana"}), **good().signers}), [],
    ),
    "a cause where no ledger was read": (
        dataclasses.replace(good(risks=risks(risk(cause_evidence=[UNKNOWN]))), deployed=None), [],
    ),
    "closed before it was treated": (
        good(risks=risks(risk(**{**CLOSED, "treated_on": "2099-01-01"}))),
        ["R2 risk-register/R1", "G8 risk-register/3febdcd3ae3c7cd7"],
    ),
    "an incident without risk": (good(incident=incident(risks=[])), ["R3 incident/N1"]),
    "a system without risk": (
        good(risks=risks(risk(system="churn"))), ["R4 risk-register/R1/system", f"R4 {SYSTEM}"],
    ),
    "assessed too long ago": (
        good(risks=risks(risk(), effective_from="2025-11-01")), ["R4 risk-register"],
    ),
    "a level that the matrix does not give": (
        good(risks=risks(risk(level="low"))), ["R4 risk-register/R1"],
    ),
    "inputs of a review that leave nothing out": (good(inputs=review_inputs()), []),
    "inputs without an incident": (
        good(incident=incident(), inputs=review_inputs()), ["M1 review-inputs"],
    ),
    "inputs that name it": (good(incident=incident(), inputs=review_inputs(incidents=["N1: a delay, open"])), []),
    "another incident's name is not its own": (
        good(incident=incident(), inputs=review_inputs(incidents=["N10, closed"])), ["M1 review-inputs"],
    ),
    "an incident after the cut-off": (
        good(incident=incident(detected_on="2026-06-15", aware_on="2026-06-15"), inputs=review_inputs()), [],
    ),
    "an incident that the review before was told": (
        good(incident=incident(), inputs=review_inputs(),
             earlier=review_inputs(id="earlier", cutoff="2026-05-10T00:00:00Z", incidents=["N1, open"])), [],
    ),
    "inputs without an audit": (good(inputs=review_inputs(audits=["none was held"])), ["M1 review-inputs"]),
    "inputs that say nothing": (good(inputs=review_inputs(opportunities=["tbd"])), ["M1 review-inputs"]),
    "a whole review": (good(inputs=review_inputs(), minutes=minutes()), []),
    "a review without top management": (
        good(inputs=review_inputs(), minutes=minutes(top_management=["olga"])), ["M2 review-minutes"],
    ),
    "a review that notes all": (
        good(inputs=review_inputs(), minutes=minutes(decisions=[{"decision": "Noted.", "owner": "olga", "due": "2026-12-01"}])),
        ["M2 review-minutes"],
    ),
    "a review without inputs": (good(minutes=minutes()), ["M2 review-minutes"]),
    "a review a year ago": (good(inputs=review_inputs(cutoff="2025-05-31T00:00:00Z"), minutes=minutes(date="2025-06-01")), ["M3 review-minutes"]),
    "one cause twice": (
        good(action=actions({"id": "K1", "cause": CAUSE, "done": "2026-04-01"},
                             {"id": "K2", "cause": "A column was renamed upstream, again.", "done": "2026-06-01"})),
        ["L5 cause/corrective-action.0/corrective-action.1"],
    ),
    "two measures against one cause": (
        good(action=actions({"id": "K1", "cause": CAUSE, "done": "2026-04-01"}, {"id": "K2", "cause": CAUSE, "done": "2026-04-01"})),
        [],
    ),
    "two causes": (
        good(action=actions({"id": "K1", "cause": CAUSE, "done": "2026-04-01"},
                             {"id": "K2", "cause": "nobody was there in August", "done": "2026-06-01"})), [],
    ),
    "an action that is overdue": (
        good(action=actions({"id": "K1", "due": "2026-06-01"})), ["L6 corrective-action/K1"],
    ),
    "an effect that its owner checked": (
        good(check=document("effectiveness-check", checks=[
            {"action": "K1", "by": "OLGA", "owner": "olga", "model_digest": DIGEST, "result": "passed"}])),
        ["L6 effectiveness-check/1"],
    ),
    "a limit that nothing can miss": (
        good(plan=document("measurement-plan", measures=[
            {"what": "accuracy", "method": "labels", "every_days": 30, "limit": "as high as it gets", "who_acts": "olga"}])),
        ["L7 measurement-plan/accuracy"],
    ),
    "a notice too late": (
        good(notice=document("notice", system=SYSTEM, notices=[
            {"incident": "N1", "audience": "clerks", "due": "2026-05-04", "sent": "2026-05-05"}])),
        ["L8 notice/N1/clerks"],
    ),
    "a high priority without limit": (good(goals=None), [f"W7 {SYSTEM}/development-objectives", f"L9 {SYSTEM}/fairness"]),
    "promised reviews that were not made": (
        good(watch_over=oversight(reviewed=12)),
        ["O1 oversight-record/2026-05-31"],
    ),
    "a channel that was not tested for a year": (
        good(log=report_log(tests=[{"by": "outside", "reached": "2025-06-01"}])), ["O2 report-log/test"],
    ),
    "a report that nobody judged": (
        good(log=report_log(reports=[{"id": "P1", "from": "outside", "received": "2026-06-01"}])), ["O2 report-log/P1"],
    ),
    "a test over a year ago": (good(own_test=own_test(date="2025-06-01")), [f"T8 {SYSTEM}/{management_states.API}"]),
    "approved by its author in another spelling": (
        good(context=document("context", **FIELDS["context"], approver=" RITA")), ["W4 context", "K1 organisation/rita"],
    ),
    "two policies": (
        good(second=document("ai-policy", **FIELDS["ai-policy"], id="second")), ["W5 ai-policy/ai-policy/second"],
    ),
    "a field that its control needs": (
        good(context=document("context", issues=[{"issue": "new law", "climate": False}])), ["W6 context"],
    ),
    "no policy": (good(**{"ai-policy": None}), ["W7 ai-policy", "K5 communication"]),
    "no plan to watch what is in use": (good(watch=None), ["W7 income-screening/monitoring-plan", f"C3 {AT}"]),
    "a review far away": (good(context=document("context", **FIELDS["context"], review_by="2030-01-01")), ["W3 context"]),
    "neither in nor out of scope": (
        good(scope=in_scope(systems_in=["churn"], sources=["registered models", "providers in traces"])),
        ["S8 scope/churn", f"S8 scope/{SYSTEM}"],
    ),
    "stages in another order": (
        good(system=system(stage_dates={"operation": "2026-02-01", "verification": "2026-03-01"})), [f"S4 {SYSTEM}/stages"],
    ),
    "a law looked up long ago": (
        good(system=system(legal_class=[{"framework": "AI Act", "class": "high-risk", "reason": "Annex III",
                                         "checked_on": "2025-01-01"}])),
        [f"S4 {SYSTEM}/law/AI Act"],
    ),
    "users are told of other bytes": (
        live_states.with_texts(good(), live_states.INFORMATION.replace(DIGEST, "f" * 64)), [f"C10 {AT}"],
    ),
    "required after the training": (
        good(asked=document("requirements", system=SYSTEM, requirements=[{"id": "Q1", "text": "x", "source": "law"}],
                            acceptance=[{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55"}],
                            effective_from="2099-01-01")),
        ["W3 requirements", f"L3 {AT}/requirements"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    state, wanted = CASES[case]
    assert found(state) == wanted


def test_every_rule_about_people_risks_and_reviews_has_a_case():
    made = {line.split()[0] for _, wanted in CASES.values() for line in wanted}
    # test_signatures, test_entries_and_plans, test_plans_and_objectives, test_reviews_and_resources, test_told_inputs
    elsewhere = {"K6", "K7", "R5", "O3", "O4", "M4", "M5"}
    assert {rule for rule in RULES if rule[0] in "KRMO"} - made - elsewhere == set()
    assert {"L5", "L6", "L7", "L8", "L9", "W4", "W5", "W6", "W7", "S8", "T8", "C10"} - made == set()


def test_every_rule_says_why_and_what_to_do():
    assert set(rule_reasons()) == set(RULES)
    texts = [text for said in rule_reasons().values() for text in (said.why, said.fix)]
    assert min(map(len, texts)) > 15
    assert len({said.why for said in rule_reasons().values()}) == len(RULES)


def test_two_systems_that_claim_one_model():
    other = system(id="other", system="churn", components=[], objectives={})
    assert f"S4 churn/{MODEL}" in found(good(other=other))
    assert f"S4 {SYSTEM}/{MODEL}" in found(good(other=other))


def test_a_breach_that_nobody_judged():
    def change(parts):
        parts["monitor-run"][1].update(result="failed")

    records = live_states.session_records(change)
    (run,) = (r for r in records if r.evidence.kind == "monitor-run")
    state = live_states.live(live_states.with_texts(good(), live_states.assessed(records)), records)
    assert [f.about.rpartition("/")[2] for f in findings(state, NOW) if f.rule == "L10"] == [run.id]
    plan = good().about(MonitoringPlanDocument, SYSTEM)[0]
    judged = plan.model_copy(
        update={"acknowledged": (Acknowledgement(run=run.id, by="olga", time=run.evidence.time, reason="a holiday"),)}
    )
    documents = tuple(judged if d.id == plan.id else d for d in state.documents)
    assert [f for f in found(dataclasses.replace(state, documents=documents)) if f.startswith("L10")] == []


def test_a_finding_says_who_holds_the_duty_and_what_the_review_was_not_told():
    state, _ = CASES["approved by somebody without the duty"]
    assert facts(state, "K1") == [
        f"ines approves documents of {SYSTEM} (plan), and holds no duty to approve them; that is the duty of olga"
    ]
    state, _ = CASES["inputs without an incident"]
    assert "incident N1 of 2026-05-02 is not named" in facts(state, "M1")[0]
    state, _ = CASES["one cause twice"]
    assert "has the same cause as action 'K1' of corrective-action" in facts(state, "L5")[0]


def test_a_missing_field_counts_against_the_control_that_needs_it():
    state, _ = CASES["a field that its control needs"]
    (one,) = findings(state, NOW)
    assert one.control == one.plain()["control"] == "4.1"
    assert "effect of issue 1 (issues[0].effect): what it means for the management system" in one.fact


def test_a_fix_ends_with_a_command_where_a_document_is_to_be_mended():
    made = [f for state, _ in CASES.values() for f in findings(state, NOW) if f.evidence]
    assert [f.fix for f in made if "aims " not in f.fix] == []
    (one,) = findings(CASES["risk without owner"][0], NOW)
    assert one.fix == (
        "complete R1 in risk-register: owner, treatment, due, treated_on; then: aims document publish risk-register"
    )
