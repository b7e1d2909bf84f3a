"""Which records count for a model: by its digest, by its data, and never from a session that does not verify."""

import dataclasses
from types import SimpleNamespace

import pytest

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.citations import suspects
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.findings.state import DeployedVersion
from aims_mlflow.records.details.attachments import Citation
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.evidence import Supersedes
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
MODEL = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]
TRAIN = [Subject(name="train", digest={"arrowIpcSha256": signed_sessions.TRAIN})]


def writer(*records, close=True):
    made = SessionWriter(KEY, "ana")
    for kind, subjects, fields in records:
        made.add(kind, subjects, **fields)
    if close:
        made.close()
    return made


def cut(made, *lines, key=KEY):
    """The session file with some lines taken out."""
    kept = [line for n, line in enumerate(made.jsonl().splitlines(keepends=True)) if n not in lines]
    return check_session(b"".join(kept), "s.jsonl", signed_sessions.lookup(signed_sessions.entry(key)))


def kinds(counted):
    return sorted(r.evidence.kind for r in counted.records)


def test_records_count_by_model_and_by_the_data_that_the_training_names():
    counted = count([signed_sessions.checked(signed_sessions.session(KEY), KEY)], signed_sessions.MODEL)
    assert "data-quality" in kinds(counted)
    assert "fairness" in kinds(counted)
    assert "session" not in kinds(counted), "the manifest is about records, not about the model"
    assert kinds(count([signed_sessions.checked(signed_sessions.session(KEY), KEY)], "9" * 64)) == []


def test_data_evidence_counts_from_another_session_and_other_kinds_do_not():
    other = writer(("data-quality", TRAIN, {}), ("performance", TRAIN, {}))
    whole = signed_sessions.session(KEY, kinds=("session-start", "training-provenance"))
    counted = count([signed_sessions.checked(whole, KEY), signed_sessions.checked(other)], signed_sessions.MODEL)
    assert kinds(counted) == ["data-quality", "session-start", "training-provenance"]


@pytest.mark.parametrize(("kind", "later", "counts"), [
    ("fairness", True, False), ("fairness", False, True), ("tooling-record", True, True),
])  # fmt: skip
def test_gate_findings_commands_and_citations_agree_on_what_is_superseded(kind, later, counts):
    """Only a later record of the same kind undoes a result: any other leaves the failure in the evidence."""
    made = writer(("session-start", MODEL, {}), ("fairness", MODEL, {"result": "failed"}), close=False)
    failed = made.records[-1]
    last = made.add(kind, MODEL, supersedes=Supersedes(id=failed.id, reason="r"))
    made.close()
    records = list(signed_sessions.checked(made).records)
    if not later:
        place = records.index(next(r for r in records if r.id == last.id))
        early = last.evidence.model_copy(update={"time": "2020-01-01T00:00:00.000000Z"})
        records[place] = dataclasses.replace(last, evidence=early)
    session = dataclasses.replace(signed_sessions.checked(made), records=tuple(records))
    cited = Citation(name="e1", evidence=failed.id, kind="fairness", sha256=failed.sha256, time=failed.evidence.time)
    document = SimpleNamespace(citations=(cited,), reviewed=frozenset())
    seen = {
        "gate": failed in count([session], signed_sessions.MODEL).of("fairness"),
        "findings": failed
        in DeployedVersion("m", "champion", "1", signed_sessions.MODEL, "2026", tuple(records)).of("fairness"),
        "commands": failed.id not in EvidenceView(tuple(records)).superseded,
        "citations": not any("was superseded" in s.text for s in suspects(document, records, None)),
    }
    assert seen == dict.fromkeys(seen, counts)


def test_evidence_of_another_models_data_does_not_count():
    other = writer(("data-quality", [Subject(name="x", digest={"arrowIpcSha256": "7" * 64})], {}))
    whole = signed_sessions.session(KEY, kinds=("session-start", "training-provenance"))
    assert "data-quality" not in kinds(
        count([signed_sessions.checked(whole, KEY), signed_sessions.checked(other)], signed_sessions.MODEL)
    )


@pytest.mark.parametrize("line", range(3))
def test_a_session_that_lost_any_record_or_its_manifest_is_unsound(line):
    made = writer(("dataset-record", TRAIN, {}), ("fairness", MODEL, {"result": "failed"}))
    counted = count([cut(made, line)], signed_sessions.MODEL)
    assert counted.records == ()
    assert len(counted.unsound) == 1


def test_a_session_without_a_manifest_may_have_lost_a_failure():
    """One of a killed attempt looks just like one from which the failure and the manifest were taken."""
    made = writer(("session-start", TRAIN, {}), ("data-quality", TRAIN, {}), close=False)
    assert len(count([cut(made)], signed_sessions.MODEL).unsound) == 1
    assert len(count([cut(made, 1)], signed_sessions.MODEL).unsound) == 1


