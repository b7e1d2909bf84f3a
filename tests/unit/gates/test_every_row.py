"""Each row of the catalog is met by good evidence, and by none of six things that only look like it."""

import dataclasses

import pytest

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.documents import KINDS
from support import status_cases
from support.control_rows import LINES, NOT_MADE, VARIANTS, bad
from support.good_documents import FIELDS, NOW
from support.status_cases import good

ROWS = {**controls(), **clauses()}
MET = ("met", "met with warnings")


@pytest.fixture(scope="module")
def subject():
    return good()


def documents(subject, kind, **changes):
    """The subject with each document of a kind changed."""
    found = tuple(dataclasses.replace(d, **changes) if d.kind == kind else d for d in subject.documents)
    return dataclasses.replace(subject, documents=found)


def test_the_table_has_every_row_with_every_kind_that_it_needs():
    needed = {
        row: {use.kind for use in control.evidence if use.need == "required"} - {"scan"}
        for row, control in ROWS.items()
    }
    assert {row: set(kinds) for row, kinds in LINES.items()} == needed
    assert {kind for kind, _ in NOT_MADE} <= {kind for kinds in LINES.values() for kind in kinds}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_met_by_good_evidence(row, subject):
    assert control_status(ROWS[row], subject, NOW).state in ("met", "met with warnings"), row


@pytest.mark.parametrize("kind", sorted({kind for kinds in LINES.values() for kind in kinds}))
def test_no_row_is_met_by_what_only_looks_like_its_evidence(kind, subject):
    needing = [row for row, kinds in LINES.items() if kind in kinds]
    looked = {v: bad(subject, kind, v) for v in VARIANTS if (kind, v) not in NOT_MADE}
    assert [(v, r) for v, s in looked.items() for r in needing if control_status(ROWS[r], s, NOW).state in MET] == []
    assert all(len(NOT_MADE[kind, v]) > 20 for v in VARIANTS if v not in looked), "what is not made has a reason"


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
