"""Waivers: what each lets pass and what speaks against it stand on their page and on the decision, in the same words."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.void_waivers import SealedWaivers
from aims_mlflow.gates.waivers import INVOLVED
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.measures import measures_due
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import outcome_of
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.leaves.changes import RenamingLeaf
from support.good_documents import FIELDS, NEXT
from support.ledger_with_decisions import NAME, SYSTEM, UNFAIR, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import ENTRY, DocumentOffice

NO_DAY = "no day is set for evidence of a compensating measure"
GONE = utc_text(datetime.now(UTC) - timedelta(days=2))
UNTIL = utc_text(datetime.now(UTC) + timedelta(days=9))


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")


@pytest.fixture
def site(registry, tmp_path):
    return PageSite.of(registry.ledger, tmp_path / "pages.db")


@pytest.fixture(scope="module")
def used(registry):
    """The decision that rests on the waivers: its leaf, and what it let pass."""
    return next(x for x in registry.ledger.leaves(types=("decision",)) if x.fact.waivers and x.fact.allowed)


def against(site):
    return {(row["Control"], row["What speaks against it"]["text"]) for row in site.rows("waivers", "Waivers")
            if row["State"]["text"] == "in force"}  # fmt: skip


def test_the_failure_stands_in_the_words_of_the_decision(registry, site, used):
    conditions = "Conditions that did not hold, were waived or are warned of"
    decided = {row["Condition of the policy"] for row in site.rows("decision", conditions, leaf=str(used.sequence))}
    shown = "; ".join(row["What it waives"] for row in site.rows("waivers", "Waivers"))
    assert set(shown.split("; ")) == decided
    assert "selection-rate ratio for sex=Female is 0.31" in shown
    again = site.rows("decision", "Waivers that it rests on", leaf=str(used.sequence))
    assert again == site.rows("waivers", "Waivers")


def test_a_waiver_without_a_measure_and_without_a_risk_says_so(site):
    for _, text in against(site):
        assert text.startswith(f"{NO_DAY}; no risk of {SYSTEM} names ")
    assert {row["Measure due"] for row in site.rows("waivers", "Waivers")} == {
        "no day is set for evidence of a measure"
    }


def test_measures_of_the_assessment_and_the_interest_of_the_signer_are_told(registry, site, used):
    office = DocumentOffice(registry)
    office.publish("system", fields=ENTRY)
    measures = [{"impact": "I1", "measure": "a person reads each refusal", "owner": "olga", "due": NEXT}]
    office.publish("impact-assessment", fields={**FIELDS["impact-assessment"], "measures": measures})
    cause = site.first(f"SELECT id FROM record WHERE kind = 'fairness' AND digest = '{UNFAIR}'")
    risk = {**FIELDS["risk-register"]["risks"][0], "group": "sex=Female", "cause_evidence": [cause]}
    office.publish("risk-register", fields={"risks": [risk]})
    site.shared.index.refresh(site.shared.view)
    rows = site.rows("waivers", "Waivers")
    assert {row["Measure due"]["text"] for row in rows} == {
        f"1 measure of impact-assessment, the first due {NEXT}; the waiver itself sets no day"
    }
    told = {row["What speaks against it"]["text"] for row in rows if "fairness" in row["What it waives"]}
    assert all(NO_DAY not in row["What speaks against it"]["text"] for row in rows)
    assert all(f"olga, who signed it, owns {SYSTEM}" in row["What speaks against it"]["text"] for row in rows)
    assert not any("no risk" in text for text in told), "the register has a risk with this record as its cause"


def test_evidence_of_a_measure_that_is_late_is_told(registry, site):
    before = against(site)
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=UNTIL, measure_due=GONE)
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.3", expires=UNTIL, measure_due=UNTIL)
    late = f"evidence of its measure was due on {GONE[:10]}, and none is recorded"
    site.shared.index.refresh(site.shared.view)
    (about_2, text), (about_3, other) = sorted(against(site) - before)
    assert (about_2, about_3) == ("A.9.2", "A.9.3")
    assert late in text
    assert "evidence" not in other
    (incident,) = measures_due(ModelHistory(registry.ledger, NAME), datetime.now(UTC))
    registry.ledger.seal(incident.entry())
    site.shared.index.refresh(site.shared.view)
    assert late in dict(against(site))["A.9.2"]
    registry.ledger.seal(incident.entry("closed"))
    site.shared.index.refresh(site.shared.view)
    assert late not in dict(against(site))["A.9.2"], "somebody recorded it: the incident is closed"


def states(site, control):
    return {row["State"]["text"] for row in site.rows("waivers", "Waivers") if row["Control"] == control}


def lines(registry):
    authority = Authority(registry.ledger, NAME, registry.force, datetime.now(UTC))
    return list(SealedWaivers(authority).lines(datetime.now(UTC)))


def test_a_waiver_that_covers_nothing_is_told_with_the_reason_of_the_gate(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    long = utc_text(datetime.now(UTC) + timedelta(days=400))
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=long)
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.3", expires=UNTIL)
    other = registry.second_approver("ana")
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.4", expires=UNTIL, signer=other)
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    too_long = "it is too long: the policy allows 90 days"
    assert states(site, "A.9.2") == {f"covers nothing: {too_long}"}
    assert states(site, "A.9.3") == {"in force"}
    assert states(site, "A.9.4") == {f"covers nothing: {INVOLVED}"}
    assert [line.partition(" of ")[2] for line in lines(registry)] == [
        f"A.9.2 by olga until {long[:10]} covers nothing: {too_long}",
        f"A.9.4 by ana until {UNTIL[:10]} covers nothing: {INVOLVED}",
    ]  # fmt: skip
    registry.consent("revocation", "deployment", UNFAIR, "champion")
    site.shared.index.refresh(site.shared.view)
    assert states(site, "A.9.3") == {"revoked"}


@pytest.mark.parametrize(("action", "word"), [("revocation", "revoked"), ("retirement", "model retired")])
def test_a_waiver_of_bytes_that_were_taken_back_is_in_force_nowhere(tmp_path, action, word):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    assert {row["State"]["text"] for row in site.rows("waivers", "Waivers")} == {"in force"}
    until = utc_text(datetime.now(UTC) + timedelta(days=40))
    assert any(NAME in str(row) for row in site.rows("overview", "Ending within 31 days"))
    registry.consent(action, "deployment", UNFAIR, "champion")
    site.shared.index.refresh(site.shared.view)
    assert {row["State"]["text"] for row in site.rows("waivers", "Waivers")} == {word}
    assert {row["What speaks against it"] for row in site.rows("waivers", "Waivers")} == {"nothing found"}
    assert not [row for row in site.rows("overview", "Ending within 31 days") if "waiver" in row["What"]]
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=until)
    site.shared.index.refresh(site.shared.view)
    states = [row["State"]["text"] for row in site.rows("waivers", "Waivers")]
    assert states == ["in force", *[word] * (len(states) - 1)], "a later waiver counts, and comes first"


def test_a_measure_whose_incident_was_reviewed_is_not_late_under_a_new_name_of_the_model(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    registry.consent("waiver", "deployment", UNFAIR, "champion", control="A.9.2", expires=UNTIL, measure_due=GONE)
    (incident,) = measures_due(ModelHistory(registry.ledger, NAME), datetime.now(UTC))
    registry.ledger.seal(incident.entry())
    leaf = RenamingLeaf(model_name="salary", previous=NAME, request=uuid7())
    registry.ledger.seal(Entry(leaf))
    registry.ledger.seal(Entry(outcome_of(leaf, done=True).changed(previous=NAME)))
    site.shared.index.refresh(site.shared.view)
    assert "evidence of its measure was due" in str(site.rows("waivers", "Waivers"))
    registry.ledger.seal(incident.entry("closed"))
    site.shared.index.refresh(site.shared.view)
    assert "evidence of its measure was due" not in str(site.rows("waivers", "Waivers"))
