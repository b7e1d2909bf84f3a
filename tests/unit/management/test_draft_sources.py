"""A draft that was filled in from drafts says so: what nobody published counts for nothing."""

import dataclasses

import pytest

from aims_mlflow.management.draft import new_draft
from aims_mlflow.management.draft_sources import with_publications
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.review_inputs import left_out
from aims_mlflow.management.rules.base import LintContext
from support.management_folder import PEOPLE, POLICY, REGISTER_ENTRY, write

SYSTEM = "income-screening"
NOTE = "# TODO check what was filled in from documents that are not known to be published: "


@pytest.fixture
def around(tmp_path):
    root = write(tmp_path, system=REGISTER_ENTRY, policy=POLICY, people=PEOPLE)
    return LintContext(read_folder(root), EvidenceView(), None, "2026-12-01", frozenset())


def noted(kind, system, around, form=None):
    text = new_draft(kind, system, "rita", around, form)[1]
    return [line.removeprefix(NOTE).rstrip(".") for line in text.splitlines() if line.startswith(NOTE)]


@pytest.mark.parametrize(
    ("kind", "system", "form", "used"),
    [
        ("intended-use", SYSTEM, None, SYSTEM),
        ("register", None, None, SYSTEM),
        ("soa", None, None, SYSTEM),
        ("communication", None, None, "ai-policy"),
        ("impact-assessment", SYSTEM, "fria", f"{SYSTEM}, people, ai-policy"),
    ],
)
def test_the_drafts_that_it_was_filled_in_from_are_named(around, kind, system, form, used):
    (named,) = noted(kind, system, around, form)
    assert set(named.split(", ")) == set(used.split(", "))
    published = frozenset(d.sha256 for d in around.folder.documents)
    assert noted(kind, system, dataclasses.replace(around, published=published), form) == []


def test_a_draft_that_takes_nothing_from_documents_has_no_note(around):
    assert noted("leadership", None, around) == []
    assert noted("soa", None, dataclasses.replace(around, published=None)) == []


def test_without_a_server_nothing_is_known_to_be_published(around, monkeypatch, clean_state):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert with_publications(dataclasses.replace(around, published=None)).published == frozenset()


INCIDENT = """id: N1
kind: incident
title: Women were put last
owner: olga
author: rita
system: income-screening
detected_on: 2026-03-01
status: open
"""
REPORT = """id: report
kind: audit-report
title: Audit A1
owner: olga
author: rita
audit: A1
held: 2026-05-01
findings: [{finding: a late review}]
"""


def test_the_inputs_of_a_review_begin_with_what_happened_and_leave_out_nothing_that_is_written(tmp_path):
    root = write(tmp_path, incident=INCIDENT, report=REPORT, people=PEOPLE)
    text = new_draft("review-inputs", None, "rita", LintContext(read_folder(root), EvidenceView(), None, "2026-12-01"))[
        1
    ]
    assert "- 'N1 of 2026-03-01: open'" in text
    assert "- 'A1 (report), held 2026-05-01; findings: 1'" in text
    assert "# TODO nonconformities: " in text
    (root / "inputs.yaml").write_text(
        text.replace("'TODO: person who answers for the document'", "olga"), encoding="utf-8"
    )
    around = LintContext(read_folder(root), EvidenceView(), None, "2026-12-01")
    (inputs,) = around.folder.of("review-inputs")
    told = [
        what for field, what in left_out(inputs.written, [d.written for d in around.folder.documents], "2026-12-01")
    ]
    assert all(what.endswith("are not stated") for what in told)
    minutes = new_draft("review-minutes", None, "rita", around)[1]
    assert "inputs: review-inputs" in minutes
    assert "- max" in minutes


def test_what_no_day_is_stated_for_has_not_happened(tmp_path):
    started = [text.partition("detected_on")[0].partition("held")[0] for text in (INCIDENT, REPORT)]
    root = write(tmp_path, incident=started[0], report=started[1])
    text = new_draft("review-inputs", None, "rita", LintContext(read_folder(root), EvidenceView(), None, "2026-12-01"))[
        1
    ]
    assert "# TODO incidents: " in text
    assert "# TODO audits: " in text


def test_a_draft_explains_its_lines_and_shows_the_form_of_every_list(around):
    text = new_draft("deployment-plan", SYSTEM, None, around)[1]
    lines = text.splitlines()
    assert all(line.startswith("# ") and "TODO" not in line for line in lines[:2])
    assert "author: 'TODO: person who wrote it" in text
    assert lines[lines.index("# TODO steps: in which steps it is released") + 1] == "#   - "
    assert (
        "top_management:  # whether the person belongs to top management (true or false)"
        in new_draft("people", None, "rita", around)[1]
    )
    with_optional = new_draft("people", None, "rita", around)[1]
    assert "(may be left out)" in with_optional


def test_the_text_of_a_document_of_the_organisation_asks_about_no_single_system(around):
    text = new_draft("use-process", None, "rita", around)[1]
    assert "How is each system to be used" in text
    policy = new_draft("ai-policy", None, "rita", around)[1]
    assert "(7.5)" not in policy
    assert "(A.2.2)" in policy
