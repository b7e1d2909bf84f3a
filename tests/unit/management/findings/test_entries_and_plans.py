"""Entries, decisions, plans, audits, risks and reports: each planted fault is found, and nothing else."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from support import live_states
from support import management_states as states
from support.good_documents import FIELDS
from support.live_states import assessed
from support.management_states import MODEL, NOW, SYSTEM, document, good, risk, risks, soa, system
from support.signed_sessions import MODEL as DIGEST

AT = f"{SYSTEM}/{MODEL}@champion"


def found(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if f.rule != "W6"]


def decided(old, new):
    text = assessed()
    assert old in text
    return live_states.with_texts(good(), text.replace(old, new))


def validation(**changes):
    fields = {
        "scope": "all results",
        "verdict": "fit",
        "conclusion": "fit for use",
        "author": "noa",
        "model_digests": [DIGEST],
    }
    return document("validation-report", system=SYSTEM, **{**fields, **changes})


def incident(**changes):
    fields = {"detected_on": "2026-05-02", "aware_on": "2026-05-02", "serious": "other serious harm", "status": "open",
              "duties": [{"to": "authority", "sent": "2026-05-03"}], "risks": ["R1"]}  # fmt: skip
    return document("incident", **{"id": "N1", "system": SYSTEM, **fields, **changes})


def told(**changes):
    return document("communication", **{**FIELDS["communication"], "date": "2026-06-01", **changes})


def without_share(state):
    """The state with a policy that does not say how many people it has to reach."""
    silent = document("ai-policy", **{name: v for name, v in FIELDS["ai-policy"].items() if name != "least_reached"})
    documents = tuple(silent if d.kind == "ai-policy" else d for d in state.documents)
    return dataclasses.replace(state, documents=documents)


def reported(**changes):
    report = {"id": "P1", "received": "2026-06-10", "from": "outside", "triage": {"by": "olga"}, **changes}
    return states.report_log(reports=[report])


REVIEW = {**FIELDS["policy-review"], "by": "max", "date": "2026-01-01", "next": "2027-01-01"}
GO = "conditions: [olga reviews each refusal of a woman]"
OTHER = states.in_scope(systems_in=[SYSTEM, "churn", "letters"], sources=["registered models", "providers in traces"])
COPIED = [risk(id=f"R{n}", system=s, event=f"The model of {s} treats people in a wrong way and harms them")
          for n, s in enumerate((SYSTEM, "churn", "letters"), 1)]  # fmt: skip
CASES = {
    "an entry whose review is overdue": (good(system=system(next_review="2026-06-14")), [f"S4 {SYSTEM}/review"]),
    "an objective that Annex C does not have": (
        good(system=system(objectives={"fairnes": {"priority": "low", "reason": "x y"}})), [f"S4 {SYSTEM}/objective/fairnes"],
    ),
    "another owner than aims.yaml names": (good(system=system(owner="rita")), [f"S4 {SYSTEM}/stated owner"]),
    "data that no evidence knows": (
        good(system=system(components=[], data_sets=["e" * 64]), supplier=None, own_test=None, duties=None),
        ["S1 provider:openai/gpt-4o@here", f"S4 {SYSTEM}/data/eeeeeeeeeeee"],
    ),
    "nothing of a system in use was seen": (
        dataclasses.replace(good(), inventory=states.inventory(items=())), [f"S2 {SYSTEM}"],
    ),
    "a document about a system that nobody registered": (
        good(plan=document("log-plan", id="plan", system="churn", events=[{"event": "x", "where": "log"}], retention="1 y")),
        ["S8 plan"],
    ),
    "no go, and in use": (decided("go with conditions", "no go"), ["F10 aiia"]),
    "conditions that are not stated": (decided(GO, "conditions: []"), ["F10 aiia"]),
    "a condition that nobody has to meet": (decided(GO, "conditions: [more women are sampled]"), ["F10 aiia"]),
    "a condition that is a risk's treatment": (decided(GO, "conditions: [the treatment of R1 is done]"), []),
    "asked is who is on no list": (
        decided("decision: go", "consulted: [{party: works council}]\ndecision: go"), ["F11 aiia"],
    ),
    "asked is who is on the list": (
        decided("decision: go", f"consulted: [{{party: {FIELDS['parties']['parties'][0]['who']}}}]\ndecision: go"), [],
    ),
    "a registered group that is not assessed": (
        good(system=system(affected_groups=[{"name": "women", "in_data": "sex=Female"}, {"name": "men", "in_data": "sex=Male"},
                                            {"name": "guarantors", "not_in_data": "no data about them are kept"}])),
        ["F5 aiia/not assessed/guarantors"],
    ),
    "an assessed group that is not registered": (
        decided("  - {name: men, in_data: sex=Male}",
                "  - {name: men, in_data: sex=Male}\n  - {name: heirs, not_in_data: no data about them are kept}"),
        ["F5 aiia/not registered/heirs"],
    ),
    "a release of other bytes": (good(release=states.release(model_digests=["e" * 64])), [f"L1 {AT}"]),
    "a way back that names nothing": (good(release=states.release(rollback_to="the earlier model")), [f"L1 {AT}"]),
    "no way back, and said so": (good(release=states.release(rollback_to="no version; clerks decide alone")), []),
    "validated by another": (good(validated=validation()), []),
    "validated by the trainer": (good(validated=validation(author="ana")), [f"L11 {AT}/validation-report"]),
    "found unfit": (good(validated=validation(verdict="unfit")), [f"L11 {AT}/validation-report"]),
    "fit with conditions that nobody states": (
        good(validated=validation(verdict="fit with conditions")), [f"L11 {AT}/validation-report"],
    ),
    "validated by somebody without the duty": (
        good(validated=validation(author="rita")), [f"L11 {AT}/validation-report"],
    ),
    "another value that nothing explains": (
        good(validated=validation(repeated=[{"claim": "accuracy", "value": "0.7", "equal": False}])),
        [f"L11 {AT}/validation-report"],
    ),
    "other bytes were validated": (good(validated=validation(model_digests=["e" * 64])), [f"L11 {AT}"]),
    "data requirements after the training": (
        good(quality=document("quality-requirements", system=SYSTEM, effective_from="2099-01-01",
                            requirements=[{"expectation": "no gaps", "limit": "1%", "reason": "scores"}])),
        ["W3 quality-requirements", f"L3 {AT}/quality-requirements"],
    ),
    "an auditor who operates the system": (
        good(duty=states.duty_list(operate="eva")), ["I1 report/eva"],
    ),
    "an audit that was not held": (
        good(programme=states.programme([*states.clauses(), *states.controls(), SYSTEM]).model_copy(
            update={"audits": (*states.programme([SYSTEM]).audits, states.programme(["9"]).audits[0].model_copy(
                update={"id": "A2", "planned": "2026-06-14"}))})),
        ["I3 audit-programme/A2", "I3 clauses and controls"],
    ),
    "a basis that is no risk": (good(soa=soa("A.9.3", basis=["R9"])), ["P5 A.9.3/basis"]),
    "a basis that is a law": (good(soa=soa("A.9.3", basis=["AI Act Art. 26"])), []),
    "a risk treated by no control": (good(risks=risks(risk(controls=["A.6.9.9"]))), ["P4 R1/A.6.9.9"]),
    "one risk for three systems": (
        good(risks=risks(*COPIED), scope=OTHER,
             churn=system(id="c", system="churn", models=[], components=[], objectives={}, stage="development", stage_dates={}, data_sets=[]),
             letters=system(id="l", system="letters", models=[], components=[], objectives={}, stage="development", stage_dates={}, data_sets=[])),
        ["R1 plan/risk-register/R2", "R1 plan/risk-register/R3", "R5 R1, R2, R3"],
    ),
    "a policy that reached few": (good(told=told(headcount=400, reached=12)), ["K5 communication"]),
    "a policy that reached all who were there": (good(told=told(headcount=400, reached=396)), []),
    "a policy that names no share, and reached nearly all": (
        without_share(good(told=told(headcount=400, reached=396))), ["K5 communication"],
    ),
    "a serious incident since the review of the policy": (
        good(reviewed=document("policy-review", **REVIEW), incident=incident()), ["K5 policy-review/N1"],
    ),
    "an incident that is not serious": (
        good(reviewed=document("policy-review", **REVIEW), incident=incident(serious="no", duties=[])), [],
    ),
    "oversight that stopped": (good(watch_over=states.oversight(end="2025-05-31")), ["O1 oversight-record/since"]),
    "oversight by somebody without a duty": (good(watch_over=states.oversight(by="ines")), ["O3 oversight-record/2026-05-31"]),
    "a concern channel that nobody tested": (
        good(concerns=document("concern-log", tested="2025-06-01")), ["O2 concern-log/test"],
    ),
    "harm that opened no incident": (good(log=reported(harm=True)), ["O2 report-log/P1/incident"]),
    "harm with its incident": (good(log=reported(harm=True, incident="N1"), incident=incident()), []),
    "an incident that is not there": (good(log=reported(incident="N9")), ["O2 report-log/P1/incident"]),
    "a test of the channel by a stranger": (
        good(log=states.report_log(tests=[{"by": "outside", "person": "a customer", "reached": "2026-02-01"}])), [],
    ),
    "a notice of no incident": (
        good(incident=incident(), notice=document("notice", system=SYSTEM, notices=[
            {"incident": "N7", "audience": "users", "sent": "2026-05-03", "due": "2026-05-04"}])),
        ["L8 notice/N7"],
    ),
    "a contract that has not begun": (
        good(supplier=states.supplier(contract={"id": "C1", "start": "2026-06-16", "clauses": ["change notice"]})),
        [f"T5 {SYSTEM}/{states.API}/C1"],
    ),
    "a certificate of another service": (
        good(supplier=states.supplier(documents=[{"kind": "SOC 2", "issuer": "auditor", "scope": "data centre in Oslo",
                                                  "covers_service": True, "conclusions": ["keeps no prompts"]}])),
        [f"T5 {SYSTEM}/{states.API}/SOC 2"],
    ),
    "a need that no requirement has": (
        good(needs=document("customer-needs", system=SYSTEM, needs=[{"need": "an answer in a day", "requirement": "Q9"}])),
        ["T10 customer-needs/Q9"],
    ),
    "a document that does not apply yet": (
        good(use_process=document("use-process", process="a clerk decides", oversight="a clerk may overrule",
                                  effective_from="2026-06-16")),
        ["W3 use-process"],
    ),
    "an evaluator whom nobody knows": (good(own_test=states.own_test(evaluator="zoe")), ["K4 zoe"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    state, wanted = CASES[case]
    assert found(state) == wanted


def test_a_plan_that_watches_another_alias():
    plan = next(d for d in good().documents if d.kind == "monitoring-plan")
    state = good(watch=plan.model_copy(update={"model": f"{MODEL}@staging"}))
    assert found(state) == [f"L2 {AT}"]


def test_who_evaluated_and_left_since_did_it_all_the_same():
    listed = [{"id": p, "function": "staff"} for p in ("ana", "olga", "rita", "eva", "ines", "noa")]
    listed += [{"id": "max", "function": "board", "top_management": True},
               {"id": "zoe", "function": "staff", "employed_until": "2026-03-01"}]  # fmt: skip
    state = good(own_test=states.own_test(evaluator="zoe"), people=document("people", people=listed))
    assert found(state) == []


def test_an_approver_of_a_sampled_version_audits_it():
    from aims_mlflow.management.findings.state import VersionConsent

    consent = VersionConsent("01a2", "eva", "approval", "2026-05-20T10:00:00Z")
    sample = {
        "population": "versions",
        "population_size": 2,
        "method": "all",
        "seed": "6",
        "items": [f"models:/{MODEL}/3", "entry"],
    }
    state = good(report=states.report(sample=sample))
    state = dataclasses.replace(state, deployed=(live_states.version(consents=(consent,)),))
    assert "I1 report/eva" in found(state)
