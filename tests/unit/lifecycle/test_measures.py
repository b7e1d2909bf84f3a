"""Incidents about measures that waivers promised: who may review them, and that a new name of the model opens none again."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.incident_review import close_incident
from aims_mlflow.lifecycle.measures import measures_due
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import outcome_of
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.leaves.changes import RenamingLeaf
from aims_mlflow.records.leaves.others import IncidentLeaf
from aims_mlflow.registers.findings import Finding
from support.ledger_with_decisions import NAME, UNFAIR, decided_ledger

NOW = datetime.now(UTC)
GONE, LATER = (utc_text(NOW + timedelta(days=days)) for days in (-2, 9))


@pytest.fixture
def registry(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    registry.rosa = registry.second_approver("rosa")
    return registry


def rename(registry, name, new):
    leaf = RenamingLeaf(model_name=new, previous=name, request=uuid7())
    registry.ledger.seal(Entry(leaf))
    registry.ledger.seal(Entry(outcome_of(leaf, done=True)))


def overdue(registry, name):
    """The incidents that are new at a look, sealed as `aims gate reconcile` seals them."""
    found = measures_due(ModelHistory(registry.ledger, name), datetime.now(UTC))
    return [registry.ledger.seal(each.entry())[0].fact.request for each in found]


def review(registry, incident, key):
    return close_incident(registry.ledger, incident, "done", key, "somebody")


def test_a_signer_does_not_review_the_own_measure_under_a_new_name_of_the_model(registry):
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=LATER, measure_due=GONE)
    rename(registry, NAME, "salary")
    (incident,) = overdue(registry, "salary")
    with pytest.raises(EvidenceError, match="olga signed a waiver that it is about"):
        review(registry, incident, registry.approver)
    assert review(registry, incident, registry.rosa[0]).fact.state == "closed"


def test_an_incident_that_was_reviewed_is_not_opened_again_under_a_new_name(registry):
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=LATER, measure_due=GONE)
    (incident,) = overdue(registry, NAME)
    assert overdue(registry, NAME) == []
    review(registry, incident, registry.rosa[0])
    rename(registry, NAME, "salary")
    assert overdue(registry, "salary") == []
    assert overdue(registry, NAME) == [], "whoever has the old name next promised nothing"


def test_an_emergency_waiver_of_the_old_name_keeps_its_signer_from_a_review(registry):
    emergency = {"expires": LATER, "break_glass": True}
    registry.consent("waiver", "deployment", UNFAIR, "champion", signer=registry.rosa, **emergency)
    rename(registry, NAME, "salary")
    content = IncidentLeaf(about="break-glass", model_name="salary", waivers=["w-1"])
    (leaf,) = registry.ledger.seal(Finding(content, "opened in an emergency").entry())
    with pytest.raises(EvidenceError, match="rosa signed a waiver that it is about"):
        review(registry, leaf.fact.request, registry.rosa[0])
    assert review(registry, leaf.fact.request, registry.approver).fact.state == "closed"
