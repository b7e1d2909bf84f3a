"""Reading ahead: what is judged and read without a page, and what a page that cannot wait shows and keeps."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.pages.background import BackgroundReader
from aims_mlflow.pages.index import PageIndex
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.serving import PageRequest, answer
from aims_mlflow.pages.source import PageSource, SharedSource
from support.ledger_with_decisions import NAME, SYSTEM, decided_ledger
from support.page_site import PAGES, variables
from support.sealed_documents import DocumentOffice


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    DocumentOffice(made).publish("soa")
    return made


@pytest.fixture
def reader(registry, tmp_path):
    return BackgroundReader(
        SharedSource(LedgerView(registry.ledger), PageIndex(tmp_path / "pages.db"), registry.ledger.proofs)
    )


def until(holds):
    ends = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return found


def judged(reader):
    return reader.shared.index.connection.execute("SELECT count(*) FROM judged").fetchone()[0]


def test_versions_in_use_are_judged_and_documents_read_before_a_page_asks(reader):
    until(reader.caught_up)
    until(lambda: judged(reader) == 1)
    assert [d.id for d in PageSource(reader.shared, EVERYTHING, datetime.now(UTC)).documents.all] == ["soa"]


def test_the_first_page_of_a_small_ledger_has_its_states(reader):
    assert BackgroundReader(reader.shared, first_seconds=60).caught_up()
    assert judged(reader) == 1


def test_a_new_document_is_read_before_pages_count_as_caught_up(registry, reader):
    until(reader.caught_up)
    DocumentOffice(registry).publish("ai-policy")
    until(reader.caught_up)
    assert {"soa", "ai-policy"} == {
        d.id for d in PageSource(reader.shared, EVERYTHING, datetime.now(UTC)).documents.all
    }


def test_a_page_that_is_behind_says_so_and_keeps_no_state_that_it_judged_without_the_documents(reader):
    assert reader.shared.index.refresh(reader.shared.view)
    for name, args in (("overview", {}), ("version", {"model": NAME, "version": "1"})):
        page = answer(reader.shared, EVERYTHING, PageRequest(PAGES[name], args, {}, "html", "/aims/"), indexed=False)
        assert b"Newer leaves are not in the index yet" in page.body
    assert judged(reader) == 0


def test_a_page_before_the_documents_are_read_says_so_where_they_would_stand(reader):
    """It never says that none is published."""
    assert reader.shared.index.refresh(reader.shared.view)
    for name in ("overview", "systems", "documents", "soa", "risks", "suppliers", "people", "due", "monitors"):
        page = answer(reader.shared, EVERYTHING, PageRequest(PAGES[name], {}, {}, "html", "/aims/"), indexed=False)
        assert page.status == 200
        assert b"not read yet: load the page again" in page.body, name
        assert b"Not published here" not in page.body
        assert b"no published risk or supplier" not in page.body
        if name == "systems":
            assert b"none is published here" not in page.body
    until(reader.caught_up)
    page = answer(reader.shared, EVERYTHING, PageRequest(PAGES["overview"], {}, {}, "html", "/aims/"), indexed=True)
    assert b"not read yet" not in page.body
    assert b"Not published here" in page.body


def test_pages_are_the_same_bytes_after_the_index_was_thrown_away(registry, reader, tmp_path):
    """The index was thrown away under readers that go on asking; what they get of it is never half a page."""
    until(reader.caught_up)
    now = datetime.now(UTC)
    known = {"model": NAME, "version": "1", "system": SYSTEM, "control": "A.6.2.4", "document": "soa"}
    asked = [page for page in PAGES.values() if set(variables(page)) <= set(known)]

    def pages():
        return {
            (page.name, kind): answer(
                reader.shared, EVERYTHING, PageRequest(page, {v: known[v] for v in variables(page)}, {}, kind, "/"), now
            ).body
            for page in asked for kind in ("html", "csv", "json")
        }  # fmt: skip

    pages()  # states are judged
    before = pages()
    for path in tmp_path.glob("pages.db*"):
        path.unlink()
    with ThreadPoolExecutor(4) as pool:
        assert {caught.result() for caught in [pool.submit(reader.caught_up) for _ in range(8)]} <= {True, False}
    until(reader.caught_up)
    pages()
    assert reader.shared.index.path.is_file()
    assert len(before) > 60
    assert pages() == before


def test_it_goes_on_after_the_index_was_thrown_away(reader, tmp_path):
    until(reader.caught_up)
    for path in tmp_path.glob("pages.db*"):
        path.unlink()
    until(reader.caught_up)
    assert reader.shared.index.size() == len(list(reader.shared.view.leaves()))
