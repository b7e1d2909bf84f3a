"""Completeness of what is sealed: whole sessions, packs named before training, decisions that something supports."""

from aims_mlflow.audit.report import Report
from aims_mlflow.audit.sessions import pack_problems
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.recorder import artifact
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.records.base import utc_text
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.entries import entry_of
from support.small_bundle import lost, sentences, small_ledger


def both(ledger):
    """What a verification of the ledger, and of its bundle, says."""
    files = create(ledger, "income-screening", "stage1", lost)
    report = verify_bundle(layout.FilesInMemory(files), "bundle")
    return sentences(ledger), [problem.sentence() for problem in report.problems]


def seal(ledger, lines):
    names = [sha256_hex(line) for line in lines]
    public = {"sessions": {"s.jsonl": [*names, ""]}, "evidence": names}
    ledger.seal(entry_of("evidence", public, {"reason": "x"}, names[0], lines))


def test_a_session_keeps_the_pack_that_it_names():
    key = ephemeral_key()
    digest = sha256_hex(b"{}")
    for content, said in ((b"{}", []), (b'{"limit": "0.1"}', ["the pack that it keeps is another"])):
        writer = SessionWriter(key, "ana", pack_digest=digest)
        about = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]
        writer.add("session-start", about, artifacts=(artifact("aims/reports/s/pack.json", content),))
        writer.add("training-provenance", about)
        problems = [p.what for p in pack_problems("s", writer.records)]
        assert [p[: len(s)] for p, s in zip(problems, said, strict=True)] == said


def lines_of(writer):
    return [line for line in writer.jsonl().split(b"\n") if line]


def test_a_session_is_whole_in_ledger_and_bundle(tmp_path):
    key = ephemeral_key()
    ways = {
        "there is no session manifest": lambda lines: lines[:-1],
        "a record was taken out, added or moved": lambda lines: [*lines[:3], *lines[4:]],
    }
    for number, (says, change) in enumerate(ways.items()):
        ledger = small_ledger(f"sqlite:///{tmp_path}/{number}.db", key)
        seal(ledger, lines_of(signed_sessions.session(key)))
        assert both(ledger) == ([], [])
        seal(ledger, change(lines_of(signed_sessions.session(key))))
        for said in both(ledger):
            assert any(says in text for text in said), (says, said)


def test_a_pack_is_named_before_training_in_ledger_and_bundle(tmp_path):
    key = ephemeral_key()
    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db", key)
    late = signed_sessions.session(key, kinds=("dataset-record", "training-provenance", "performance"))
    seal(ledger, lines_of(late))
    for said in both(ledger):
        assert any("no pack was named before training" in text for text in said), said
    assert list(pack_problems("s", signed_sessions.checked(signed_sessions.session()).records)) == []


def test_an_allowing_decision_rests_on_something_in_ledger_and_bundle(tmp_path):
    key = ephemeral_key()
    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db", key)
    active = ledger.state.active()
    digests = {"policy_digest": active["policy"], "keyring_digest": active["keyring"], "model_digest": "a" * 64}
    lines = lines_of(signed_sessions.session(key))
    about = {"model_name": "loans", "stage": "registration", "decided": utc_text(), "evidence": []}
    sessions = {"s.jsonl": [*(sha256_hex(line) for line in lines), ""]}
    public = {"allowed": True, **digests, **about, "sessions": sessions}
    ledger.seal(entry_of("decision", public, {"decision": {}}, "req-1", lines))
    ledger.seal(entry_of("outcome", {"of": "decision", "done": True, "model_name": "loans"}, {}, "req-1"))
    for said in both(ledger):
        assert any("decision req-1" in text and "it was not made from what it names" in text for text in said), said


def test_what_was_not_looked_at_is_said():
    report = Report("runs:/x")
    report["completeness"].skipped.append("required evidence was not looked at")
    assert ("absent", "completeness: required evidence was not looked at") in list(report.lines())
    assert report.as_json()["steps"][-1]["not_checked"] == ["required evidence was not looked at"]
