"""Conflicts of interest on the page of people: who approved, validated or audited what they built or wrote themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.records.base import utc_text
from support.good_documents import FIELDS
from support.ledger_with_decisions import GOOD, SYSTEM, UNFAIR, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import ENTRY, DocumentOffice

TITLE = "Conflicts of interest"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")


@pytest.fixture
def rows(registry, tmp_path):
    """What the page shows as conflicts: what, who, and why, after each call."""

    def read():
        found = PageSite.of(registry.ledger, tmp_path / "pages.db").rows("people", TITLE)
        shown = [(row["What"], row["Person"], row["Why it is a conflict"]) for row in found]
        assert len(shown) == len(set(shown)), "each stands once"
        return set(shown)

    return read


def test_an_approval_by_another_person_is_none(rows):
    assert rows() == set()


def test_who_trained_a_model_and_says_yes_to_it_stands_there_under_any_spelling(registry, rows):
    registry.consent("approval", "deployment", UNFAIR, "champion", signer=registry.second_approver("ANA"))
    assert rows() == {("approval for deployment", "ANA", "signed the record of its training")}


def test_documents_approved_by_their_author_and_validations_and_audits_of_ones_own(registry, rows):
    office = DocumentOffice(registry)
    before = rows()
    team = [{"person": "Ana", "competence": "course", "independence": "none"}, *FIELDS["audit-report"]["team"]]
    office.publish("audit-report", fields={**FIELDS["audit-report"], "team": team}, system=SYSTEM)
    office.publish("validation-report", model_digests=[GOOD])
    assert rows() - before == {
        ("audit", "Ana", f"trained models of {SYSTEM}"),
        ("validation", "ana", "signed the record of its training"),
    }


def test_who_owns_a_system_or_wrote_about_it_and_waives_its_gap(registry, rows):
    """The waivers of version 2 are olga's; ana, who signed its training, waives another control of it."""
    office, before = DocumentOffice(registry), rows()
    office.publish("system", fields=ENTRY)
    controls = {x.fact.control for x in registry.ledger.leaves(types=("waiver",))}
    assert rows() - before == {(f"waiver of {each}", "olga", f"owns {SYSTEM}") for each in controls}
    before = rows()
    office.publish("impact-assessment")
    until = utc_text(datetime.now(UTC) + timedelta(days=5))
    key = registry.second_approver("Ana")
    registry.consent("waiver", "registration", UNFAIR, control="A.5.3", expires=until, signer=key)
    why = f"entered {SYSTEM} in the register; wrote impact-assessment, on which A.5.3 rests"
    assert rows() - before == {
        ("waiver for registration", "Ana", "signed the record of its training"), ("waiver of A.5.3", "Ana", why),
    }  # fmt: skip


def test_who_accepts_a_risk_of_their_own_or_judges_themselves(registry, rows):
    office, before = DocumentOffice(registry), rows()
    risk = {**FIELDS["risk-register"]["risks"][0], "system": "another-system", "status": "accepted"}
    risks = [
        {**risk, "accepted_by": "Olga"}, {**risk, "id": "R2", "accepted_by": "max"},
        {**risk, "id": "R3", "owner": "max", "accepted_by": "max"}, {**risk, "id": "R4", "accepted_by": "ana"},
    ]  # fmt: skip
    office.publish("risk-register", fields={"risks": risks})
    office.publish("competence-record", fields={**FIELDS["competence-record"], "assessor": "ANA"})
    office.publish("roles", fields={"roles": [{**FIELDS["roles"]["roles"][0], "deputy": "olga"}]})
    duties = [{"duty": "train", "person": "rita"}, {"duty": "validate", "person": "rita"}]
    office.publish("role-assignment", fields={"assignments": duties}, system="another-system")
    assert rows() - before == {
        ("acceptance of risk R1", "Olga", "owns R1"),
        ("acceptance of risk R3", "max", "owns R3"),
        ("acceptance of risk R4", "ana", "wrote risk-register"),
        ("assessment of competence", "ANA", "it is their own"),
        ("deputy of the role approver", "olga", "holds the role"),
        ("duty to validate", "rita", "is to train another-system too"),
    }


def test_an_auditor_who_answers_for_what_is_sampled(registry, rows):
    office, before = DocumentOffice(registry), rows()
    office.publish("log-plan")
    sample = {**FIELDS["audit-report"]["sample"], "items": ["log-plan"]}
    team = [{"person": name, "competence": "course", "independence": "none"} for name in ("olga", "eva")]
    fields = {**FIELDS["audit-report"], "audit": "A7", "team": team, "sample": sample}
    office.publish("audit-report", name="second-audit", fields=fields, system=None)
    assert rows() - before == {("audit", "olga", "wrote, owns, decided or approved log-plan")}


def test_names_that_could_be_one_person_are_asked_about(registry, tmp_path):
    registry.second_approver("o1ga")
    page = PageSite.of(registry.ledger, tmp_path / "pages.db").json("people")
    near = next(block for block in page["blocks"] if block["title"] == "Owners whose names are near")
    assert "'o1ga' and 'olga' could be taken for each other: are they two people?" in near["sentences"]
