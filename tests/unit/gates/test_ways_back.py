"""A deployment plan goes back to a version that the gate let in and that is still there, or the deployment is refused."""

import dataclasses

import pytest

from aims_mlflow.gates.document_content.rollback import why_no_way_back
from aims_mlflow.gates.policy import parse_policy
from aims_mlflow.gates.policy_levels import policy_text
from aims_mlflow.gates.required_documents import unmet_documents
from support import status_cases
from support.good_documents import NOW


@pytest.mark.parametrize(
    ("target", "there", "retired", "word"),
    [
        ("1", ("1", "2"), (), None),
        ("2", ("1", "2"), (), "which is the version that it releases"),
        ("7", ("1", "2"), (), "does not have (it has 1, 2)"),
        ("7", (), (), "(it has none)"),
        ("1", ("1", "2"), ("1",), "which is retired"),
    ],
)
def test_a_version_to_go_back_to(target, there, retired, word):
    why = why_no_way_back(target, "2", there, retired)
    assert (why is None) == (word is None)
    assert word is None or word in str(why)


def unmet(rollback_to, ways_back=("1", "2")):
    subject = status_cases.good()
    plan = next(d for d in subject.documents if d.kind == "deployment-plan")
    fields = {**plan.fields, "rollback_to": rollback_to}
    plan = dataclasses.replace(plan, fields=fields, model_digests=(subject.digest,))
    documents = tuple(plan if d.kind == "deployment-plan" else d for d in subject.documents)
    subject = dataclasses.replace(subject, documents=documents, version="2", ways_back=ways_back)
    rules = parse_policy(policy_text("standard")).rules("income-screening", "deployment", "champion")
    subject = dataclasses.replace(subject, rules=rules)
    return [i.text for i in unmet_documents(rules, subject, NOW) if i.kind == "deployment-plan"]


def test_the_gate_refuses_a_plan_without_a_way_back():
    (one,) = unmet("version 7")
    assert "it goes back to version 7, which the registry's ledger does not have (it has 1, 2)" in one
    (own,) = unmet("version 2")
    assert "which is the version that it releases" in own
    assert unmet("version 1") == unmet("no version: clerks decide as before") == unmet("version 7", None) == []