def test_a_data_session_by_an_unknown_person_says_nothing_but_one_about_the_model_does():
    stranger = ephemeral_key()
    data = cut(writer(("acquisition", TRAIN, {})), key=stranger)
    model = cut(writer(("performance", MODEL, {})), key=stranger)
    assert count([data], signed_sessions.MODEL).unsound == ()
    assert count([model], signed_sessions.MODEL).unsound == (model,)


def test_an_unreadable_file_is_unsound():
    broken = check_session(b"not a session\n", "s.jsonl", signed_sessions.lookup())
    assert count([broken], signed_sessions.MODEL).unsound == (broken,)


def test_only_a_later_record_of_the_same_kind_undoes_one():
    failed = writer(("fairness", MODEL, {"result": "failed"}))
    undone = Supersedes(id=failed.records[0].id, reason="the table had a wrong column")
    for kind, left in (("fairness", 1), ("performance", 2)):
        other = writer((kind, MODEL, {"supersedes": undone}))
        counted = count([signed_sessions.checked(failed), signed_sessions.checked(other)], signed_sessions.MODEL)
        assert len(counted.of("fairness") + counted.of("performance")) == left


def test_two_records_cannot_undo_each_other():
    first = writer(("fairness", MODEL, {"result": "failed"}))
    later = writer(
        ("fairness", MODEL, {"result": "failed", "supersedes": Supersedes(id=first.records[0].id, reason="r")})
    )
    earlier = SessionWriter(KEY, "ana")
    earlier.add(
        "fairness",
        MODEL,
        time="2020-01-01T00:00:00Z",
        supersedes=Supersedes(id=later.records[0].id, reason="a record from before cannot know it"),
    )
    earlier.close()
    counted = count([signed_sessions.checked(s) for s in (first, later, earlier)], signed_sessions.MODEL)
    assert later.records[0].id in {r.id for r in counted.of("fairness")}


def test_only_those_who_trained_are_the_trainers():
    engineer = ephemeral_key()
    data = SessionWriter(engineer, "dora")
    data.add("data-quality", TRAIN)
    data.close()
    sessions = [
        signed_sessions.checked(signed_sessions.session(KEY), KEY),
        signed_sessions.checked(data, engineer, owner="dora"),
    ]
    assert count(sessions, signed_sessions.MODEL).trainers == {"ana"}


def test_the_start_of_another_file_with_the_same_session_id_is_not_taken():
    """A second file that pretends to be the beginning of the session is not sound, and is not read."""
    whole = signed_sessions.session(KEY)
    posing = SessionWriter(KEY, "ana", system="income-screening")
    posing.id = whole.id
    posing.add("session-start", TRAIN, details=SessionStartDetails(sensitive=["sex", "race"]))
    starts = count([cut(posing), signed_sessions.checked(whole, KEY)], signed_sessions.MODEL).starts
    assert [s.id for s in starts] == [whole.records[0].id]


def test_a_record_with_the_id_of_another_persons_record_is_not_taken_for_theirs():
    """Ids are their signers' words: vera's old record about another model is copied beside one of ana's with its id."""
    vera = ephemeral_key()
    old = SessionWriter(vera, "vera")
    copied = old.add("performance", [Subject(name="x", digest={"dirHash1": "9" * 64})])
    old.close()
    whole = signed_sessions.checked(signed_sessions.session(KEY), KEY)
    theirs = signed_sessions.checked(old, vera, owner="vera", roles=("trainer", "validator"))
    forged = signed_sessions.checked(writer(("performance", MODEL, {"id": copied.id})), KEY)
    counted = count([whole, theirs], signed_sessions.MODEL)
    assert {entry.owner for entry in counted.signers.values()} == {"ana", "vera"}
    assert not counted.unsound
    counted = count([whole, forged, theirs], signed_sessions.MODEL)
    assert {r.id for r in counted.records}.isdisjoint({copied.id})
    assert ["another record has the same id" in p.what for s in counted.unsound for p in s.problems] == [True]


def test_the_same_session_under_two_names_is_no_repeat():
    whole = signed_sessions.session(KEY)
    twice = [signed_sessions.checked(whole, KEY, name) for name in ("a.jsonl", "b.jsonl")]
    assert not count(twice, signed_sessions.MODEL).unsound


def test_two_records_of_one_session_with_one_id_do_not_verify():
    made = signed_sessions.checked(writer(("performance", MODEL, {}), ("fairness", MODEL, {})))
    first = made.records[0].id
    made = signed_sessions.checked(writer(("performance", MODEL, {"id": first}), ("fairness", MODEL, {"id": first})))
    assert {p.what for p in made.problems} == {"another record has the same id"}
