"""Card, data sheet, states and page: every number leads to its record, and nothing hostile gets through."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from aims_mlflow.documents.datasheet import render_datasheet
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.terminal import summary_lines
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.details.training import ProvenanceDetails
from aims_mlflow.records.wording import number_text
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions, status_cases

NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)(?: \(95% ([\d.e-]+) to ([\d.e-]+)\))?\[\^e(\d+)\]")


def values_in(record):
    """Every number that a record holds, as a document would show it."""
    out = set()

    def walk(value):
        if isinstance(value, dict):
            out.add(number_text(str(len(value))))
            for item in value.values():
                walk(item)
        elif isinstance(value, list | tuple):
            out.add(number_text(str(len(value))))
            for item in value:
                walk(item)
        elif type(value) is int or (isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)):
            out.add(number_text(str(value)))

    walk(record.evidence.model_dump(mode="json"))
    return out


@pytest.mark.parametrize("render", [lambda r: render_model_card(r, signed_sessions.MODEL), render_datasheet])
def test_every_number_resolves_to_a_value_of_the_record_that_it_cites(render):
    records = signed_sessions.session().records
    text = render(records).decode()
    notes = dict(re.findall(r"^\[\^e(\d+)\]: evidence `([0-9a-f-]+)`", text, re.MULTILINE))
    by_id = {r.id: r for r in records}
    cited = NUMBER.findall(text)
    assert len(cited) > 3
    for value, low, high, note in cited:
        found = values_in(by_id[notes[note]]) | {"0"}
        for number in filter(None, (value, low, high)):
            assert number in found, f"{number} is not in {by_id[notes[note]].evidence.kind}"


@pytest.mark.parametrize("render", [lambda r: render_model_card(r, signed_sessions.MODEL), render_datasheet])
def test_no_number_stands_without_the_record_that_it_came_from(render):
    """Outside code, names and headings: a number without a mark was typed by hand."""
    text = render(signed_sessions.session(system="screening").records).decode()
    body = text.split("---\n", 2)[-1]
    body = re.sub(r"^(\[\^e\d+\]: .*|#.*)$", "", body, flags=re.MULTILINE)
    body = re.sub(r"`[^`]*`|A mark such as \[\^e1\]|\(95% [\d.e-]+ to [\d.e-]+\)", "", body)
    marked = re.sub(r"[^\s|]*\d[^\s|]*\s?\[\^e\d+\]|\[\^e\d+\]", "", body)
    assert len(body) - len(marked) > 20
    assert re.findall(r"(?<![\w-])\d[\d.,]*", marked) == []


def test_the_cards_header_is_what_model_hubs_read():
    text = render_model_card(signed_sessions.session().records, signed_sessions.MODEL).decode()
    _, header, rest = text.split("---\n", 2)
    index = yaml.safe_load(header)["model-index"][0]["results"][0]
    assert {m["type"]: m["value"] for m in index["metrics"]}["accuracy"] == 0.8714567
    for title in (
        "Intended use",
        "Foreseeable misuse",
        "Instructions for deployers",
        "Human oversight",
        "Input specification",
        "Security",
        "Logging",
        "Planned changes",
        "Monitoring plan",
        "Lifetime",
        "Performance and outcomes by group",
    ):
        assert f"## {title}\n" in rest
    assert "Not stated in aims.yaml (`system.human_oversight`)" in rest
    assert "0.31 (95% 0.28 to 0.34)" in rest
    assert "undefined" in rest
    assert "Order \\*applications\\*" in rest, "what people write is text, not markup"


def test_a_number_changes_with_its_record():
    one = render_model_card(signed_sessions.session(ratio="0.31").records, signed_sessions.MODEL)
    other = render_model_card(signed_sessions.session(ratio="0.62").records, signed_sessions.MODEL)
    assert b"0.31 (95%" in one
    assert b"0.31 (95%" not in other
    assert b"0.62 (95%" in other


def subject(sessions):
    return StatusSubject("income-screening", digest=signed_sessions.MODEL, sessions=tuple(sessions))


def states(sessions, now=None):
    return {s.control.id: s for s in control_statuses(subject(sessions), now or datetime.now(UTC))}


def test_states_are_decided_by_what_was_evaluated():
    found = states([signed_sessions.checked(signed_sessions.session())])
    assert found["A.6.2.4"].state == "failed"
    assert found["A.4.4"].state == "missing", "one digest of all packages lists none of them"
    assert found["A.6.2.6"].state == "not due"
    assert found["A.2.2"].state == "not assessed here"
    assert len(found) == 38
    assert found["A.5.4"].state == "failed", "a supporting result that failed shows at once"
    better = states([signed_sessions.checked(signed_sessions.session(ratio="0.95"))])
    assert better["A.6.2.4"].state == "missing"
    assert "aims document new validation-report" in better["A.6.2.4"].reason
    assert better["A.5.4"].state == "not due", "a kind that supports never suffices"
    assert better["A.7.4"].state == "missing"


def test_an_unsound_session_makes_everything_unverifiable():
    writer = signed_sessions.session()
    data = writer.jsonl().replace(b'"sig":"', b'"sig":"A', 1)
    from aims_mlflow.evidence.verify import check_session

    broken = check_session(data, "s", signed_sessions.lookup(signed_sessions.entry(writer._key)))
    found = states([broken]).values()
    assert {s.state for s in found if s.control.stage != "organization"} == {"unverifiable"}
    assert {s.state for s in found} == {"unverifiable", "not assessed here"}


def test_evidence_past_its_date_is_stale():
    now = datetime.now(UTC)
    ends = utc_text(now + timedelta(days=30))
    writer = status_cases.machine_session(lambda parts: parts["tooling-record"][1].update(valid_until=ends))
    before = states([signed_sessions.checked(writer)], now=now)["A.4.4"]
    assert before.state == "met"
    assert (before.next_time, before.next_change) == (ends, "tooling-record")
    after = states([signed_sessions.checked(writer)], now=now + timedelta(days=60))["A.4.4"]
    assert after.state == "stale"
    assert ends in after.reason


def test_a_check_that_could_not_run_is_never_met():
    key = ephemeral_key()
    writer = SessionWriter(key, "ana")
    about = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]
    writer.add("training-provenance", about, details=ProvenanceDetails(data={}))
    writer.add("tooling-record", about, result="not_evaluated", reason="no package list")
    writer.close()
    found = states([signed_sessions.checked(writer, key)])["A.4.4"]
    assert found.state == "not evaluated"
    assert "could not be evaluated: no package list" in found.reason


def test_hostile_text_stays_text_everywhere():
    evil = '<script>alert("1")</script>'
    writer = signed_sessions.session(
        system="income", group=evil, target=evil, favourable='"><img src=x onerror=alert(1)>'
    )
    page = render_index([signed_sessions.checked(writer)], {}, [signed_sessions.MODEL]).decode()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    card = render_model_card(writer.records, signed_sessions.MODEL).decode()
    assert "<script>" not in card.replace("\\<script\\>", "")


def test_the_page_stands_alone_and_shows_what_failed():
    writer = signed_sessions.session()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    page = render_index([signed_sessions.checked(writer)], {"x.svg": svg}, [signed_sessions.MODEL]).decode()
    loads = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert [u for u in loads if not u.startswith(("#", "data:"))] == []
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "conformity is the auditor's judgement" in html.unescape(page)
    assert not re.search(r"certified|compliant|guaranteed", page, re.IGNORECASE)
    assert "What does not hold" in page
    assert "3,210" in page
    assert writer.records[0].evidence.mlflow.run_id in page


def test_the_terminal_summary_fits_and_names_the_fix():
    found = control_statuses(subject([signed_sessions.checked(signed_sessions.session())]), datetime.now(UTC))
    lines = summary_lines(found, width=60)
    assert all(len(line) <= 60 for line in lines)
    assert any(line.startswith("✗ failed: A.5.4, A.6.2.4") for line in lines)
    said = " ".join(lines)
    assert all(status.control.id in said for status in found), "each of the 38 controls is named"
    assert "of 38 controls met" in said
