"""What pages remember between two asks: never longer than the leaves that it is from, and never for another reader."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.lifecycle.erasure import erase
from aims_mlflow.pages.scope import EVERYTHING, Scope
from aims_mlflow.pages.source import PageSource
from support.entries import entry_of
from support.ledger_with_decisions import NAME, decided_ledger
from support.page_site import PageSite

NOON = datetime(2100, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path):
    return decided_ledger(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def site(registry, tmp_path):
    return PageSite.of(registry.ledger, tmp_path / "pages.db")


def judged(site, seconds=0, scope=EVERYTHING):
    """Judge version 1 at a moment, after all leaves were indexed."""
    site.shared.index.refresh(site.shared.view)
    return PageSource(site.shared, scope, NOON + timedelta(seconds=seconds)).judge(NAME, "1")


def test_a_judgement_lasts_until_the_next_leaf_or_minute(registry, site):
    first = judged(site)
    assert judged(site, 59) is first
    assert judged(site, 60) is not first
    last = judged(site, 61)
    registry.ledger.seal(entry_of("finding", {"about": "a test", "state": "open"}, {}, "request"))
    assert judged(site, 62) is not last


def test_a_judgement_is_of_its_reader(site):
    mine = judged(site, scope=Scope(frozenset({NAME})))
    assert judged(site) is not mine
    assert judged(site, scope=Scope(frozenset({"another"}))) is None


def test_a_judgement_ends_with_its_first_state(site):
    first = judged(site)
    end = datetime.fromisoformat(first.until)
    before, after = (PageSource(site.shared, EVERYTHING, end + timedelta(microseconds=n)) for n in (-1, 1))
    assert before.judge(NAME, "1").at < first.until < after.judge(NAME, "1").at


def test_a_decision_that_was_erased_is_shown_from_no_memory(registry, site):
    deployed = registry.ledger.newest(types=("decision",), model_name=NAME, most=10)
    leaf = next(each for each in deployed if each.fact.stage == "deployment")
    assert "olga" in site.html("served")
    erase(registry.ledger, leaf, "asked for", registry.approver, "olga")
    row = site.rows("served", next(b["title"] for b in site.json("served")["blocks"] if "rows" in b))[0]
    assert row["Approved by"] == "texts were erased"


def test_a_search_that_finds_too_much_says_so(site):
    with site.shared.index.writing() as connection:
        rows = [("record", f"records/{n}", NAME, f"performance needle {n}", "") for n in range(1001)]
        connection.executemany("INSERT INTO words VALUES (?,?,?,?,?)", rows)
    page = site.html("search", {"q": "needle"})
    assert "rows 1 to 100 of more than 1,000" in page
    assert "one more word finds fewer" in page
    found = next(b for b in site.json("search", {"q": "needle"})["blocks"] if b["title"] == "Found for needle")
    assert (found["total"], found["more_than_total"]) == (1000, True)
    assert "of more than" not in site.html("search", {"q": "needle 77"})


def test_one_page_judges_at_a_time(site):
    """The others say that a version is not judged yet, and are quick."""
    source = PageSource(site.shared, EVERYTHING, NOON)
    live = source.rows("SELECT model, version FROM tenure WHERE until IS NULL AND {scope}")
    assert live
    with site.shared.judging:
        assert source.judged_among(live) == []
    assert source.judged_among(live) == live
