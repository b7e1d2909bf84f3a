"""What a reasonable auditor would not raise, no rule raises; the fault beside it is still found."""

import pytest

from aims_mlflow.management import lint as linting
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from support.management_folder import PEOPLE, REGISTER_ENTRY, write

LETTERS = """id: letters
kind: system
title: Letters
owner: olga
author: rita
system: letters
name: Letters
affected_groups: [{name: applicants, not_in_data: no data about people are sent}]
components: [vendor/large-model-3]
"""
WORDS = (
    "A clerk of the bank lets {what} draft the letter about a refused application, reads the draft, corrects it, and signs "
    "it. The draft comes from the sentence that the clerk wrote, and nothing about the applicant is ever sent away."
)
INFORMATION = """---
id: information
kind: user-information
title: What clerks are told
owner: olga
author: rita
system: letters
audience: user
---

{words}
"""
ROLES = """id: roles
kind: roles
title: Roles
owner: max
author: rita
roles: [{{role: model owner, person: olga, authority: {authority}, duty: {duty}}}]
"""
REPORT = """id: report
kind: audit-report
title: Audit
owner: eva
author: eva
audit: A1
held: 2026-11-01
team: [{person: eva, competence: [auditing], independence: compared with who signed}]
"""
PROGRAMME = """id: {kind}
kind: {kind}
title: Something of eva
owner: eva
author: eva
"""


def rules_of(tmp_path, document, **files):
    """The rules that have something against a document in a folder with these files."""
    folder = read_folder(write(tmp_path, system=REGISTER_ENTRY, people=PEOPLE, **files))
    assert not folder.unreadable, [p.sentence() for f in folder.unreadable for p in f.problems]
    results = linting.lint(LintContext(folder, EvidenceView(), None, "2026-12-01"))
    return {r.rule.id: r.text for r in results if r.document == document}


@pytest.mark.parametrize(
    ("what", "rules"),
    [("vendor/large-model-3", set()), ("large-model-3", set()), ("a machine", {"G2", "X12"})],
)
def test_words_about_a_bought_model_are_about_the_component_that_they_name(tmp_path, what, rules):
    text = INFORMATION.format(words=WORDS.format(what=what))
    found = rules_of(tmp_path, "information", letters=LETTERS, information=text)
    assert found.keys() & {"G2", "X12"} == rules
    assert rules == set() or "vendor/large-model-3" in found["X12"]


def test_a_system_with_a_model_of_its_own_names_its_digest_whatever_it_bought(tmp_path):
    text = INFORMATION.format(words=WORDS.format(what="large-model-3"))
    found = rules_of(tmp_path, "information", letters=f"{LETTERS}models: [tuned]\n", information=text)
    assert "model_digests" in found["X12"]


@pytest.mark.parametrize(
    ("authority", "duty", "hedge"),
    [
        ("may stop any system at once", "answers for the systems", None),
        ("may stop various systems at once", "answers for the systems", "various"),
        ("stops any system at once", "may answer for the systems", "may"),
    ],
)
def test_may_is_a_permission_where_the_field_asks_for_one(tmp_path, authority, duty, hedge):
    found = rules_of(tmp_path, "roles", roles=ROLES.format(authority=authority, duty=duty))
    assert found.get("G4", "").startswith(f"{hedge!r} stands" if hedge else "")
    assert ("G4" in found) == bool(hedge)


@pytest.mark.parametrize(("kind", "wrong"), [("audit-programme", False), ("parties", True)])
def test_auditors_write_the_programme_of_their_audits_and_nothing_that_they_audit(tmp_path, kind, wrong):
    found = rules_of(tmp_path, "report", report=REPORT, other=PROGRAMME.format(kind=kind))
    assert ("eva audits documents that they own or wrote" in found.get("X24", "")) == wrong
