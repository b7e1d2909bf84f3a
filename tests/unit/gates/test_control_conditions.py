"""Each condition of the catalog is code: it holds on good evidence, and does not without it."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.gates.control_status import CHECKS, control_status, control_statuses
from aims_mlflow.gates.status_subject import StatusSubject
from support import status_cases
from support.status_cases import FIELDS, NOW, SYSTEM, good

ALL = {**controls(), **clauses()}
IDS = [f"{c.id}/{condition.id}" for c in ALL.values() for condition in c.conditions]
JOINING = re.compile(r"\b(and|by|with|first|among|plus)\b|\W+")


@pytest.fixture(scope="module")
def subject():
    return good()


def test_every_condition_of_the_catalog_has_a_function_and_every_function_a_condition():
    assert sorted(IDS) == sorted(CHECKS)
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize("control", ALL.values(), ids=list(ALL))
def test_every_clause_of_met_is_checked_by_a_condition(control):
    rest = control.met
    for condition in control.conditions:
        assert condition.clause in control.met or condition.clause in (control.stale_when or ""), condition.id
        rest = rest.replace(condition.clause, " ")
    assert JOINING.sub("", rest) == "", f"no condition checks {rest!r}"


@pytest.mark.parametrize("control", ALL.values(), ids=list(ALL))
def test_every_kind_that_a_control_requires_is_read_by_a_condition(control):
    read = {kind for condition in control.conditions for kind in condition.kinds}
    assert {use.kind for use in control.evidence if use.need == "required"} <= read


@pytest.mark.parametrize("condition", IDS)
def test_every_condition_is_reachable_in_both_verdicts(condition, subject):
    verdict = CHECKS[condition](subject, NOW)
    assert verdict.outcome == "holds", verdict.sentence
    assert verdict.sentence
    nothing = CHECKS[condition](StatusSubject(SYSTEM, digest=status_cases.MODEL), NOW)
    assert nothing.outcome in ("missing", "captured"), nothing.sentence
    assert nothing.sentence


def test_all_38_controls_and_the_clauses_have_a_state_and_can_be_met(subject):
    found = control_statuses(subject, NOW, with_clauses=True)
    assert [s.control.id for s in found] == list(ALL)
    assert {s.control.id: s.reason for s in found if s.state != "met"} == {}


@pytest.mark.parametrize("kind", [k for k in FIELDS if k != "competence-record"])
def test_a_document_that_states_nothing_meets_no_control(kind, subject):
    """Each field of each kind is asked for: a placeholder in it makes a control that needs the kind unmet."""
    needing = [c for c in ALL.values() if any(use.kind == kind for use in c.evidence)]
    for name in list(FIELDS[kind]):
        fields = {**FIELDS[kind], name: "TODO"}
        others = tuple(d for d in subject.documents if d.kind != kind)
        hollow = dataclasses.replace(subject, documents=(*others, status_cases.document(kind, fields=fields)))
        assert any(control_status(c, hollow, NOW).state != "met" for c in needing), name


WORDED = """
from aims_mlflow.gates.control_status import control_statuses
from support.status_cases import FIELDS, NOW, document, good

for approvals in (None, ()):
    subject = good(documents=[document(kind) for kind in FIELDS], approvals=approvals)
    for status in control_statuses(subject, NOW, with_clauses=True):
        print(status.control.id, status.reason, status.next_change)
"""


def test_a_state_is_worded_alike_in_every_process():
    """A bundle's pages are made again by another process and compared: no word may come from the order of a set."""
    said = []
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(status_cases.__file__).parents[1])}
        done = subprocess.run([sys.executable, "-c", WORDED], capture_output=True, text=True, check=True, env=env)
        said.append(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "an id", done.stdout))
    assert said[0] == said[1]
    assert "7.5" in said[0]
