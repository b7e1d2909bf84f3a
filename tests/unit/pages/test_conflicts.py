"""Conflicts of interest on the page of people: who approved, validated or audited what they built or wrote themselves."""

import pytest

from support.good_documents import FIELDS
from support.ledger_with_decisions import GOOD, SYSTEM, UNFAIR, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import DocumentOffice

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


def test_names_that_could_be_one_person_are_asked_about(registry, tmp_path):
    registry.second_approver("o1ga")
    page = PageSite.of(registry.ledger, tmp_path / "pages.db").json("people")
    near = next(block for block in page["blocks"] if block["title"] == "Owners whose names are near")
    assert "'o1ga' and 'olga' could be taken for each other: are they two people?" in near["sentences"]
