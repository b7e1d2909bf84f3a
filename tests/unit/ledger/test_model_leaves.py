"""What a worker remembers: bounded, never a failure, and of a model's leaves exactly what the ledger has."""

import shutil
from types import SimpleNamespace

import pytest

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.ledger.leaf_reader import LeafReader
from aims_mlflow.ledger.leaves import PAGE
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.model_leaves import KEPT, Memory
from support.entries import entry_of


def test_a_value_is_made_once():
    made = []
    known = BoundedCache(10)
    for _ in range(3):
        assert known.get("key", lambda: made.append(1) or "value") == "value"
    assert made == [1]
    known.clear()
    known.get("key", lambda: made.append(1) or "value")
    assert made == [1, 1]


def test_what_was_used_longest_ago_is_forgotten_and_too_large_a_value_is_not_kept():
    known = BoundedCache(10)
    known.get("a", lambda: 1, size=4)
    known.get("b", lambda: 2, size=4)
    known.get("a", lambda: pytest.fail("was known"), size=4)
    known.get("c", lambda: 3, size=4)
    assert known.get("a", lambda: "again", size=4) == 1
    assert known.get("b", lambda: "again", size=4) == "again"
    known.get("large", lambda: 1, size=11)
    assert known.get("large", lambda: "again", size=11) == "again"
    none: BoundedCache[int] = BoundedCache(0)
    assert none.get("a", lambda: 5) == 5


def test_a_failure_is_not_remembered():
    known = BoundedCache(10)
    with pytest.raises(ZeroDivisionError):
        known.get("key", lambda: 1 / 0)
    assert known.get("key", lambda: "fine") == "fine"


def outcome(version, name="loans", kind="outcome"):
    return entry_of(kind, {"model_name": name, "version": version, "done": True, "about": "a finding has it"})


def versions(leaves):
    return [leaf.content["version"] for leaf in leaves]


@pytest.fixture
def ledger(database_uri):
    return Ledger(database_uri)


def test_only_new_leaves_are_read_and_another_workers_too(ledger, database_uri):
    other = Ledger(database_uri)
    ledger.seal(outcome("1"), outcome("9", "else"), outcome("1", kind="legacy"))
    assert versions(ledger.of_model("loans").of(("outcome", "legacy"))) == ["1", "1"]
    other.seal(outcome("2"), outcome("3"))
    starts = []
    real = ledger._memory._names["loans"]._read
    ledger._memory._names["loans"]._read = lambda name, start: starts.append(start) or real(name, start)
    mine = ledger.of_model("loans")
    assert versions(mine.of(("outcome",))) == ["1", "2", "3"]
    assert versions(mine.of(("legacy", "outcome"), "1")) == ["1", "1"]
    assert [leaf.content["type"] for leaf in mine.of(("legacy", "outcome"), "1")] == ["outcome", "legacy"]
    assert starts == [2], "the leaf seen last, by which it is known that this is the same ledger"
    assert versions(ledger.of_model("else").of(("outcome",))) == ["9"]


def test_it_is_what_the_ledger_says(ledger):
    for number in range(30):
        kind = (*KEPT, "decision", "superseded", "withdrawn")[number % 11]
        ledger.seal(outcome(str(number % 3), ("loans", "else")[number % 2], kind))
        for name in ("loans", "else"):
            mine = ledger.of_model(name)
            assert mine.of(KEPT) == list(ledger.leaves(types=KEPT, model_name=name))
            assert mine.of(("outcome", "legacy"), "1") == list(
                ledger.leaves(types=("outcome", "legacy"), model_name=name, version="1")
            )
            changes = ("decision", "withdrawn", "deleted", "renamed", "outcome")
            newest = ledger.newest(types=changes, model_name=name)
            assert mine.last() == (newest[0] if newest else None)


def test_more_leaves_than_a_page(ledger, monkeypatch):
    import aims_mlflow.ledger.ledger as module

    monkeypatch.setattr(module, "PAGE", 4)
    few = Ledger(ledger.uri)
    few.seal(*(outcome(str(n)) for n in range(11)))
    assert versions(few.of_model("loans").of(("outcome",))) == [str(n) for n in range(11)]


