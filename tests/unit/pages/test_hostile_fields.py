"""Script in every field of every kind of document, in comments, reasons and policies: text on every page."""

import copy

import pytest
from pydantic import ValidationError

from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.evidence import Artifact
from aims_mlflow.server.active_policy import policy_entry
from support import signed_sessions
from support.good_documents import FIELDS
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, Registry
from support.page_elements import SCRIPT, assert_inert
from support.page_site import PAGES, PageSite
from support.sealed_documents import DocumentOffice

HEAD = {"id": "x", "title": "t", "version": "1", "owner": "olga", "author": "ana", "system": SYSTEM}
HUGE = 10**15  # bytes: a file that no page may read


def places(value, path=()):
    """The way to each text in the fields of a document."""
    if isinstance(value, str):
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def hostile(kind):
    """The fields of a good document of a kind, with script in each text that its model takes it in."""
    fields = copy.deepcopy(FIELDS[kind])
    for path in list(places(fields)):
        changed = copy.deepcopy(fields)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = SCRIPT
        try:
            KINDS[kind].model_validate({**HEAD, "kind": kind, **changed})
        except (ValidationError, TypeError, ValueError):
            continue
        fields = changed
    return fields


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    registry = Registry(f"sqlite:///{folder}/ledger.db")
    text = default_policy_text()
    reason = "the four-fifths rule"
    assert reason in text
    text = text.replace(reason, "<script>alert(3)</script>")
    digest = parse_policy(text).digest
    registry.ledger.put_in_force("policy", digest, text, policy_entry(digest, text))
    writer = signed_sessions.session(registry.trainer, system=SYSTEM, model=GOOD, ratio="0.9", close=False)
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    file = Artifact(path="aims/<script>/huge.bin", sha256="e" * 64, size=HUGE)
    writer.add("robustness", about, reason=SCRIPT, artifacts=(file,))
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    office, shown = DocumentOffice(registry), 0
    for kind in FIELDS:
        if kind in KINDS:
            fields = hostile(kind)
            shown += "alert(1)" in str(fields)
            office.publish(kind, fields=fields, system=SYSTEM, reason_for_change=SCRIPT)
    assert shown > len(FIELDS) // 2
    made = PageSite.of(registry.ledger, folder / "pages.db")
    made.args = {
        "system": SYSTEM, "control": "A.6.2.4", "model": NAME, "version": "1", "number": "1", "digest": digest,
        "leaf": str(made.first("SELECT sequence FROM decision LIMIT 1")), "document": "soa",
        "record": made.first("SELECT id FROM record WHERE kind = 'robustness' ORDER BY time DESC LIMIT 1"),
    }  # fmt: skip
    return made


@pytest.mark.parametrize("kind", [kind for kind in FIELDS if kind in KINDS])
def test_the_page_of_a_document_of_each_kind_shows_script_as_text(site, kind):
    page = site.answer("document", document=kind)
    assert page.status == 200
    assert_inert(page)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_over_all_these_documents_shows_script_as_text(site, name):
    assert_inert(site.answer(name))


def test_a_policy_with_script_in_a_reason_is_text_on_its_page_and_on_the_decisions(site):
    for name in ("policy", "decision"):
        page = site.answer(name)
        assert_inert(page)
        assert b"&lt;script&gt;alert(3)" in page.body


def test_a_file_of_any_size_is_named_and_never_read(site):
    page = site.html("record")
    assert f"{HUGE:,}" in page
    assert "aims/&lt;script&gt;/huge.bin" in page
