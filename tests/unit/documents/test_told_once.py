"""A verdict stands once beside its value, a limit once in the card, and a warning without a limit says that it has none."""

from aims_mlflow.documents.evidence_summary import decided_later, result
from aims_mlflow.documents.index_boxes import claim_cells
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.notes import Notes
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.records.evidence import Claim
from support.signed_sessions import MODEL
from support.status_cases import good

FEW = Claim(
    metric="true_positive_rate_difference", slice={"race": "Other"}, reference={"race": "White"}, value="0.2", n=6,
    passed=None, comparator="<=", limit="0.1", severity="warning", role="test",
    note="not enough data: n=6, and 30 are asked for",
)  # fmt: skip


def records(**changes):
    def change(parts):
        for kind, fields in changes.items():
            parts[kind.replace("_", "-")][1].update(fields)

    return good(change=change).sessions[0].records


def test_the_word_of_a_verdict_stands_once_beside_its_note():
    assert getattr(claim_cells(FEW)[-1], "text", "") == "not enough data; n=6, and 30 are asked for"
    (sentence,) = [text for text, _ in EvidenceVerdict.of(records(fairness={"claims": [FEW]})).by_severity()[1][1]
                   if "race=Other" in text]  # fmt: skip
    assert sentence.count("not enough data") == 1
    assert sentence.startswith("not enough data: ")


def test_a_check_that_warns_for_no_limit_says_so_in_its_row():
    held = Claim(metric="group_share", value="0.5", n=900, passed=True, comparator=">=", limit="0.1", role="train")
    found = records(representativeness={"claims": [held], "result": "warned", "reason": "no population is declared"})
    notes = Notes(found)
    lines = result(notes, EvidenceVerdict.of(found), "Limitations")
    (row,) = (line for line in lines if line.startswith("| representativeness"))
    assert "warned, for a reason that is no limit" in row


def test_a_limit_that_several_records_hold_stands_once_with_a_mark_for_each():
    same = Claim(metric="missing_share", value="0", n=900, passed=True, comparator="<=", limit="0.5", role="train")
    found = records(representativeness={"claims": [same]}, fairness={"claims": [same]})
    text = render_model_card(found, MODEL).decode()
    part = text.partition("## Limits and their reasons")[2].partition("\n## ")[0]
    (row,) = (line for line in part.splitlines() if line.startswith("| missing share"))
    assert row.split("|")[2].count("[^e") == 2


def test_card_and_page_name_the_command_and_the_page_that_tell_what_was_decided_later():
    found = records()
    card = render_model_card(found, MODEL).decode()
    said = decided_later(found)
    assert said in card
    name = found[0].evidence.system
    assert f"`aims gate explain models:/{name}/VERSION --stage deployment`" in said
    assert f"`/aims/models/{name}`" in said


def test_a_name_that_would_break_a_command_is_not_written_into_it():
    hostile = records(session_start={"details": {"system": {"id": "x`; rm -rf ~", "owner": "o"}}})
    assert "models:/NAME/VERSION" in decided_later(hostile)
