"""What a newcomer asks of the pages is answered where they look: data behind a number, assessments, card, sample."""

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from aims_mlflow.capture.recorder import artifact
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.pages.scope import EVERYTHING, Scope
from aims_mlflow.pages.views.assessed import AssessedSystem, lacking_cell
from aims_mlflow.records.details.checks import FairnessDetails, PerformanceDetails
from aims_mlflow.records.evidence import Claim
from support import signed_sessions
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, UNFAIR, Registry, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import ENTRY, DocumentOffice


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    office = DocumentOffice(made)
    office.publish("system", fields={**ENTRY, "stage": "idea"}, system="letters", name="letters")
    office.publish("impact-assessment")
    return made


@pytest.fixture(scope="module")
def site(registry, tmp_path_factory):
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {"model": NAME, "version": "1", "system": SYSTEM}
    return made


def systems(site, query=None, scope=EVERYTHING):
    return {row["System"]["text"]: row for row in site.rows("systems", "Systems", query, scope=scope)}


def test_a_system_that_the_register_alone_names_is_in_the_list_and_has_a_page(site):
    found = systems(site)
    assert found["letters"]["Stage"] == "idea, by the register"
    assert found["letters"]["Models"] == 0
    assert "clerks order applications" in site.html("system", system="letters")


def test_the_overview_counts_every_system_and_leads_to_those_that_the_register_alone_names(site):
    block = next(b for b in site.json("overview")["blocks"] if b["title"] == "Systems by stage")
    facts = {name: cells[0] for name, cells in block["facts"].items()}
    assert (facts["development"], facts["retired"]) == ("0", "0")
    assert facts["deployed"]["text"] == "1"
    assert facts["in the register alone"]["text"] == "1 (idea 1)"
    assert facts["all"]["text"] == "2, of which 1 with registered models"
    path, _, query = facts["in the register alone"]["href"].partition("?")
    assert path == "systems"
    assert list(systems(site, dict(parse_qsl(query)))) == ["letters"]
    assert list(systems(site, {"stage": "deployed"})) == [SYSTEM]


def test_how_many_systems_lack_an_assessment_leads_to_them(site):
    (told,) = site.json("systems")["lead"]
    assert told["text"] == (
        "2 of 2 systems lack an impact assessment that counts: none is published for 1; a control of A.5 is not met for 1."
    )
    assert told["href"] == "systems?assessment=lacks+one+that+counts"
    assert list(systems(site, {"assessment": "lacks one that counts"})) == [SYSTEM, "letters"]
    assert list(systems(site, {"assessment": "none is published"})) == ["letters"]


def test_the_controls_of_an_assessment_stand_beside_it(site):
    sql = "SELECT group_concat(control, ', ') FROM status WHERE state = '{}' AND version = '1' AND control LIKE 'A.5.%'"
    missing = site.first(sql.format("missing"))
    assert missing
    for told in (systems(site)[SYSTEM]["Its controls (A.5)"], system_facts(site)["Its controls (A.5)"][0]):
        assert f"{missing} missing" in told["text"]
        assert told["href"].startswith("controls/A.5.")
    assert systems(site)["letters"]["Its controls (A.5)"] == "no version is in use here, so no control is judged"


def system_facts(site):
    return next(block for block in site.json("system")["blocks"] if block["title"] == "System")["facts"]


@pytest.mark.parametrize(
    ("state", "of_control", "unjudged", "lacks", "told"),
    [
        ("approved", "met", 0, "", "Each of the 1 systems has an approved impact assessment, and each version in use"),
        ("due", "met with warnings", 0, "", "Each of the 1 systems"),
        ("published", "met", 0, "none is approved and in date", "none is approved and in date for 1"),
        ("approved", "stale", 0, "a control of A.5 is not met", "a control of A.5 is not met for 1"),
        ("approved", "failed and waived", 0, "a control of A.5 is not met", "a control of A.5 is not met for 1"),
        ("retired", "missing", 0, "", "Each of the 0 systems has"),
        ("approved", "met", 2, "", "No system is known to lack an impact assessment. 2 versions in use are not judged"),
    ],
)
def test_only_an_approved_assessment_whose_controls_are_met_is_none_that_lacks(
    state, of_control, unjudged, lacks, told
):
    row = {"state": of_control, "control": "A.5.3"}
    found: list[Any] = [(SimpleNamespace(state=state), None)]
    one = AssessedSystem("income", found, [row], unjudged, state == "retired")
    assert one.lacks == lacks
    assert told in lacking_cell(SimpleNamespace(unread=False), {"income": one}).text


def test_a_system_without_a_model_is_for_those_who_may_read_everything(site):
    reader = Scope(frozenset({NAME}))
    assert list(systems(site, scope=reader)) == [SYSTEM]
    assert site.answer("system", system="letters", scope=reader).status == 404


def claim_page(site, kind):
    record = site.first(f"SELECT id FROM record WHERE kind = '{kind}' AND claims > 1 ORDER BY leaf LIMIT 1")
    return {block["title"]: block for block in site.json("claim", record=record, number="1")["blocks"]}


def test_one_number_names_the_data_that_it_was_measured_on_and_leads_to_their_rights(site):
    data = claim_page(site, "fairness")["What it rests on"]["facts"]["Data"]
    assert data[0] == "test, 9,769 rows"
    assert data[1] == signed_sessions.TEST
    assert data[-1]["href"] == f"models/{NAME}/1"


