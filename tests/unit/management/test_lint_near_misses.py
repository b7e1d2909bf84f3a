"""Lint of what only looks like a fault, beside the fault: handovers, notices of changes, days, empty answers."""

import pytest

from aims_mlflow.management import lint as linting
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.signing.keys import ephemeral_key
from support.management_folder import PEOPLE, SYSTEM, write

HEAD = "title: t\nowner: olga\nauthor: rita\nsystem: income-screening\n"
ROLES = f"id: d\nkind: role-assignment\n{HEAD}assignments:\n"
SUPPLIER = f"id: d\nkind: supplier-record\n{HEAD}components: [{{component: api, pinned: false, contract: {{id: C, clauses: [%s]}}}}]\n"
LOGS = f"id: d\nkind: log-plan\n{HEAD}events: [{{event: score, where: database}}]\nretention: %s\n"
INCIDENT = f"id: d\nkind: incident\n{HEAD}detected_on: %s\ncontained_on: %s\n"
OVERSIGHT = f"id: d\nkind: oversight-record\n{HEAD}periods: [{{by: olga, reviewed: 12, overruled: %s}}]\n"
SCOPE = """id: d
kind: scope
title: t
owner: olga
author: rita
systems_in: [income-screening]
systems_out: [{id: income-screening, reason: it is retired, approved_by: max}]
"""
FOUND = [
    ("X4", ROLES + "  - {duty: approve, person: max, until: 2026-01-31}\n  - {duty: approve, person: olga, since: 2026-02-01}\n", 0),
    ("X4", ROLES + "  - {duty: approve, person: olga}\n  - {duty: approve, person: ' OLGA'}\n", 0),
    ("X4", ROLES + "  - {duty: approve, person: max}\n  - {duty: approve, person: olga, since: 2026-02-01}\n", 1),
    ("X20", SUPPLIER % "notice of changes 90 days ahead", 0),
    ("X20", SUPPLIER % "change notice", 0),
    ("X20", SUPPLIER % "changes come without notice", 1),
    ("X23", OVERSIGHT % 12, 0),
    ("X23", OVERSIGHT % 13, 1),
    ("G4", LOGS % "two years", 0),
    ("G4", LOGS % "as needed", 1),
    ("G4", LOGS % "until the audit of each year in May", 0),
    ("G4", LOGS % "from early May to the next audit", 0),
    ("G4", LOGS % "May be deleted by clerks", 1),
    ("G4", LOGS % "it may end in May of each year", 1),
    ("G8", INCIDENT % ("2026-05-01", "2026-05-01"), 0),
    ("G8", INCIDENT % ("2026-05-02", "2026-05-01"), 1),
    ("G8", INCIDENT % ("2026-05-02", "2099-05-01"), 1),
    ("X1", SCOPE, 1),
    ("X1", SCOPE.partition("systems_out")[0], 0),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "times"), FOUND)
def test_a_fault_is_found_and_what_only_looks_like_it_is_not(tmp_path, rule, text, times):
    folder = read_folder(write(tmp_path, system=SYSTEM, d=text))
    assert not folder.unreadable, folder.unreadable
    results = linting.lint(LintContext(folder, EvidenceView(), None, "2026-12-01"))
    wanted = ("no document of its supplier", "terms only")
    said = [r.text for r in results if r.rule.id == rule and r.document == "d" and not any(w in r.text for w in wanted)]
    assert len(said) == times, said


@pytest.mark.parametrize(("owner", "times"), [("Olga  Weber", 0), ("olga", 0), ("Olga Werner", 1)])
def test_a_person_may_be_named_in_full(tmp_path, owner, times):
    people = PEOPLE.replace("{id: olga, ", "{id: olga, name: Olga Weber, ")
    text = ROLES.replace("owner: olga", f"owner: {owner}") + "  - {duty: approve, person: olga}\n"
    folder = read_folder(write(tmp_path, system=SYSTEM, people=people, d=text))
    results = linting.lint(LintContext(folder, EvidenceView(), None, "2026-12-01"))
    assert [r.document for r in results if r.rule.id == "G7"] == ["d"] * times


def test_a_quotation_has_the_word_that_it_is_about(tmp_path):
    words = "olga looks at every event that the database has, and whoever runs the system keeps what it shows, " * 2
    folder = read_folder(write(tmp_path, system=SYSTEM, d=LOGS % f'"{words}and the rest possibly goes to the archive"'))
    (said,) = [
        r.text for r in linting.lint(LintContext(folder, EvidenceView(), None, "2026-12-01")) if r.rule.id == "G4"
    ]
    quoted = said.partition("“")[2]
    assert "the rest possibly goes" in quoted
    assert quoted.startswith("…")
    assert len(quoted) < 100


@pytest.mark.parametrize(
    ("kind", "role", "why"),
    [
        ("leadership", "approver", "has no role 'top-management'"), ("leadership", "top-management", None),
        ("log-plan", "top-management", "has no role 'approver'"), ("log-plan", "approver", None),
    ],
)  # fmt: skip
def test_an_approver_has_a_key_of_the_role_that_the_kind_needs(tmp_path, kind, role, why):
    text = (LOGS % "two years") + "approver: max\n"
    if kind == "leadership":
        text = "id: d\nkind: leadership\ntitle: t\nowner: olga\nauthor: rita\napprover: max\n"
    key = ephemeral_key().public
    keyring = Keyring(version=1, keys=(KeyEntry(key_id=key.key_id, owner="max", roles=(role,), pem=key.pem),))
    folder = read_folder(write(tmp_path, system=SYSTEM, d=text))
    assert not folder.unreadable, folder.unreadable
    results = linting.lint(LintContext(folder, EvidenceView(), keyring, "2026-12-01"))
    said = [r.text for r in results if r.rule.id == "D7" and r.document == "d"]
    assert [why in text for text in said] == ([True] if why else [])
