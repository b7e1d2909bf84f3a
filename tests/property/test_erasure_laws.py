"""Law of erasures: a ledger with any erased envelopes verifies, each is counted, and any other deletion is found."""

import tempfile
from functools import cache
from pathlib import Path
from shutil import copyfile

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.erasure import erase_envelope
from support.ledger_with_decisions import UNFAIR, decided_ledger

AT_MOST = 12


@cache
def kept():
    """A ledger's registry and file, and the envelopes of a session that nothing in use rests on."""
    folder = tempfile.TemporaryDirectory(prefix="erased")
    path = Path(folder.name) / "l.db"
    registry = decided_ledger(f"sqlite:///{path}")
    leaf = next(x for x in registry.ledger.leaves(types=("decision",)) if x.fact.model_digest == UNFAIR)
    assert registry.ledger.forget() is None
    return registry, path, leaf.fact.envelopes(), folder


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_ledger_verifies_with_erased_envelopes_and_not_with_any_further_deletion(data):
    registry, path, names, _ = kept()
    gone = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=AT_MOST))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "l.db"
        copyfile(path, copy)
        ledger = Ledger(f"sqlite:///{copy}", registry.ledger.log)
        for name in gone:
            erase_envelope(ledger, name, "asked for", registry.approver, "olga")
        report = verify_ledger(Ledger(ledger.uri), "ledger", processes=0)
        assert report.problems == []
        assert f"{len(gone)} erased with a reason" in report["envelope"].said[-1]
        assert all(
            "was not made again: its envelope was erased by leaf" in text for text in report["completeness"].skipped
        )
        kept_there = sorted({n for x in ledger.leaves() for n in x.fact.envelopes()} - set(gone))
        other = data.draw(st.sampled_from(kept_there))
        with ledger._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM aims_envelopes WHERE sha256 = :name"), {"name": other})
        found = verify_ledger(Ledger(ledger.uri), "ledger", processes=0)
        assert any(other[:12] in p.record and p.what == "it is missing" for p in found["envelope"].problems)
