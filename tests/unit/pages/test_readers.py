"""A reader sees the models that MLflow lets them read, by address, in lists, counts and search; and no others."""

import re

import pytest

from aims_mlflow.pages.scope import Scope
from aims_mlflow.pages.site import SITE
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, decided_ledger
from support.page_site import PAGES, PageSite
from support.sealed_documents import publish_all

NOBODY = Scope(frozenset({"credit/other"}))
READER = Scope(frozenset({NAME}))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    registry = decided_ledger(f"sqlite:///{folder}/ledger.db")
    publish_all(registry)
    made = PageSite.of(registry.ledger, folder / "pages.db")
    made.args = {
        "system": SYSTEM,
        "control": "A.6.2.4",
        "model": NAME,
        "version": "1",
        "leaf": str(made.first("SELECT sequence FROM decision LIMIT 1")),
        "record": made.first("SELECT id FROM record WHERE kind = 'performance' LIMIT 1"),
        "number": "1",
        "digest": made.first("SELECT policy FROM decision LIMIT 1"),
        "document": "soa",
    }
    return made


OF_ONE = ("system", "model", "version", "decision", "record", "claim", "leaf", "policy", "document")


@pytest.mark.parametrize("name", OF_ONE)
def test_who_may_not_read_a_model_is_told_the_same_as_of_one_that_does_not_exist(site, name):
    """Neither the status nor the words tell whether it exists."""
    absent = {"leaf": "999", "record": "0" * 36, "model": "nothing", "system": "nothing", "digest": "f" * 64,
              "document": "nothing"}  # fmt: skip
    page = site.answer(name, scope=NOBODY)
    other = site.answer(name, scope=NOBODY, **absent)
    assert page.status == other.status == 404
    strip = {*site.args.values(), *absent.values(), site.args["digest"][:12], "f" * 12}
    assert plain(page.body, strip) == plain(other.body, strip)


def plain(body, strip):
    """The text of a page without its time and without what was asked for."""
    text = re.sub(r"As of [-\d: Z]+", "", body.decode())
    for each in sorted(strip, key=len, reverse=True):
        text = text.replace(each, "*") if len(each) > 1 else text
    return re.sub(r"(Decision |Leaf |version |Claim |decisions/|leaves/|claims/\*/|models/\*/)[\d*]+", r"\1*", text)


@pytest.mark.parametrize("page", [p for p in SITE if p.name not in OF_ONE], ids=lambda p: p.name)
@pytest.mark.parametrize("kind", ["html", "csv", "json"])
def test_lists_leave_out_what_a_reader_may_not_read(site, page, kind):
    query = {"q": "income", "population": "all decisions", "leaves": "8", "model": NAME, "version": "1", "verify": "20"}
    body = site.answer(page.name, query, kind, scope=NOBODY).body.decode()
    for asked in ("q=income", f"model={NAME}", "Found for income", f'value="{NAME}"', 'value="income"', f" of {NAME}"):
        body = body.replace(asked, "")
    body = body.replace(f"version {NAME}", "")
    for secret in (GOOD[:12], SYSTEM, f"models/{NAME}", "looked at it", "olga"):
        assert secret not in body, secret


def test_search_by_id_digest_or_system_finds_nothing_for_them(site):
    for asked in (NAME, GOOD[:16], SYSTEM, site.args["record"], "allowed"):
        assert site.rows("search", f"Found for {asked}", {"q": asked}, scope=READER)
        assert site.rows("search", f"Found for {asked}", {"q": asked}, scope=NOBODY) == []


def test_a_reader_of_the_model_sees_it_and_not_the_policy_nor_the_keyring(site):
    assert site.answer("version", scope=READER).status == 200
    assert site.answer("record", scope=READER).status == 200
    assert site.answer("policy", scope=READER).status == 404
    assert site.answer("people", scope=READER).status == 404
    assert "your login may not read" in site.html("overview", scope=READER)


def test_who_reads_every_registered_model_reads_everything():
    assert Scope.of(["a", "b", "gone:7"], lambda name: name in "ab").whole
    assert not Scope.of(["a", "b"], lambda name: name == "a").whole
    assert not Scope.of([], lambda name: True).whole
    assert not Scope.of(["a:7"], lambda name: True).reads("a:7")


def test_counts_do_not_tell_how_much_is_left_out(site):
    facts = site.json("overview", scope=NOBODY)["blocks"]
    stages = next(b for b in facts if b["title"] == "Systems by stage")["facts"]
    assert stages["all"][0]["text"] == "0, of which 0 with registered models"
    assert site.json("records", scope=NOBODY)["blocks"][0]["total"] == 0
    assert set(PAGES) > {"overview"}
