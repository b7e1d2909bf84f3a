"""A row is met by the good case, and not by documents that are approved, in date, and state what speaks against it."""

import dataclasses

import pytest

from aims_mlflow.gates.control_status import control_status
from support.good_documents import ENTRIES, FIELDS, NOW
from support.status_cases import good

LONG_AGO = "2019-01-01"
COMPONENT, TEST = FIELDS["supplier-record"]["components"][0], FIELDS["supplier-evaluation"]["tests"][0]
PAPER = COMPONENT["documents"][0]


def stating(kind, **fields):
    """A change of the good subject: what documents of a kind state."""

    def change(subject):
        found = (
            dataclasses.replace(d, fields={**d.fields, **fields}) if d.kind == kind else d for d in subject.documents
        )
        return dataclasses.replace(subject, documents=tuple(found))

    return change


def without(kind):
    return lambda s: dataclasses.replace(s, documents=tuple(d for d in s.documents if d.kind != kind))


def supplied(**changes):
    return stating("supplier-record", components=[{**COMPONENT, **changes}])


def read(**changes):
    return supplied(documents=[{**PAPER, **changes}])


def own_test(**changes):
    return stating("supplier-evaluation", tests=[{**TEST, **changes}])


SOC = {"kind": "SOC 2", "issuer": "an auditor", "scope": "model API", "entity": "Vendor"}
CASES = {
    "A.10.3": [
        ("T1 terms only", read(kind="terms"), "only terms were read"),
        ("T1 another service", read(covers_service=None), "do not count"),
        ("T2 one of two was tested", supplied(component="second API"), "second API was not tested on the use of"),
        ("T2 another component", own_test(component="other"), "model API was not tested"),
        ("T3 another version in use", own_test(version_in_use="2027"), "2026-01 was tested, 2027 is in use"),
        ("T3 another version on record", supplied(version="2027"), "2026-01 was tested, 2027 is in use"),
        ("T4 public benchmark", own_test(data_digest="MMLU"), "not the system's own (MMLU)"),
        ("T4 few cases", own_test(n=1), "on 1 cases: a share of cases needs at least 30"),
        ("T4 no verdict", own_test(results=["looks good"]), "no result that has a verdict"),
        ("T5 for another service", read(covers_service=False), "is about another service"),
        ("T5 a certificate ended", read(expires=LONG_AGO), "ended on 2019-01-01"),
        ("T5 the supplier's own certificate", read(**SOC | {"issuer": "Vendor"}), "issued by the supplier itself"),
        ("T5 another's certificate", read(**SOC | {"entity": "Holding"}), "belongs to Holding"),
        ("T5 nobody accredited", read(**SOC | {"kind": "ISO 42001"}), "which body accredited its issuer"),
        ("T5 the contract ended", supplied(contract={"id": "C1", "end": LONG_AGO}), "contract C1 for model API ended"),
        ("T6 not pinned", supplied(pinned=False), "is not pinned to a version"),
        ("T7 nobody shares a duty", without("responsibility-matrix"), "no duty is assigned among the parties"),
        ("T8 an old test", own_test(date=LONG_AGO), "last tested by us on 2019-01-01"),
        ("T11 refused", own_test(decision="no"), "our test decided 'no'"),
        ("T11 may not be used", own_test(decision="it must not be used for letters"), "our test decided"),
        ("T11 failed", own_test(results=["accuracy 0.5, at least 0.8: failed"]), "under no conditions"),
        ("T11 misses its own limit", own_test(results=["12 of 40 letters, at least 36: passed"]), "12 of 40"),
    ],
    "A.10.2": [
        (
            "two parties for one duty",
            stating("responsibility-matrix", duties=[{"duty": "uptime", "accountable": ["us", "them"]}]),
            "us, them is accountable",
        ),
    ],
    "A.10.4": [
        (
            "a need in no requirement",
            stating("customer-needs", needs=[{"need": "fast", "requirement": "Q-nope"}]),
            "Q-nope is no requirement of",
        ),
    ],
}
ALL = [(row, *case) for row, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def subject():
    return good()


@pytest.mark.parametrize("scope", ["model", "organization"])
@pytest.mark.parametrize(("row", "name", "change", "word"), ALL, ids=[f"{r}: {n}" for r, n, *_ in ALL])
def test_what_a_document_states_can_speak_against_its_control(row, name, change, word, subject, scope):
    whole = dataclasses.replace(subject, scope=scope)
    assert control_status(row, whole, NOW).state in ("met", "met with warnings"), row
    status = control_status(row, change(whole), NOW)
    assert status.state in ("failed", "stale", "missing"), name
    assert word in status.reason, status.reason


def test_a_test_that_missed_a_limit_may_stand_under_conditions(subject):
    known = own_test(results=["accuracy 0.5, at least 0.8: failed"], conditions=["a clerk reads each draft"])
    assert control_status("A.10.3", known(subject), NOW).state == "met"


def test_without_the_register_nobody_knows_which_data_are_the_systems_own(subject):
    assert set(ENTRIES) == {"system", "people"}
    assert control_status("A.10.3", without("system")(subject), NOW).state == "missing"


def test_a_document_that_does_not_fit_its_form_meets_nothing(subject):
    status = control_status("A.10.3", supplied(pinned="perhaps")(subject), NOW)
    assert (status.state, "do not fit the form" in status.reason) == ("missing", True)
