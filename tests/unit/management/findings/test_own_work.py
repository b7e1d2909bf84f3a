"""Auditors audit nothing that they decided, tested, signed or answer for, under whichever of their names."""

import dataclasses

import pytest

from aims_mlflow.management import lint as linting
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.records.keyring import KeyEntry, Keyring
from support import live_states
from support.good_documents import FIELDS
from support.management_folder import write
from support.management_states import NOW, SYSTEM, document, good, own_test, report, risk, risks
from support.signed_sessions import MODEL as DIGEST


def found(rule="I1", state=None, **changes):
    return [(f.about, f.fact) for f in findings(state or good(**changes), NOW) if f.rule == rule]


def roles(**changes):
    held = {"role": "model owner", "duty": "answers for systems", "authority": "may approve versions", "person": "olga"}
    return document("roles", roles=[{**held, **changes}])


def sampled(item):
    return report(sample={
        "population": "all", "population_size": 1, "method": "all", "seed": "6", "drawn_from": [item], "items": [item]
    })  # fmt: skip


CHOICE = {**FIELDS["design-record"]["choices"][0], "decided_by": "eva"}
OWN_WORK = [
    ({"own_test": own_test(evaluator="eva")}, "tested supplier-evaluation"),
    ({"design": document("design-record", system=SYSTEM, choices=[CHOICE])}, "decided design-record"),
    ({"roles": roles(deputy="eva")}, f"may approve {SYSTEM} as model owner"),
    ({"report": sampled("risk-register"), "risks": risks(risk(owner="eva"))}, "signed or answers for risk-register"),
]


@pytest.mark.parametrize(("changes", "what"), OWN_WORK, ids=[w for _, w in OWN_WORK])
def test_what_an_auditor_did_within_the_scope_or_the_sample_is_their_own_work(changes, what):
    (about, fact), *more = found(**changes)
    assert about == "report/eva"
    assert what in fact
    assert not more


def test_a_role_for_another_system_or_one_that_lets_nobody_approve_is_no_own_work():
    assert found(roles=roles(deputy="eva", systems=["other"])) == []
    for words in ("may see every record, and may not approve", "signs the audit report", "may approve documents"):
        assert found(roles=roles(deputy="eva", authority=words)) == []


@pytest.mark.parametrize(
    ("item", "there"), [("models:/income/1", True), ("models:/income/3", True), ("models:/income/12", False)]
)
def test_a_version_is_meant_by_its_whole_address(item, there):
    """`models:/income/12` began like the version 1 that is in use, so its trainer counted as somebody behind it."""
    state = good(report=sampled(item))
    state = dataclasses.replace(state, deployed=(live_states.version(version="1", versions=("1", "2", "3")),))
    assert [about for about, fact in found("I4", state) if "not found here" in fact] == ([] if there else ["report"])


def test_who_trained_the_sampled_model_is_the_owner_of_the_key_that_signed():
    """The account of the machine is `root` in a container: the key says who it was."""
    version = live_states.version()
    (record,) = version.of("training-provenance")
    entry = KeyEntry(key_id=record.evidence.key_id, owner="eva@bank.example", roles=("trainer",), pem="x")
    people = document("people", people=[{"id": "eva", "function": "auditor", "key_ids": [record.evidence.key_id]}])
    state = good(report=sampled(DIGEST), people=people)
    state = dataclasses.replace(state, keyring=Keyring(version=1, keys=(entry,)), deployed=(version,))
    assert ("report/eva", f"eva, of the team of audit report, signed or answers for {DIGEST}") in found(state=state)


HEAD = "title: t\nowner: olga\nauthor: rita\nretention_until: 2036-01-31\nreview_by: 2027-01-31\n"
PEOPLE = (
    f"id: people\nkind: people\n{HEAD}people:\n  - {{id: max, function: board, top_management: true, key_ids: [KEY]}}\n"
)
NAMED = {
    "X4": f"id: r\nkind: role-assignment\n{HEAD}system: s\nassignments: [{{duty: approve, person: max}}]\n",
    "D7": f"id: r\nkind: use-process\n{HEAD}approver: max\n",
    "X6": f"id: r\nkind: soa\n{HEAD}approver: max@bank.example\n",
    "X26": f"id: r\nkind: review-minutes\n{HEAD}top_management: [max@bank.example]\n",
    "X4 twice": f"id: r\nkind: role-assignment\n{HEAD}system: s\nassignments:\n  - {{duty: stop, person: max}}\n"
    "  - {duty: stop, person: max@bank.example}\n",
}  # fmt: skip
SAME = {
    "D6": f"id: r\nkind: use-process\n{HEAD}".replace("author: rita", "author: max") + "approver: max@bank.example\n",
    "X8": f"id: r\nkind: risk-register\n{HEAD}risks: [{{id: R1, owner: max, accepted_by: max@bank.example, status: accepted}}]\n",
    "X24": f"id: r\nkind: audit-report\n{HEAD}team: [{{person: max@bank.example}}]\n",
    "X27": f"id: r\nkind: effectiveness-check\n{HEAD}checks: [{{action: a, by: max, owner: max@bank.example}}]\n",
}


def linted(tmp_path, text, evidence=None, **more):
    key = KeyEntry(key_id="a" * 64, owner="max@bank.example", roles=("approver", "trainer"), pem="x")
    files = write(tmp_path, people=PEOPLE.replace("KEY", "a" * 64), r=text, **more)
    around = LintContext(read_folder(files), evidence or EvidenceView(), Keyring(version=1, keys=(key,)), "2026-06-15")
    assert not around.folder.unreadable
    return {r.rule.id for r in linting.lint(around, ["r"])}


@pytest.mark.parametrize("rule", NAMED)
def test_somebody_whose_key_has_an_address_is_the_person_of_the_register(tmp_path, rule):
    assert rule.partition(" ")[0] not in linted(tmp_path, NAMED[rule])


@pytest.mark.parametrize("rule", SAME)
def test_two_names_of_one_person_are_one_person(tmp_path, rule):
    mine = f"id: policy\nkind: use-process\n{HEAD}".replace("owner: olga", "owner: max")
    assert rule in linted(tmp_path, SAME[rule], mine=mine)
