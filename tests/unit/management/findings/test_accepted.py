"""A finding that a risk accepts until a day, and what accepts nothing."""

import dataclasses
from types import SimpleNamespace

import pytest

from aims_mlflow.management.findings.accepted import acceptances
from aims_mlflow.management.findings.every import findings
from support.management_states import NOW, good, in_scope, risk, risks

TODAY = "2026-06-15"
LEFT = {"likelihood": "rare", "impact": "high", "level": "medium", "basis": "the board scans in July"}
ACCEPTS = {"id": "R9", "status": "accepted", "accepted_by": "max", "accepted_until": TODAY, "residual": LEFT}
OLD_SCAN = {"scope": in_scope(sources=("registered models", "providers in traces", "SaaS list"))}


def accepted(state=None, today=TODAY, **changes):
    state = state or good(**OLD_SCAN)
    (one,) = (f for f in findings(state, NOW) if f.rule == "S6")
    entry = risk(**{**ACCEPTS, "findings": [one.id[:12]], **changes})
    documents = tuple(risks(risk(), entry) if d.kind == "risk-register" else d for d in state.documents)
    state = dataclasses.replace(state, documents=documents)
    return acceptances(findings(state, NOW), state, today)


def test_a_finding_is_accepted_until_its_last_day_with_reason_and_name():
    (one,) = accepted()
    assert (one.finding.rule, one.finding.about) == ("S6", "SaaS list")
    assert one.sentence() == f"accepted by max until {TODAY}, as risk R9: the board scans in July"
    assert accepted(today="2026-06-16") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"accepted_until": None}, {"accepted_by": "ana"}, {"accepted_by": None}, {"status": "open"},
        {"findings": ["3f9a"]}, {"residual": None, "impact_basis": "n/a"},
    ],
)  # fmt: skip
def test_what_lacks_an_end_a_reason_or_somebody_who_may_accepts_nothing(changes):
    assert accepted(**changes) == []


@pytest.mark.parametrize("approved", [True, False])
def test_a_published_register_accepts_once_it_is_approved(monkeypatch, approved):
    from aims_mlflow.management.findings import accepted as room

    monkeypatch.setattr(room, "_unapproved", lambda state, today: set() if approved else {"risk-register"})
    assert len(accepted()) == approved


def test_whoever_is_not_approved_is_known_by_the_shelf():
    from aims_mlflow.management.findings.accepted import _unapproved

    shelf = SimpleNamespace(is_approved=lambda p: p == "yes")
    documents = (("yes", SimpleNamespace(id="a")), ("no", SimpleNamespace(id="b")))
    state = SimpleNamespace(published=SimpleNamespace(shelf=shelf, in_force=lambda day: documents))
    assert _unapproved(state, TODAY) == {"b"}
    assert _unapproved(SimpleNamespace(published=None), TODAY) == set()
