"""Envelopes, statements and sessions: what is whole is read, and every change is named."""

import dataclasses
import json

import pytest

from aims_mlflow.canonical import canonical
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.verify import check_session, check_signature
from aims_mlflow.signing import dsse
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.long_runs import full_but


def test_an_envelope_is_read_by_securesystemslib_itself_and_is_an_in_toto_statement():
    from securesystemslib.dsse import Envelope

    key = ephemeral_key()
    for record in signed_sessions.session(key).records:
        foreign = Envelope.from_dict(json.loads(record.envelope.raw))
        assert foreign.verify([key.public.for_dsse()], 1)
        payload = json.loads(foreign.payload)
        assert payload["_type"] == "https://in-toto.io/Statement/v1"
        assert all(s["digest"] for s in payload["subject"])
        assert foreign.payload_type == "application/vnd.in-toto+json"


@pytest.mark.parametrize("kind", ["application/vnd.in-toto+json", "text/plain; größe=ß", ""])
@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256))])
def test_what_securesystemslib_signs_verifies_and_nothing_else(kind, payload):
    """What a signature is over is put together here, where it is verified, and by the library, where it is made."""
    key = ephemeral_key()
    signed = dsse.sign(payload, key, kind)
    signed.verify(key.public)
    for changed in ({"payload": payload + b" "}, {"payload_type": f"{kind} "}):
        with pytest.raises(EvidenceError, match="does not fit the content"):
            dataclasses.replace(signed, **changed).verify(key.public)


def test_foreign_fields_say_what_the_record_says():
    records = {r.evidence.kind: r for r in signed_sessions.session().records}
    fairness = json.loads(records["fairness"].envelope.payload)
    assert fairness["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert fairness["predicate"]["result"] == "FAILED"
    assert "selection_rate_ratio[sex=Female]@test" in fairness["predicate"]["failedTests"]
    training = json.loads(records["training-provenance"].envelope.payload)
    assert training["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {"name": "code", "digest": {"gitCommit": "e" * 40}} in training["predicate"]["buildDefinition"][
        "resolvedDependencies"
    ]


def test_a_signed_contradiction_between_the_fields_is_refused():
    key = ephemeral_key()
    record = next(r for r in signed_sessions.session(key).records if r.evidence.kind == "fairness")
    payload = json.loads(record.envelope.payload)
    payload["predicate"]["result"] = "PASSED"
    again = dsse.sign(canonical(payload), key)
    with pytest.raises(EvidenceError, match="say something else than the record"):
        statement.read(again.raw, "x")


@pytest.mark.parametrize("step", full_but([7], [7, 1]))
def test_every_flipped_byte_of_a_session_is_found_and_named(step):
    key = ephemeral_key()
    writer = signed_sessions.session(key, kinds=("session-start", "fairness"))
    data, known = writer.jsonl(), signed_sessions.lookup(signed_sessions.entry(key))
    assert check_session(data, "s", known).sound
    for position in range(0, len(data), step):
        changed = bytearray(data)
        changed[position] ^= (1, 2, 4, 8, 16, 32, 64, 128)[position % 8]
        found = check_session(bytes(changed), "s", known)
        assert not found.sound, f"byte {position}"
        assert found.problems[0].record.startswith("s")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda lines: lines[:2] + lines[3:], "its number is"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "its number is"),
        (lambda lines: lines[:-1], "no session manifest"),
        (lambda lines: lines + [lines[1]], "no session manifest"),
        (lambda lines: lines[:3] + [lines[3][:50]], "not JSON"),
        (lambda lines: [], "no session manifest"),
    ],
)
def test_what_was_taken_out_moved_or_cut_is_named(change, text):
    key = ephemeral_key()
    lines = signed_sessions.session(key).jsonl().splitlines()
    data = b"".join(line + b"\n" for line in change(lines))
    found = check_session(data, "s", signed_sessions.lookup(signed_sessions.entry(key)))
    assert not found.sound
    assert any(text in p.what for p in found.problems), found.problems


def test_a_record_from_another_session_of_the_same_key_is_found():
    key = ephemeral_key()
    one, other = signed_sessions.session(key, ratio="0.31"), signed_sessions.session(key, ratio="0.95")
    lines, good = one.jsonl().splitlines(), other.jsonl().splitlines()
    place = next(i for i, r in enumerate(one.records) if r.evidence.kind == "fairness")
    lines[place] = good[place]
    found = check_session(b"\n".join(lines) + b"\n", "s", signed_sessions.lookup(signed_sessions.entry(key)))
    assert any("belongs to another session" in p.what for p in found.problems)


def test_unknown_keys_and_wrong_roles_say_what_to_do():
    key = ephemeral_key()
    record = signed_sessions.session(key).records[0]
    with pytest.raises(EvidenceError) as unknown:
        check_signature(record, lambda _: None)
    assert "aims keys export" in unknown.value.next
    assert "aims keys add" in unknown.value.next
    with pytest.raises(EvidenceError, match="has no role 'trainer'"):
        check_signature(record, signed_sessions.lookup(signed_sessions.entry(key, roles=("approver",))))
    other = ephemeral_key()
    forged = signed_sessions.entry(other).model_copy(update={"key_id": key.key_id})
    with pytest.raises(EvidenceError, match="does not fit the content"):
        check_signature(record, lambda _: forged)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        ({"valid_from": "2999-01-01T00:00:00Z"}, "valid only from"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "was valid until"),
        ({"revoked": "2020-01-01T00:00:00Z"}, "was revoked at"),
    ],
)
def test_a_key_acts_only_in_its_window(window, text):
    key = ephemeral_key()
    with pytest.raises(EvidenceError, match=text):
        check_signature(
            signed_sessions.session(key).records[0], signed_sessions.lookup(signed_sessions.entry(key, **window))
        )