def test_a_ledger_that_was_put_back_is_read_again(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.seal(outcome("1"))
    shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-backup")
    ledger.seal(outcome("2"))
    assert versions(ledger.of_model("loans").of(("outcome",))) == ["1", "2"]
    ledger._engine.dispose()
    for file in tmp_path.iterdir():
        file.unlink() if file.is_file() else shutil.rmtree(file)
    shutil.copytree(tmp_path.parent / f"{tmp_path.name}-backup", tmp_path, dirs_exist_ok=True)
    assert versions(ledger.now("loans").mine.of(("outcome",))) == ["1"]
    ledger.seal(outcome("3"))
    assert versions(ledger.of_model("loans").of(("outcome",))) == ["1", "3"]


def policy(digest):
    return entry_of("policy", {"policy_digest": digest * 64})


def test_a_models_leaves_and_the_rules_are_read_at_one_moment(ledger):
    for number in range(4):
        ledger.seal(outcome(str(number)), outcome(str(number), "others"), policy("abcd"[number]))
        now = ledger.now("loans")
        assert versions(now.mine.of(("outcome",))) == [str(n) for n in range(number + 1)]
        assert [leaf.fact.policy_digest[0] for leaf in now.for_all.of(("policy",))] == list("abcd"[: number + 1])
        assert now.last == ledger.proofs.size() - 1
    assert now.for_all is ledger.for_all()
    assert now.mine is ledger.of_model("loans")
    assert versions(ledger.now("others").mine.of(("outcome",))) == ["0", "1", "2", "3"]
    assert ledger.now("nobody").mine.of(("outcome",)) == []


def test_more_than_a_page_of_leaves_is_read_whole_and_names_no_moment(ledger):
    ledger.seal(policy("a"), *(outcome(str(n)) for n in range(PAGE + 1)))
    now = ledger.now("loans")
    assert len(now.mine.of(("outcome",))) == PAGE + 1
    assert now.last is None
    assert ledger.now("loans").last == PAGE + 1


def test_a_ledger_without_any_leaf_of_theirs_is_read(ledger):
    ledger.seal(outcome("1", "others"))
    now = ledger.now("loans")
    assert (now.mine.of(("outcome",)), now.for_all.of(("policy",)), now.last) == ([], [], None)


def test_memory_is_bounded_by_leaves_and_by_names(ledger):
    ledger.seal(*(outcome(str(n), f"model-{n % 4}") for n in range(40)))
    memory = Memory(LeafReader(ledger._engine, ledger._tables), most=25)
    for number in range(4):
        assert len(memory.of(f"model-{number}")) == 10
    assert list(memory._names) == ["model-2", "model-3"]
    for number in range(100):
        memory.of(f"nobody-{number}")
    assert len(memory._names) <= 25
    assert len(memory.of("model-0")) == 10


def test_a_call_is_remembered_by_its_latest_request_and_old_ones_are_forgotten(ledger, monkeypatch):
    from aims_mlflow.ledger import state

    def seal(call, request):
        ledger.seal(entry_of("decision", {"model_name": "loans"}, request=request, call=call))

    def kept():
        with ledger._reading() as connection:
            return set(connection.execute(ledger._tables.calls.select()).scalars())

    seal("one", "r1")
    seal("one", "r2")
    assert ledger.now("loans", "one").called == "r2"
    later = state.time.time() + state.CALL_SECONDS + 1
    monkeypatch.setattr(state, "time", SimpleNamespace(time=lambda: later))
    assert ledger.now("loans", "one").called is None
    monkeypatch.setattr(state.secrets, "randbelow", lambda _: 0)
    seal("two", "r3")
    assert kept() == {"two"}
    monkeypatch.setattr(
        state, "time", SimpleNamespace(time=lambda: later - 3600)
    )  # the clock was ahead, and is put right
    assert ledger.now("loans", "two").called is None
    seal("three", "r4")
    assert kept() == {"three"}
