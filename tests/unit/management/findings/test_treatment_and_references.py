"""Treatment plans beside the registers, and what a document says of another one: each fault is found, and alone."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import rule_reasons
from support import management_states as states
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, document, good, risk, risks

PLANNED = FIELDS["treatment-plan"]["risks"][0]


def plan(**changes):
    return {"treatment-plan": document("treatment-plan", risks=[{**PLANNED, **changes}])}


def requirements(**changes):
    fields = {
        "requirements": [{"id": "Q1", "text": "no group is last", "source": "R1"}],
        "acceptance": [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55", "requirement": "Q1"}],
    }
    return {"asked": document("requirements", system=SYSTEM, **{**fields, **changes})}


def disclosed(duty):
    duties = document(
        "disclosure-duties",
        system=SYSTEM,
        duties=[{"to": "authority", "what": "incidents", "law": "AI Act Art. 73", "checked_on": "2026-05-01"}],
    )
    told = document("disclosure", system=SYSTEM, disclosures=[{"duty": duty, "sent": "2026-05-02", "proof": "receipt"}])
    return {"owed": duties, "told": told}


GREW = risks(risk(residual={"likelihood": "likely", "impact": "high", "level": "medium"}))
SCALES = {
    "risk-method": document(
        "risk-method",
        **{
            **FIELDS["risk-method"],
            "scales": {
                "likelihood": [{"level": level, "meaning": "m"} for level in ("rare", "likely")],
                "impact_on_people": [{"level": level, "meaning": "m"} for level in ("small", "high")],
            },
            "matrix": {f"{one}/{other}": "medium" for one in ("rare", "likely") for other in ("small", "high")},
            "acceptance": [{"level": "medium", "may_accept": "board"}],
        },
    )
}
FORM = ("process", "period_and_frequency", "harms", "oversight", "if_harm_occurs", "who_must")
RIGHTS = {point: ["stated"] for point in FORM}
CASES = [
    (plan(), []),
    (plan(accepted_by="ana"), ["P7 treatment-plan/R1"]),
    (plan(residual="low"), ["R4 treatment-plan/R1/left"]),
    (plan(risk="R9"), ["R1 plan/risk-register/R1", "R1 treatment-plan/R9"]),
    ({"risks": GREW, **SCALES}, ["R1 risk-register/R1", "R4 risk-register/R1/left"]),
    (SCALES, []),
    (requirements(), []),
    (requirements(acceptance=[{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55", "requirement": "Q7"}]),
     ["L3 requirements/Q7"]),
    (requirements(requirements=[{"id": "Q1", "text": "no group is last", "source": "risk R77"}]), ["L3 requirements/R77"]),
    ({"leadership": document("leadership", members=["rita"], resources="two people")}, ["K4 leadership/members"]),
    (disclosed("incidents"), []),
    (disclosed("a fire drill"), ["L12 disclosure/a fire drill"]),
    ({"soa": states.soa("A.5.3", review="2026-01-31")}, ["P9 A.5.3"]),
    ({"soa": states.soa("A.9.3", implemented="use-objectives of the system")}, ["P9 A.9.3"]),
    ({"soa": states.soa("A.9.2", implemented="use-process of clerks, and a card-game")}, []),
    ({"supplier": states.supplier(contract={"id": "C1", "start": "2026-03-01"})},
     ["T8 income-screening/openai/gpt-4o/contract"]),
    ({"supplier": states.supplier(contract={"id": "C1", "start": "2026-01-01"})}, []),
    ({"inventory": document("resource-inventory", system=SYSTEM, resources=[
        {"stage": "development", "resource": "data", "id": "9" * 64}])},
     ["L13 income-screening/income@champion/test", "L13 income-screening/income@champion/tools",
      "L13 income-screening/income@champion/train"]),
    ({"criteria": document("preparation-criteria", system=SYSTEM, criteria=[
        {"step": "tidy", "allowed_when": "always", "reason": "typing errors"}])},
     ["L13 income-screening/income@champion/step/clean"]),
]  # fmt: skip
OF = ("P7", "R1", "R4", "L3", "K4", "L12", "L13", "P9", "T8", "I1", "F2", "F12", "W3")


def found(**changes):
    return [f"{f.rule} {f.about}" for f in findings(good(**changes), NOW) if f.rule in OF]


@pytest.mark.parametrize(("changes", "wanted"), CASES)
def test_each_fault_is_found_and_what_is_good_is_left_alone(changes, wanted):
    assert sorted(found(**changes)) == sorted(wanted)


def test_an_audit_that_is_planned_with_the_owner_of_a_system_is_found_before_it_is_held():
    audit = {"id": "A2", "scope": ["A.5", SYSTEM], "planned": "2026-09-01", "auditors": ["olga"]}
    state = good()
    (before,) = (d for d in state.documents if d.kind == "audit-programme")
    audits = [*before.model_dump(mode="json", exclude_none=True)["audits"], audit]
    changed = document("audit-programme", cycle_years=3, audits=audits)
    assert "I1 audit-programme/A2/olga" in found(programme=changed)


def test_an_assessment_by_the_trainer_alone_and_a_form_about_other_people_are_found():
    state = good()
    (aiia,) = (d for d in state.documents if d.kind == "impact-assessment")

    def said(**changes):
        others = tuple(d for d in state.documents if d is not aiia)
        body = {**aiia.model_dump(mode="json", by_alias=True, exclude_none=True), **changes}
        changed = dataclasses.replace(state, documents=(*others, type(aiia).model_validate(body)))
        return {f"{f.rule} {f.about}" for f in findings(changed, NOW)}

    assert not {"F12 aiia", "F2 aiia/rights"} & said()
    assert "F12 aiia" in said(assessors=[{"person": "ana"}])
    assert "F12 aiia" not in said(assessors=[{"person": "ana"}, {"person": "olga"}])
    assert "F2 aiia/rights" in said(rights={**RIGHTS, "categories": ["patients of the hospital"]})
    assert "F2 aiia/rights" not in said(rights={**RIGHTS, "categories": ["women who apply for credit"]})


def test_a_misuse_that_the_register_expects_and_nobody_assesses_is_found():
    state = good()
    (aiia,) = (d for d in state.documents if d.kind == "impact-assessment")
    (entry,) = (d for d in state.documents if d.kind == "system")
    others = tuple(d for d in state.documents if d not in (aiia, entry))
    written = aiia.model_dump(mode="json", by_alias=True, exclude_none=True)

    def said(misuse, **changes):
        body = {**written, **changes}
        known = entry.model_copy(update={"foreseeable_misuse": (misuse,)})
        changed = dataclasses.replace(state, documents=(*others, known, type(aiia).model_validate(body)))
        return [f.about for f in findings(changed, NOW) if f.rule == "F13"]

    misuse = "ranking employees for a promotion"
    assert said(misuse) == [f"{SYSTEM}/{misuse}"]
    assert said(misuse, failures_and_misuse=["a manager ranks employees for their promotion"]) == []
    impact = {
        "id": "I9",
        "kind": "harm",
        "foreseeable_misuse": True,
        "mechanism": "promotion of employees by their rank",
    }
    assert said(misuse, impacts=[*written["impacts"], impact]) == []
    assert said(misuse, failures_and_misuse=["refusing people by the score alone"]) == [f"{SYSTEM}/{misuse}"]


def test_a_law_that_nobody_looked_up_for_a_year_is_found():
    duties = [{"to": "authority", "what": "incidents", "law": "AI Act Art. 73", "checked_on": "2025-01-01"}]
    owed = document("disclosure-duties", system=SYSTEM, duties=duties)
    assert "W3 disclosure-duties/AI Act Art. 73" in found(owed=owed)


def test_each_rule_says_why():
    assert {"F12", "F13", "L12", "L13", "P9"} <= set(rule_reasons())