def test_counts_are_named_by_the_actual_and_the_predicted_label(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    writer = signed_sessions.session(registry.trainer, model=GOOD, ratio="0.9", close=False)
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    groups = [{"slice": {"sex": "f"}, "counts": [[100, 20], [30, 4000]]}, {"slice": {"sex": "m"}, "counts": [[1]]}]
    details = FairnessDetails(favourable="yes", tables=[{"columns": ["sex"], "groups": groups}])
    writer.add("fairness", about, claims=signed_sessions.group_claims("0.9", "f", "sex"), details=details)
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    record = site.first("SELECT id FROM record WHERE kind = 'fairness' ORDER BY time DESC LIMIT 1")
    first, second = site.rows("claim", "Counts", record=record, number="0")
    assert first == {
        "Rows": "sex=f", "actual not yes, predicted not yes": "100", "actual not yes, predicted yes": "20",
        "actual yes, predicted not yes": "30", "actual yes, predicted yes": "4,000",
    }  # fmt: skip
    assert list(second.values()) == ["sex=m", "1", "", "", ""]


@pytest.mark.parametrize(
    ("details", "title", "rows"),
    [
        (
            {"favourable": "yes", "counts": [[4000, 200], [300, 1500]]},
            "Behaviour: confusion counts on test data",
            [
                {"Label": "actual not yes", "predicted not yes": 4000, "predicted yes": 200, "n, rows": 4200},
                {"Label": "actual yes", "predicted not yes": 300, "predicted yes": 1500, "n, rows": 1800},
            ],
        ),
        (
            {"labels": ["a", "b", "c"], "counts": [[1] * 3] * 3},
            "Behaviour: confusion counts on test data",
            ["a", "b", "c"],
        ),
        ({"counts": [[1] * 13] * 13}, "Behaviour: confusion counts on test data", "169 rows of 13 labels"),
        ({}, "Behaviour: confusion counts", "No performance record that counts for it keeps a table of counts."),
    ],
)
def test_confusion_counts_are_below_the_behaviour_of_a_version_with_labels_and_rows(tmp_path, details, title, rows):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    writer = signed_sessions.session(registry.trainer, model=GOOD, ratio="0.9", close=False)
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    claims = (Claim(metric="accuracy", value="0.9", role="test", n=6000),)
    writer.add("performance", about, claims=claims, details=PerformanceDetails(**details))
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    (block,) = [b for b in site.json("version", model=NAME, version="1")["blocks"] if "confusion" in b["title"]]
    assert block["title"] == title
    if isinstance(rows, str):
        assert rows in str(block)
        return
    assert block["rows"][0]["Label"]["href"].startswith("records/")
    named = [row["Label"]["text"] for row in block["rows"]]
    if isinstance(rows[0], str):
        assert named == [f"actual {label}" for label in rows]
        return
    assert [{**row, "Label": name} for row, name in zip(block["rows"], named, strict=True)] == rows


def test_the_card_is_the_signed_one_although_another_session_added_evidence(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    writer = signed_sessions.session(registry.trainer, system=SYSTEM, model=GOOD, ratio="0.9", close=False)
    so_far = check_session(writer.jsonl(), "aims/sessions/x.jsonl", registry.force.keyring.find).records
    card = render_model_card(so_far, GOOD)
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    writer.add("model-card", about, artifacts=(artifact("aims/model_card.md", card),))
    writer.close()
    later = signed_sessions.session(registry.trainer, system=SYSTEM, model=GOOD, ratio="0.9")
    files = {f"aims/sessions/{each.id}.jsonl": each.jsonl() for each in (writer, later)}
    assert registry.ask("registration", files, GOOD, "1").allowed
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    (shown,) = [b for b in site.json("version", model=NAME, version="1")["blocks"] if b["title"] == "Model card"]
    assert shown["text"] == card.decode()
    assert shown["note"].startswith("Made from the sealed records; byte for byte the card that the trainer signed.")


def test_a_sample_that_cannot_be_drawn_yet_leads_to_one_that_can(site):
    (late,) = [
        b for b in site.json("sample", {"population": "all decisions"})["blocks"] if b["title"] == "Not drawn yet"
    ]
    link = next(each for each in late["sentences"] if isinstance(each, dict))
    assert link["text"].startswith("Draw now over the first")
    why = late["sentences"][0]
    assert "the ledger has no more than these: whatever is sealed next gives it, such as a registration" in why
    assert why.endswith("no day is fixed for that.")
    leaves = re.search(r"leaves=(\d+)", link["href"])[1]
    assert site.rows("sample", "Drawn", {"population": "all decisions", "leaves": leaves})
    for size, text in (
        ("2", "n = 2 of 3: what was asked for; no table chose it"),
        ("5", "n = 3: the whole population"),
    ):
        query = {"population": "registrations", "leaves": leaves, "n": size}
        facts = next(b for b in site.json("sample", query)["blocks"] if b["title"] == "How it was drawn")["facts"]
        assert facts["Size"][0].startswith(text)
    told = site.rows("sample", "How to test an item", {"population": "all decisions", "leaves": leaves})
    assert [row["Test"] for row in told][:2] == ["Evidence whole", "Digest equal"]


def test_a_version_that_was_let_in_on_a_waiver_has_its_own_counts_only(site):
    """The page of a number reads the records of its own session, not of another version's."""
    record = site.first(f"SELECT id FROM record WHERE kind = 'fairness' AND digest = '{UNFAIR}' LIMIT 1")
    facts = {b["title"]: b for b in site.json("claim", record=record, number="1")["blocks"]}["What it rests on"][
        "facts"
    ]
    assert facts["Data"][-1]["href"] == f"models/{NAME}/2"
