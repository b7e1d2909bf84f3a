"""Inputs of a management review that the software wrote, and whether each input was answered."""

import dataclasses
from types import SimpleNamespace

import pytest

from aims_mlflow.gates.document_content.reviews import line_digest
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.told_inputs import findings as about_inputs
from aims_mlflow.management.review_inputs import input_lines
from support.good_documents import NO_ACTION
from support.management_states import NOW, document, good, report, review_inputs

(LINE,) = input_lines([report(held="2026-04-01")], [])
WRITTEN = [{"input": "audits", "source": "report", "sha256": line_digest(LINE.text)}]


def found(state, *rules):
    return [f for f in findings(state, NOW) if f.rule in (rules or ("M5",))]


def test_a_line_that_the_software_wrote_stays_as_it_was():
    assert LINE.text == "A1 (report), held 2026-04-01; findings: 1"
    assert found(good(inputs=review_inputs(audits=[LINE.text, "a remark of my own"], written=WRITTEN))) == []
    changed = review_inputs(audits=[LINE.text.replace("findings: 1", "findings: 0")], written=WRITTEN)
    (one,) = found(good(inputs=changed))
    assert (one.about, one.control, one.of.grade) == ("review-inputs/audits/report", "9.3", "major")
    assert "does not have (any more) what the software wrote of report (audits)" in one.fact


def publishing(monkeypatch, *versions):
    """Let the ledger have these versions of documents, each with the day on which it was published."""
    from aims_mlflow.management.findings import told_inputs

    made = [
        SimpleNamespace(document=SimpleNamespace(id=w.id, time=f"{day}T12:00:00Z"), written=w) for w, day in versions
    ]
    shelf = SimpleNamespace(publications=made, versions=lambda name: [p for p in made if p.document.id == name])
    monkeypatch.setattr(told_inputs, "written_of", lambda p: p.written)
    return SimpleNamespace(shelf=shelf)


@pytest.mark.parametrize(
    ("day", "abouts"),
    [("2026-06-01", []), ("2026-06-14", []), ("2026-06-15", ["review-inputs/audits/report"])],
)
def test_a_line_is_what_was_published_by_the_cut_off(monkeypatch, day, abouts):
    """Whoever changes line and digest together is found by what the ledger has of that day."""
    later = report(held="2026-05-01")
    known = publishing(monkeypatch, (later, "2026-05-02"), (report(held="2026-04-01"), day))
    state = good(inputs=review_inputs(audits=[LINE.text], written=WRITTEN))
    state = dataclasses.replace(state, published=known, deployed=())
    assert [f.about for f in about_inputs(state, NOW)] == abouts


def test_the_head_of_the_ledger_is_compared():
    inputs = review_inputs(ledger={"size": 9, "root": "a" * 64})
    state = good(inputs=inputs)
    assert found(state) == found(dataclasses.replace(state, roots={9: "a" * 64})) == []
    (other,) = found(dataclasses.replace(state, roots={9: "b" * 64}))
    assert (other.about, "has bbbbbbbbbbbb there" in other.fact) == ("review-inputs/ledger", True)
    (shorter,) = found(dataclasses.replace(state, roots={}))
    assert "this one is shorter" in shorter.fact


def held(**changes):
    fields = {
        "date": "2026-06-15", "attendees": ["max"], "top_management": ["max"], "inputs": "review-inputs",
        "decisions": [{"decision": "hire a reader", "owner": "olga", "due": "2026-12-01", "about": ["audits"]}],
        "no_action": NO_ACTION,
    }  # fmt: skip
    return document("review-minutes", **{**fields, **changes})


def test_each_input_has_a_decision_or_a_reason():
    some = [n for n in NO_ACTION if n["input"] not in ("audits", "incidents")]
    (one,) = found(good(inputs=review_inputs(), minutes=held(no_action=some)), "M2")
    assert one.fact.endswith("no decision is about incidents, and no_action gives no reason")
    assert found(good(inputs=review_inputs(), minutes=held()), "M2") == []
    noted = [*some, {"input": "incidents", "reason": "noted"}]
    assert len(found(good(inputs=review_inputs(), minutes=held(no_action=noted)), "M2")) == 1
    (waivers,) = found(good(inputs=review_inputs(waivers=["0197aaaa ended"]), minutes=held()), "M2")
    assert "no decision is about waivers" in waivers.fact
