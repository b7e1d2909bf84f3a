"""What an audit did not see, and findings that were closed on nothing or too early."""

import pytest

from aims_mlflow.management.findings.every import findings
from support.management_states import NOW, SYSTEM, document, good, programme, report


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
