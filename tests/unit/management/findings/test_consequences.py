"""What follows from one wrong line is not reported again for each document that names the same thing."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.folder import read_folder
from support.management_folder import SYSTEM as ENTRY
from support.management_folder import write
from support.management_states import NOW, SYSTEM, document, good

METHOD = "id: method\nkind: risk-method\ntitle: t\nowner: o\nauthor: a\nunknwn: 1\n"
INCIDENT = {
    "detected": "a call", "detected_on": "2026-05-02", "aware_on": "2026-05-02", "harm": {"kind": "delay"}, "serious": "no",
    "serious_reason": "nobody was refused", "status": "open", "actions": ["K1"], "risks": ["R1"],
}  # fmt: skip


def about(tmp_path, file, text, **without):
    state = dataclasses.replace(good(**without), unreadable=read_folder(write(tmp_path, **{file: text})).unreadable)
    assert [u.kind for u in state.unreadable] == [text.partition("kind: ")[2].split()[0]]
    return {f"{f.rule} {f.about}" for f in findings(state, NOW)}


def test_a_file_that_cannot_be_read_is_no_document_that_nobody_wrote(tmp_path):
    """To follow `aims document new risk-method` would have made a second file of it."""
    found = about(tmp_path, "method", METHOD, **{"risk-method": None})
    assert "W1 file/method.yaml" in found
    assert "W7 risk-method" not in found
    assert "W7 risk-method" in about(
        tmp_path, "method", METHOD.replace("risk-method", "context"), **{"risk-method": None}
    )


def test_documents_about_a_system_whose_entry_cannot_be_read_are_about_a_system_that_is_there(tmp_path):
    other = dataclasses.replace(good(), documents=())
    assert not other.systems
    entry = ENTRY.replace("stage: operation", "stage: operation\nstage_dates: {operatoin: 2026-01-01}")
    second = document("system", id="second", system="other", name="Other", stage="development")
    found = about(tmp_path, "entry", entry, system=second)
    assert "W1 file/entry.yaml" in found
    assert not [f for f in found if f.startswith(("S8", "X8", "R4 risk-register")) and "other" not in f], found


@pytest.mark.parametrize(("changes", "word"), [
    ({"timeline": [{"time": f"2026-05-0{n}T08:00:00Z", "what": "a step"} for n in (3, 2)]}, "2026-05-02T08:00:00Z after 2026-05-03"),
    ({"timeline": [{"time": "2027-05-03T08:00:00Z", "what": "a step"}]}, "2027-05-03, which lies ahead"),
    ({"serious": "death", "duties": [{"to": "authority", "due": "2026-12-10"}]}, "is to be told by 2026-12-10, and"),
])  # fmt: skip
def test_days_of_an_incident_that_cannot_be_or_that_the_law_does_not_allow(changes, word):
    state = good(incident=document("incident", **{"id": "N1", "system": SYSTEM, **INCIDENT, **changes}))
    (fact,) = (f.fact for f in findings(state, NOW) if (f.rule, f.about) == ("L4", "N1"))
    assert word in fact


def test_an_action_is_shown_by_something():
    action = {"id": "K1", "action": "check names", "owner": "olga", "due": "2026-12-01", "evidence": ["n/a"]}
    facts = [
        f.fact for f in findings(good(action=document("corrective-action", actions=[action])), NOW) if f.rule == "L6"
    ]
    assert facts == ["corrective action K1 of corrective-action is shown by 'n/a', which is nothing"]
