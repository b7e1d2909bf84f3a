"""A candidate that was refused has no version, and is compared with the version that served then, or with the last one."""

from support.ledger_with_decisions import GOOD, NAME, UNFAIR, Registry
from support.page_site import PageSite

SERVED = "What is new in this candidate since version 1, which served as champion then"
LAST = "What is new in this candidate since version 1, the last one before it; none was in use"


def refused(tmp_path, *, served):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    fair = registry.train(GOOD, "0.91")
    assert registry.ask("registration", fair, GOOD, "1").allowed
    if served:
        registry.consent("approval", "deployment", GOOD, "champion")
        assert registry.ask("deployment", fair, GOOD, "1", "champion").allowed
    assert not registry.ask("registration", registry.train(UNFAIR, "0.31"), UNFAIR, "2").allowed
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    return site, str(site.first("SELECT sequence FROM decision WHERE NOT allowed"))


def test_what_is_new_since_the_version_that_served(tmp_path):
    site, leaf = refused(tmp_path, served=True)
    rows = {row["Field"]: (row["Before"], row["Now"]) for row in site.rows("decision", SERVED, leaf=leaf)}
    assert rows["model digest"] == (GOOD, UNFAIR)
    before, now = rows["selection-rate ratio for sex=Female (test)"]
    assert before.startswith("0.91 ")
    assert now.startswith("0.31 ")


def test_what_is_new_since_the_last_version_where_none_served(tmp_path):
    site, leaf = refused(tmp_path, served=False)
    assert site.rows("decision", LAST, leaf=leaf)


def test_a_first_candidate_is_compared_with_nothing(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    assert not registry.ask("registration", registry.train(UNFAIR, "0.31"), UNFAIR, "1").allowed
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    leaf = str(site.first("SELECT sequence FROM decision WHERE NOT allowed"))
    assert "No version was registered before it." in site.html("decision", leaf=leaf)
    assert NAME in site.html("decision", leaf=leaf)
