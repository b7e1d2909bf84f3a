"""What an audit did not see, and findings that were closed on nothing or too early."""

import pytest

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.management.findings.every import findings
from support.good_documents import FIELDS
from support.management_states import (
    NOW,
    SYSTEM,
    competence,
    document,
    good,
    own_test,
    programme,
    release,
    report,
    supplier,
    system,
)


def found(state):
    return [f for f in findings(state, NOW) if f.rule in ("I5", "I6")]


def change(**changes):
    fields = {"what": "a new class of model", "assessment": "R1 was assessed again", "date": "2026-05-20"}
    return document("change", system=SYSTEM, **{**fields, **changes})


def test_a_major_change_after_the_audit_is_audited_or_planned_to_be():
    (one,) = found(good(change=change()))
    assert (one.rule, one.about, one.system) == ("I6", "change", SYSTEM)
    assert one.fact == (
        f"change changed {SYSTEM} on 2026-05-20, and the newest audit that covers {SYSTEM} is of 2026-04-01"
    )
    assert found(good(change=change(date="2026-03-20"))) == []
    assert found(good(change=change(major=False))) == []
    held, more = programme([]).audits[0], {"id": "A2", "planned": "2026-11-01", "auditors": ["eva"]}
    plan = good().by_id["audit-programme"][0]
    planned = [*plan.audits, held.model_copy(update={**more, "scope": (SYSTEM,)})]
    assert found(good(change=change(), programme=plan.model_copy(update={"audits": tuple(planned)}))) == []


def closed(**changes):
    entry = {
        "id": "N1", "finding": "late review", "owner": "olga", "due": "2026-05-01", "cause": "no deputy",
        "closed_on": "2026-04-20", "closed_by": ["r1"],
    }  # fmt: skip
    return good(report=report(findings=[{**entry, **changes}]))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"closed_by": ["no-such-record"]}, "is closed by no-such-record, which is no record and no document"),
        ({"reopened": ["2026-04-25"]}, "was opened again, on 2026-04-25 after it was closed on 2026-04-20"),
        (
            {"reopened": ["2026-04-12", "2026-04-14"]},
            "was opened again 2 times, on 2026-04-14, and nothing shows that it",
        ),
    ],
)
def test_a_finding_is_closed_by_what_is_there_and_stays_closed(changes, word):
    (one,) = found(closed(**changes))
    assert (one.rule, one.about, word in one.fact) == ("I5", "report/N1", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"closed_by": ["aiia", "r1"]},
        {"closed_by": ["the list of deputies on the wall of room 12"]},
        {"reopened": ["2026-04-12"], "effectiveness": "the next two reviews were held in time"},
    ],
)
def test_a_document_closes_a_finding_too_and_so_do_words(changes):
    assert found(closed(**changes)) == []


CLASS = {
    "framework": "AI Act",
    "class": "not high-risk (Art. 6(3))",
    "reason": "clerks decide",
    "checked_on": "2026-05-01",
}


def told(**changes):
    return document("communication", **{**FIELDS["communication"], "reached": 130, "date": "2026-02-01", **changes})


def owed(language="en", **changes):
    duty = {
        "to": "applicants",
        "what": "that a machine scores them",
        "law": "AI Act Art. 26",
        "checked_on": "2026-05-01",
    }
    return document("disclosure-duties", system=SYSTEM, duties=[{**duty, **changes}], language=language)


def logs(kept):
    return document("log-plan", system=SYSTEM, events=[{"event": "score", "where": "log"}], retention=kept)


def fixes(rule, **changes):
    return [f.fix for f in findings(good(**changes), NOW) if f.rule == rule]


def test_a_fix_ends_with_the_document_that_has_to_change():
    (fix,) = fixes("T8", own_test=own_test(date="2024-02-01"))
    assert fix.endswith("aims document publish supplier-evaluation")
    (fix,) = fixes("T6", supplier=supplier(pinned=False))
    assert fix.endswith("aims document publish supplier-record")
    (fix,) = fixes("T1", supplier=None)
    assert fix.endswith(f"aims document new supplier-record --system {SYSTEM}")
    (fix,) = fixes("I3", programme=programme([*clauses(), *controls()]))
    assert fix.endswith("aims document publish audit-programme")


def test_an_audit_of_a_change_is_planned_in_the_programme_that_is_there():
    cycle = programme([*clauses(), *controls(), SYSTEM]).model_copy(update={"id": "cycle"})
    (fix,) = fixes("I6", change=change(), programme=cycle)
    assert "aims document publish cycle;" in fix
    (fix,) = fixes("I6", change=change(), programme=None)
    assert "aims document new audit-programme;" in fix


def test_without_a_register_of_people_nobody_is_called_unfit_to_accept():
    (missing,) = [f for f in findings(good(people=None), NOW) if f.rule in ("P7", "W7")]
    assert (missing.rule, "people" in missing.fact) == ("W7", True)


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"own_test": own_test(n=None)}, ["T4"]),
        ({"own_test": own_test(results=[])}, ["T4"]),
        ({"own_test": document("supplier-evaluation", system=SYSTEM, tests=[])}, ["T2"]),
        ({"supplier": supplier(documents=[])}, ["T1"]),
        ({"duties": document("responsibility-matrix", system=SYSTEM, duties=[{"duty": "uptime"}])}, ["T7"]),
        ({"report": report(sample=None)}, ["I4"]),
        ({"report": report(team=[])}, ["I2"]),
        ({"system": system(roles=[])}, ["S4"]),
        ({"told_policy": told(policy_version=None)}, ["K5"]),
        ({"ana": competence("ana", "fairness").model_copy(update={"person": None})}, ["W6", "K6"]),
        ({"owed": owed(what=None)}, ["W6"]),
    ],
)
def test_what_a_rule_of_its_own_says_is_found_once(changes, rules):
    assert [f.rule for f in findings(good(**changes), NOW)] == rules


@pytest.mark.parametrize(
    "changes",
    [
        {"owed": owed(deadline="by 2027-08-02")},
        {"owed": owed(deadline="within one year")},
        {"owed": owed(what="Meldung schwerer Vorfälle", language="de")},
        {"system": system(legal_class=[CLASS]), "log_plan": logs("5 weeks")},
        {"old": told(id="old", policy_version="0", date="2025-02-01")},
        {"doctor": competence("rita", "radiology", role="clinician")},
        {"eva": competence("eva", "ISO 42001 lead auditor, supplier management")},
        {"eva": competence("eva", "Auditieren, Lieferanten", language="de")},
        {"release": release(rollback_to="manual processing by the clerks")},
    ],
)
def test_honest_documents_have_no_finding(changes):
    assert [(f.rule, f.fact) for f in findings(good(**changes), NOW)] == []


def test_the_reason_of_a_retention_is_the_longer_of_law_and_monitor():
    plan = good().named("monitoring-plan")[0].model_copy(update={"every_days": 400, "grace_days": 0})
    (one,) = findings(good(watch=plan, log_plan=logs("1 month")), NOW)
    assert (one.rule, "the monitor runs every 400 days" in one.fact) == ("L14", True)


def test_a_day_in_a_deadline_is_the_day_on_which_a_duty_is_due():
    (one,) = findings(good(owed=owed(deadline="by 2026-02-02")), NOW)
    assert (one.rule, "due on 2026-02-02" in one.fact) == ("L12", True)
