"""What came past the gate, or has not come yet, is shown as that; who looked at which page changes no other page."""

import pytest

from aims_mlflow.records.leaves.others import FindingLeaf
from aims_mlflow.registers.findings import Finding
from support.ledger_with_decisions import NAME, SYSTEM, decided_ledger
from support.page_site import PageSite


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    found = FindingLeaf(about="ungated-version", model_name="old", version="1")
    registry.ledger.seal(Finding(found, "old version 1 exists without an allowing decision").entry())
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {"system": SYSTEM, "model": NAME, "version": "2"}
    return made


def test_a_model_that_findings_alone_name_is_listed_and_has_pages(site):
    listed = {r["Model"]["text"]: r["Versions"] for r in site.rows("models", "Registered models in the ledger")}
    assert listed == {NAME: 2, "old": 0}
    for name, args in (("model", {"model": "old"}), ("version", {"model": "old", "version": "1"})):
        (row,) = site.rows(name, "Open findings and incidents", **args)
        assert row["Kind"]["text"] == "finding: ungated version"
        assert "The gate decided nothing about it" in site.html(name, **args)
        assert row["About"]["href"] == "models/old/1"
    assert site.answer("version", model="old", version="2").status == 404
    assert site.answer("model", model="older").status == 404


@pytest.mark.parametrize("day", ["9999-12-31", "2199-01-01"])
def test_nobody_knows_what_will_be_in_use(site, day):
    page = site.html("served", {"on": day})
    assert f"{day} has not come: nobody knows what will be in use: today is shown." in page
    assert f"In use at any moment of {day}" not in page


def test_what_is_due_does_not_depend_on_which_pages_were_read(site):
    before = site.json("due")["blocks"]
    site.json("version", version="2")  # not in use; its states are judged by that
    assert site.first("SELECT count(*) FROM status WHERE version = '2' AND next_time IS NOT NULL")
    assert site.json("due")["blocks"] == before
