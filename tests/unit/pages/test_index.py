"""The index follows the ledger: leaf by leaf, made again when thrown away, and without what was erased."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.erasure import erase, erase_envelope
from aims_mlflow.pages.index import PageIndex, index_path
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.leaves.changes import DeletionLeaf, OutcomeLeaf, RenamingLeaf
from support.ledger_with_decisions import NAME, decided_ledger
from support.page_site import PageSite
from support.small_bundle import small_ledger

TABLES = ("leaf", "decision", "version", "tenure", "consent", "finding", "record", "record_model", "words")


@pytest.fixture
def registry(tmp_path):
    return decided_ledger(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def index(tmp_path):
    return PageIndex(tmp_path / "pages.db")


def contents(index):
    return {t: sorted(map(tuple, index.connection.execute(f"SELECT * FROM {t}")), key=str) for t in TABLES}


def test_leaf_by_leaf_is_the_same_as_all_at_once(registry, index, tmp_path, monkeypatch):
    view = LedgerView(registry.ledger)
    assert index.refresh(view)
    monkeypatch.setattr("aims_mlflow.pages.index.BATCH", 1)
    slow = PageIndex(tmp_path / "slow.db")
    while not slow.refresh(view, seconds=0):
        pass
    assert contents(slow) == contents(index)


def test_it_can_be_thrown_away_while_it_is_in_use(registry, index, tmp_path):
    view = LedgerView(registry.ledger)
    index.refresh(view)
    before = contents(index)
    for path in tmp_path.glob("pages.db*"):
        path.unlink()
    assert index.size() == 0
    assert index.refresh(view)
    assert contents(index) == before


def test_a_damaged_index_is_made_again(registry, index):
    view = LedgerView(registry.ledger)
    index.path.write_bytes(b"no database at all" * 1000)
    assert index.refresh(view)
    assert index.size() == len(list(registry.ledger.leaves()))


def test_an_index_of_another_ledger_is_made_again(registry, index, tmp_path):
    index.refresh(LedgerView(registry.ledger))
    other = LedgerView(small_ledger(f"sqlite:///{tmp_path}/other.db"))
    index.refresh(other)
    assert index.size() == len(list(other.leaves()))
    assert index.models() == []


def test_an_erased_record_leaves_the_index_as_if_it_was_made_from_what_is_left(registry, index, tmp_path):
    view = LedgerView(registry.ledger)
    index.refresh(view)
    gone = registry.ledger.newest(types=("decision",))[0].fact.evidence[0]
    found = index.connection.execute("SELECT id FROM record WHERE sha256 = ?", (gone,)).fetchone()["id"]
    erase_envelope(registry.ledger, gone, "asked for", registry.approver, "olga")
    index.refresh(view)
    assert not index.connection.execute("SELECT 1 FROM words WHERE address = ?", (f"records/{found}",)).fetchall()
    fresh = PageIndex(tmp_path / "fresh.db")
    fresh.refresh(view)
    assert contents(fresh) == contents(index)


def test_nothing_that_can_be_erased_is_in_the_index_after_an_erasure(registry, index, tmp_path):
    """The reason of a waiver comes into the reasons of states; an erasure drops those."""
    site = PageSite.of(registry.ledger, index.path)
    site.html("version", model=NAME, version="2")
    with site.shared.index.writing() as connection:
        connection.execute("UPDATE status SET reason = 'waived by olga: looked at it' WHERE control = 'A.6.2.4'")
    site.shared.index.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"looked at it" in index.path.read_bytes()
    leaf = registry.ledger.newest(types=("approval",))[0]
    erase(registry.ledger, leaf, "asked for", registry.approver, "olga")
    site.shared.index.refresh(site.shared.view)
    files = [p.read_bytes() for p in tmp_path.glob("pages.db*")]
    assert not any(b"looked at it" in content for content in files)


def change(registry, leaf, **outcome):
    """Announce a change and carry it out."""
    registry.ledger.seal(Entry(leaf))
    done = OutcomeLeaf(of=leaf.type, done=True, request=leaf.request, model_name=leaf.model_name, **outcome)
    registry.ledger.seal(Entry(done))


def test_a_renamed_model_keeps_its_rows(registry, index):
    change(registry, RenamingLeaf(model_name="salary", previous=NAME, request=uuid7()), previous=NAME)
    index.refresh(LedgerView(registry.ledger))
    assert index.models() == ["salary"]
    found = index.connection.execute("SELECT address FROM words WHERE kind = 'version' ORDER BY 1").fetchall()
    assert [row["address"] for row in found] == ["models/salary/1", "models/salary/2"]


def test_a_new_model_of_a_deleted_ones_name_has_none_of_its_rows(registry, index):
    change(registry, DeletionLeaf(model_name=NAME, request=uuid7()))
    index.refresh(LedgerView(registry.ledger))
    size = len(list(registry.ledger.leaves()))
    assert index.models() == [f"{NAME}:{size - 1}"]
    rows = index.connection.execute("SELECT until, ended_by FROM tenure").fetchall()
    assert [row["ended_by"] for row in rows] == ["deleted"]
    assert index.connection.execute("SELECT count(*) FROM version WHERE gone IS NULL").fetchone()[0] == 0


def test_it_lies_beside_a_ledger_in_a_file_and_else_in_the_home(own_home):
    assert str(index_path("sqlite:////srv/mlflow.db.aims.db")) == "/srv/mlflow.db.aims.db.pages.db"
    assert index_path("postgresql://db/mlflow").parent == own_home


def test_threads_that_open_it_at_once_find_one_whole_index(registry, tmp_path):
    """SQLite ends the process where a file is deleted that another thread has open."""
    view = LedgerView(registry.ledger)

    def size(index):
        index.refresh(view)
        return index.size()

    for number in range(5):
        index = PageIndex(tmp_path / f"at_once_{number}.db")
        with ThreadPoolExecutor(8) as pool:
            sizes = list(pool.map(size, [index] * 16))
        assert index.refresh(view)
        assert max(sizes) <= index.size() == len(list(registry.ledger.leaves()))


def test_what_is_not_indexed_yet_is_not_said_to_be_missing(registry, index, monkeypatch):
    site = PageSite.of(registry.ledger, index.path)
    monkeypatch.setattr(site.shared.index, "refresh", lambda view: False)
    page = site.answer("model", model="another")
    assert page.status == 503
    assert "Newer leaves are not in the index yet" in page.body.decode()
