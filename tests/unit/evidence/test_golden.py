"""Files of every release so far are read, and verify, for ever."""

import sqlite3
from contextlib import closing
from pathlib import Path

import independent
import pytest

from aims_mlflow.audit.held import read_held
from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.evidence.keyring import load_keyring
from aims_mlflow.evidence.ledger import Entry, Ledger
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.archive import Archive
from aims_mlflow.exports.check import verify_bundle

GOLDEN = Path(__file__).parents[2] / "golden"
RELEASES = sorted(p for p in GOLDEN.iterdir() if (p / "keyring.yaml").exists())
release = pytest.mark.parametrize("folder", RELEASES, ids=lambda p: p.name)


def test_there_are_golden_files_of_this_release():
    import aims_mlflow

    assert aims_mlflow.__version__ in [p.name for p in RELEASES], "python tests/golden/make.py"


@release
def test_a_session_verifies_by_its_keyring(folder):
    keyring = load_keyring(folder / "keyring.yaml")
    session = check_session((folder / "session.jsonl").read_bytes(), "session.jsonl", keyring.find)
    assert session.sound, session.problems
    assert {r.evidence.kind for r in session.records} >= {"session-start", "training-provenance", "fairness", "session"}


@release
def test_a_ledger_is_opened_verified_and_continued(folder, tmp_path):
    with closing(sqlite3.connect(tmp_path / "l.db")) as connection:
        connection.executescript((folder / "ledger.sql").read_text(encoding="utf-8"))
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db")
    report = verify_ledger(ledger, "ledger", held=[read_held(folder / "checkpoint.txt")])
    assert report.verified, report.as_json()
    ledger.append(Entry("finding", {"about": "later"}))
    assert verify_ledger(ledger, "ledger").verified


@release
def test_a_bundle_verifies(folder):
    with Archive(folder / "bundle.zip") as archive:
        report = verify_bundle(archive, "bundle")
        assert report.verified, report.as_json()
    assert independent.problems(folder / "bundle.zip") == []
