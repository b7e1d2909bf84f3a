"""What a person wrote counts with another person's verified approval of exactly this content, and by nothing less."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from aims_mlflow.catalog.loader import clauses, controls, kinds
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.person_statements import PublishedDocument, says
from aims_mlflow.records.base import utc_text
from support import status_cases
from support.status_cases import FIELDS, NOW, approval, document, good

ALL = {**controls(), **clauses()}
PAST = "1999-01-01"


def for_kind(kind, subject, changed_document=None, changed_approvals=None):
    """The states of the controls that need a kind, after a change of its document or its approvals."""
    documents = tuple(d for d in subject.documents if d.kind != kind)
    documents += (changed_document or document(kind),)
    approvals = tuple(a for a in subject.approvals if a.sha256 != status_cases.sha_of(kind))
    approvals += tuple([approval(kind)] if changed_approvals is None else changed_approvals)
    changed = dataclasses.replace(subject, documents=documents, approvals=approvals)
    required = [c for c in ALL.values() if any(u.kind == kind and u.need == "required" for u in c.evidence)]
    assert required
    return [control_status(c, changed, NOW) for c in required]


@pytest.fixture(scope="module")
def subject():
    return good()


WRONG: dict[str, tuple[Callable[..., PublishedDocument], Sequence[dict[str, Any]] | None, str]] = {
    "empty": (lambda k: document(k, problems=("file.md is empty",)), None, "is empty"),
    "past review": (lambda k: document(k, review_by=PAST), None, "review was due on 1999-01-01"),
    "no review": (lambda k: document(k, review_by=None), None, "review date"),
    "far review": (lambda k: document(k, review_by="2199-01-01"), None, "more than three years"),
    "past end": (lambda k: document(k, valid_until=f"{PAST}T00:00:00Z"), None, "valid until 1999-01-01"),
    "dated ahead": (lambda k: document(k, time=utc_text(NOW + timedelta(days=9))), None, "in the future"),
    "other model": (lambda k: document(k, model_digests=("9" * 64,)), None, "describes model 99999"),
    "other system": (lambda k: document(k, system="churn"), None, "it is about churn"),
    "no content": (lambda k: document(k, sha256=None), (), "no content"),
    "own approval": (document, [{"owner": "rita"}], "rita approved it, and published it"),
    "own approval, other spelling": (document, [{"owner": " RITA "}], "approval by another person"),
    "own approval, other script": (document, [{"owner": "rit\u0430"}], "approval by another person"),
    "wrong role": (document, [{"roles": ("trainer",)}], "does not count"),
    "approval ahead": (document, [{"time": utc_text(NOW + timedelta(days=9))}], "does not count"),
    "approval of another file": (document, [{"sha256": "8" * 64}], "approval by another person"),
    "no approval": (document, (), "approval by another person than its author"),
}


def kinds_for(what):
    """The kinds whose documents can have a fault: one of the organisation is about no single system."""
    every = (k for k in FIELDS if k != "competence-record")
    return [k for k in every if what != "other system" or kinds()[k].subject != "organization"]


@pytest.mark.parametrize("what", WRONG)
def test_a_document_with_a_fault_meets_no_control_that_needs_it(what, subject):
    changed, approvals, word = WRONG[what]
    assert len(kinds_for(what)) > 30
    for kind in kinds_for(what):
        given = None if approvals is None else [dataclasses.replace(approval(kind), **more) for more in approvals]
        for found in for_kind(kind, subject, changed(kind), given):
            assert found.state not in ("met", "met with warnings"), (kind, found.control.id, found.reason)
            assert word in found.reason, (kind, found.reason)


def test_a_name_that_the_author_typed_is_no_approval(subject):
    typed = document("requirements", fields={**FIELDS["requirements"], "approver": "olga"})
    found = for_kind("requirements", subject, typed, ())[0]
    assert found.state == "missing"
    assert "'olga' is only named, by rita" in found.reason


@pytest.mark.parametrize(
    "text",
    ["", " ", "TODO", "tbd.", "n/a", "N.A.", "none", "?", "-", "...", "as its owner says", "unknown", "<name>", "to be defined",
     "not stated", "[owner]", "lorem ipsum dolor", None, False, [], [""], {}, ["ok text", "TODO"]],
)  # fmt: skip
def test_a_placeholder_says_nothing(text):
    assert not says(text)


@pytest.mark.parametrize(
    "text", ["contract", "7 years", "CC-BY-4.0", "data office", ["a b"], 5, True, "contract 12 of 2020"]
)
def test_a_statement_says_something(text):
    assert says(text)
