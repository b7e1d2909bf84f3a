"""Each row of the catalog is met by good evidence, and by none of six things that look like it."""

import dataclasses

import pytest

from aims_mlflow.catalog.loader import clauses, controls, kinds
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.documents import KINDS
from support import status_cases
from support.good_documents import FIELDS, NOW
from support.status_cases import good, sha_of

ROWS = {**controls(), **clauses()}
PEOPLES = [
    (row, use.kind)
    for row, control in ROWS.items()
    for use in control.evidence
    if use.need == "required" and kinds()[use.kind].captured == "human" and use.kind in FIELDS
]


@pytest.fixture(scope="module")
def subject():
    return good()


def documents(subject, kind, **changes):
    """The subject with each document of a kind changed."""
    found = tuple(dataclasses.replace(d, **changes) if d.kind == kind else d for d in subject.documents)
    return dataclasses.replace(subject, documents=found)


def approvals(subject, kind, **changes):
    found = tuple(dataclasses.replace(a, **changes) if a.sha256 == sha_of(kind) else a for a in subject.approvals)
    return dataclasses.replace(subject, approvals=found)


FAULTS = {
    "empty": lambda s, kind: documents(s, kind, fields={}),
    "wrong approver": lambda s, kind: approvals(s, kind, roles=("trainer",)),
    "own approval": lambda s, kind: approvals(s, kind, owner="rita"),
    "past date": lambda s, kind: documents(s, kind, review_by="2026-01-01"),
    "other digest": lambda s, kind: documents(s, kind, model_digests=("9" * 64,)),
    "other system": lambda s, kind: documents(s, kind, system="churn"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_met_by_good_evidence(row, subject):
    assert control_status(ROWS[row], subject, NOW).state in ("met", "met with warnings"), row


@pytest.mark.parametrize("fault", FAULTS)
def test_no_row_is_met_by_a_document_with_a_fault(fault, subject):
    met = [
        (row, kind)
        for row, kind in PEOPLES
        if control_status(ROWS[row], FAULTS[fault](subject, kind), NOW).state in ("met", "met with warnings")
    ]
    assert met == []


def test_every_kind_that_people_write_is_in_a_row():
    rows = {use.kind for control in ROWS.values() for use in control.evidence}
    assert set(KINDS) - rows - {"system", "scan", "people"} == set()


def test_one_assessment_answers_the_three_impact_controls(subject):
    fairness = [r.id for r in subject.sessions[0].records if r.evidence.kind == "fairness"]
    effects = FIELDS["impact-society"]["effects"]
    whole = {**FIELDS["impact-people"], **FIELDS["impact-assessment"], "effects": effects, "evidence": fairness}
    whole |= {name: FIELDS["impact-people"][name] for name in ("groups", "impacts", "measures")}
    one = status_cases.document("impact-assessment", fields=whole)
    apart = ("impact-people", "impact-society", "impact-assessment")
    others = tuple(d for d in subject.documents if d.kind not in apart)

    def states(*written):
        alone = dataclasses.replace(subject, documents=(*others, *written))
        return [control_status(ROWS[c], alone, NOW).state for c in ("A.5.3", "A.5.4", "A.5.5")]

    assert states(one) == ["met", "met", "met"]
    less = {name: value for name, value in whole.items() if name not in ("groups", "effects")}
    assert states(dataclasses.replace(one, fields=less)) == ["met", "missing", "missing"]


def test_a_review_whose_inputs_leave_an_incident_out_is_not_met(subject):
    """The incident is published; that the inputs name it, or those of an earlier review, is what 9.3 asks."""
    incident = dataclasses.replace(status_cases.document("nonconformity"), kind="incident", id="N7")
    incident = dataclasses.replace(incident, fields={"detected_on": "2026-01-10"})
    happened = dataclasses.replace(subject, documents=(*subject.documents, incident))
    status = control_status(ROWS["9.3"], happened, NOW)
    assert (status.state, "N7" in status.reason) == ("missing", True)
    told = documents(happened, "review-inputs", fields={**FIELDS["review-inputs"], "incidents": ["N7, closed"]})
    assert control_status(ROWS["9.3"], told, NOW).state in ("met", "met with warnings")
