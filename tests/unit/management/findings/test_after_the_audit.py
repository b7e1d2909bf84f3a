"""What an audit did not see, and findings that were closed on nothing or too early."""

import pytest

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.management.findings.every import findings
from support.management_states import NOW, SYSTEM, document, good, own_test, programme, report, supplier


def found(state):
    return [f for f in findings(state, NOW) if f.rule in ("I5", "I6")]


def change(**changes):
    fields = {"what": "a new class of model", "assessment": "R1 was assessed again", "date": "2026-05-20"}
    return document("change", system=SYSTEM, **{**fields, **changes})


def test_a_major_change_after_the_audit_is_audited_or_planned_to_be():
    (one,) = found(good(change=change()))
    assert (one.rule, one.about, one.system) == ("I6", "change", SYSTEM)
    assert "the newest audit is of 2026-04-01, and change changed income-screening on 2026-05-20" in one.fact
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
