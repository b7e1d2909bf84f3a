"""The lineage of a version as a picture with its words, the rights to its data, and how a state came about."""

import pytest

from aims_mlflow.documents.page_blocks import PageCell, Picture, cell
from aims_mlflow.exports.bundle.browser_safe import is_inert
from aims_mlflow.pages.views.lineage import lineage_picture, origin_facts, rights_table, source_of
from aims_mlflow.pages.views.measured import bias_table
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import DocumentOffice
from support.status_cases import good


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")


@pytest.fixture(scope="module")
def site(registry, tmp_path_factory):
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {"system": SYSTEM, "model": NAME, "version": "1", "control": "A.10.2"}
    return made


def test_the_picture_leads_from_the_source_to_the_aliases_and_says_so_in_words():
    picture = lineage_picture(good(), "income version 1", ["champion"])
    assert isinstance(picture, Picture)
    names = [box.first for box in picture.boxes]
    assert names[-2:] == ["income version 1", "champion"]
    assert any(box.second == "acquisition" for box in picture.boxes)
    leads = {(a.first, b.first) for a, b in picture.arrows}
    assert ("income version 1", "champion") in leads
    assert {("train data", "income version 1"), ("test data", "income version 1")} <= leads
    assert all(a.column < b.column for a, b in picture.arrows)
    for box in picture.boxes:
        assert box.first in picture.told, "whoever does not see the picture reads the same"


def test_data_whose_origin_nothing_proves_say_so(site):
    data = next(b for b in site.json("version")["blocks"] if b["title"] == "Lineage")
    assert "origin not proved (no lineage record) to train data" in data["text"]
    page = site.html("version")
    assert 'role="img" aria-label="origin not proved' in page
    assert page.count("<rect") >= 6


def test_rights_are_the_teams_words_with_the_record_that_has_them():
    rows = rights_table(good()).rows
    assert {row[0] for row in rows} >= {"train", "test"}
    assert all("not stated" in row or row[5] for row in rows)
    links = [row[-1] for row in rows]
    assert all(isinstance(link, PageCell) and link.href.startswith("records/") for link in links)
    assert rights_table(None).rows == []


def test_the_history_of_a_state_has_each_change_with_its_leaf(registry, site):
    query = {"model": NAME, "version": "1", "history": "all"}
    before = site.rows("control", "History of the state", query)
    assert [row["State"]["state"] for row in before] == ["not assessed here"]
    assert before[0]["After"] == "decision"
    assert before[0]["Sealed"]["href"].startswith("leaves/")
    fairness = site.rows("control", "History of the state", query, control="A.6.2.4")
    assert len(fairness) >= 1
    assert "History of the state" not in site.html("control", {"model": NAME, "version": "1"})


def test_a_document_that_was_sealed_later_is_in_no_earlier_state(registry, site):
    DocumentOffice(registry).publish("responsibility-matrix")
    site.shared.index.refresh(site.shared.view)
    query = {"model": NAME, "version": "1", "history": "all"}
    assert site.rows("control", "Conditions", query)[0]["Verdict"]["state"] == "holds"
    rows = site.rows("control", "History of the state", query)
    assert [row["State"]["state"] for row in rows][-1] == "met"
    assert rows[-1]["After"] == "evidence"
    assert next(row["State"]["state"] for row in rows) == "not assessed here", "it was sealed after that decision"


def test_a_page_with_a_picture_counts_as_inert_where_it_is_not_compared(registry):
    pages = {n: c for n, c in registry.bundle().items() if n.startswith("pages/models_")}
    assert any(b"<svg" in content for content in pages.values())
    assert all(is_inert(name, content) for name, content in pages.items())


def test_origin_and_rights_stand_above_the_long_tables(site):
    titles = [block["title"] for block in site.json("version")["blocks"]]
    long = titles.index("Controls and clauses")
    for title in (
        "Data, and where it comes from",
        "Rights to the data",
        "Bias in the data: shares and labels by group",
    ):
        assert titles.index(title) < long


def test_every_value_of_a_record_about_the_model_stands_under_behaviour(site):
    limited = site.rows("version", "Behaviour: what was measured, against its limits")
    others = site.rows("version", "Behaviour: what was measured and has no limit, each group too")
    shown = [row["Measure"]["href"] for row in (*limited, *others)]
    assert len(shown) == len(set(shown)) > len(limited) > 0
    sql = f"SELECT id, claims FROM record WHERE digest = '{GOOD}' AND kind IN ('performance', 'fairness', 'robustness')"
    records = site.shared.index.connection.execute(sql).fetchall()
    assert {f"claims/{r['id']}/{number}" for r in records for number in range(r["claims"])} <= set(shown)
    assert {row["Limit"] for row in others} == {"no limit"}
    assert {row["Verdict"] for row in others} == {"none"}


def test_what_the_data_say_of_groups_is_a_table():
    rows = bias_table(good().records).rows
    assert rows
    assert all(cell(row[0]).href.startswith("claims/") for row in rows)


def test_a_record_of_data_states_origin_and_rights_in_words():
    (record,) = good().of("acquisition")[:1]
    (facts,) = origin_facts(record)
    told = dict(facts.rows)
    assert told["right to use them"] == source_of(record).rights
    assert origin_facts(good().of("fairness")[0]) == []
