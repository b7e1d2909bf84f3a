"""Files of every release so far are read, and verify, for ever."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint
from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.bundle.archive import Archive
from aims_mlflow.exports.bundle.layout import FilesInMemory
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.gates.replay import recorded, replay, same
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.signing.keyring import load_keyring
from support import second_verifier
from support.entries import entry_of

GOLDEN = Path(__file__).parents[1] / "golden"
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
    roots = [(folder / "tsa.pem").read_bytes()]
    kinds = {leaf.content["type"] for leaf in ledger.leaves()}
    assert kinds == {"policy", "keyring", "decision", "outcome", "approval", "waiver", "evidence", "erased"}
    held = read_outside_checkpoint(folder / "checkpoint.txt")
    sound(verify_ledger(ledger, "ledger", outside=[held], stamp_roots=roots), "1 time stamp")
    ledger.seal(entry_of("finding", {"about": "later"}))
    sound(verify_ledger(ledger, "ledger", outside=[held], stamp_roots=roots), "1 time stamp")


def sound(report, stamped):
    """Everything verifies; the time stamp only where the extra is installed."""
    if importlib.util.find_spec("rfc3161_client"):
        assert stamped in report["time stamp"].said[0]
        assert report.verified, report.as_json()
    else:
        assert [p for p in report.problems if p not in report["time stamp"].problems] == [], report.as_json()


@release
def test_decisions_of_a_release_are_made_again_as_they_were(folder):
    """A later release must decide what this one decided, from what it sealed."""
    with Archive(folder / "bundle.zip") as archive:
        view = PartLedger(archive)
        decided = {}
        for leaf in view.leaves(types=("decision",)):
            if view.bodies([leaf.sequence]):
                request = leaf.content["request"]
                assert same(recorded(view, request), replay(view, request))
                decided[leaf.sequence] = recorded(view, request)
    assert [d.stage for d in decided.values()] == ["registration", "deployment", "registration"]
    assert all(d.allowed for d in decided.values())
    assert [bool(d.approvals) for d in decided.values()] == [False, True, False]
    assert [bool(d.waived) for d in decided.values()] == [False, False, True]


@release
def test_a_bundle_verifies(folder):
    held = read_outside_checkpoint(folder / "checkpoint.txt")
    with Archive(folder / "bundle.zip") as archive:
        report = verify_bundle(archive, "bundle", outside=[held], stamp_roots=[(folder / "tsa.pem").read_bytes()])
        sound(report, "ledger/earlier/000000000005.txt was there at")
        begins = ("ledger/earlier/000000000002.proof", "ledger/earlier/000000000005-00.tsr", "ledger/bodies/", "keys/")
        assert all(any(name.startswith(begin) for name in archive.names) for begin in begins)
        assert sum(name.endswith(("fairness.html", "model_card.md", "aims/index.html")) for name in archive.names) == 5
    assert second_verifier.problems(folder / "bundle.zip", [(folder / "checkpoint.txt").read_bytes()]) == []


@release
def test_a_bundle_of_a_release_is_judged_whole(folder):
    """A change in it is told by later releases too, which do not compare its pages."""
    with Archive(folder / "bundle.zip") as archive:
        files = {name: archive.read(name) for name in archive.names}
    name = next(n for n in files if n.endswith("fairness.html"))
    files[name] = files[name].replace(b"0.91", b"0.99")
    found = verify_bundle(FilesInMemory(files), "bundle").problems
    assert any(problem.record == name for problem in found)
