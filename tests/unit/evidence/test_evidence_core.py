"""Canonical bytes, digests, envelopes, statements, sessions, keys and keyrings."""

import base64
import hashlib
import json
import stat

import pandas as pd
import pytest
from pydantic import ValidationError

from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import ConfigError, EvidenceError, KeyUnavailable
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.digests import arrow_digest, dir_hash1, is_load_mark, model_digest
from aims_mlflow.evidence.verify import check_session, check_signature
from aims_mlflow.records.base import decimal_text, uuid7
from aims_mlflow.records.evidence import Claim, Evidence
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing import dsse
from aims_mlflow.signing.key_sources import load_key, signing_key
from aims_mlflow.signing.keyring import add_key, load_keyring, sign_keyring, write_keyring
from aims_mlflow.signing.keys import ephemeral_key, write_new_key
from support import signed_sessions


def test_dir_hash1_is_gos_h1(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_bytes(b"hello")
    (tmp_path / "MLmodel").write_bytes(b"flavors: {}\n")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("MLmodel", b"flavors: {}\n"), ("b/x.txt", b"hello"))
    )
    assert model_digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    (tmp_path / "registered_model_meta").write_text("model_name: m")
    assert model_digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    (tmp_path / "b" / "registered_model_meta").write_text("elsewhere it counts")
    assert model_digest(tmp_path) != hashlib.sha256(lines.encode()).hexdigest()


def test_the_load_mark_is_left_out_only_where_it_can_be_no_part_of_the_model(tmp_path):
    assert is_load_mark("registered_model_meta", 100, b"")
    assert not is_load_mark("registered_model_meta", 5000, b"")
    assert not is_load_mark("registered_model_meta", 100, b"data: registered_model_meta")
    assert not is_load_mark("sub/registered_model_meta", 100, b"")


def test_links_and_odd_names_are_refused(tmp_path):
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to(tmp_path / "f")
    with pytest.raises(EvidenceError, match="a link stands"):
        model_digest(tmp_path)
    with pytest.raises(EvidenceError, match="line break"):
        dir_hash1([("a\nb", "0" * 64)])
    with pytest.raises(EvidenceError, match="two files"):
        dir_hash1([("a", "0" * 64), ("a", "1" * 64)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvidenceError, match="is empty"):
        model_digest(tmp_path / "empty")


def test_the_arrow_digest_is_about_columns_types_and_values_alone():
    frame = pd.DataFrame({"n": range(20_000), "t": ["a", "b"] * 10_000})
    digest = arrow_digest(frame)
    assert arrow_digest(frame.set_index(pd.Index(range(5, 20_005)))) == digest
    assert arrow_digest(frame.astype({"t": object})) == digest
    assert arrow_digest(pd.concat([frame[:7000], frame[7000:]])) == digest
    changed = frame.copy()
    changed.loc[15_000, "n"] = -1
    assert arrow_digest(changed) != digest
    assert arrow_digest(frame.rename(columns={"n": "m"})) != digest
    assert arrow_digest(frame.astype({"n": "int32"})) != digest
    assert len(arrow_digest(pd.DataFrame({"mixed": [1, "a", None, 2.5]}))) == 64


def test_floats_and_repeated_keys_do_not_get_in():
    with pytest.raises(ValidationError, match="float"):
        body(details={"a": [1, {"b": 0.5}]})
    with pytest.raises(EvidenceError, match="stands twice"):
        parse_json(b'{"a": 1, "a": 2}', "x")
    with pytest.raises(EvidenceError, match="NaN"):
        parse_json(b'{"a": NaN}', "x")
    with pytest.raises(EvidenceError):
        parse_json(b"[" * 100_000, "x")
    with pytest.raises(EvidenceError, match="no canonical JSON"):
        canonical({"a": 2**60})


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1e-7, "0.0000001"), (3.0, "3"), (float("nan"), None), (1e20, "1" + "0" * 20)]
)
def test_decimal_text_is_the_shortest_that_reads_back(value, text):
    assert decimal_text(value) == text


def body(**more):
    key = more.pop("key", None) or ephemeral_key()
    return Evidence(
        id=uuid7(), kind="fairness", result="passed", actor="a", key_id=key.key_id, time="2026-01-01T00:00:00Z", **more
    )


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


def test_every_flipped_byte_of_a_session_is_found_and_named():
    key = ephemeral_key()
    writer = signed_sessions.session(key, kinds=("session-start", "fairness"))
    data, known = writer.jsonl(), signed_sessions.lookup(signed_sessions.entry(key))
    assert check_session(data, "s", known).sound
    for position in range(len(data)):
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


def test_keys_come_from_files_and_variables_and_never_silently(tmp_path, monkeypatch, own_home):
    key = write_new_key(tmp_path / "k.pem")
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    der = base64.b64decode("".join(key.public.pem.splitlines()[1:-1]))
    assert key.key_id == hashlib.sha256(der).hexdigest()
    with pytest.raises(KeyUnavailable, match="exists"):
        write_new_key(tmp_path / "k.pem")
    monkeypatch.setenv("PEM", (tmp_path / "k.pem").read_text())
    assert load_key("env:PEM").key_id == load_key(f"file:{tmp_path}/k.pem").key_id == key.key_id
    for bad, text in (
        ("env:NONE", "not set"),
        (f"file:{tmp_path}/none", "cannot be read"),
        ("carrier-pigeon:x", "not known here"),
    ):
        with pytest.raises(KeyUnavailable, match=text):
            load_key(bad)
    monkeypatch.setenv("AIMS_SIGNING_KEY", (tmp_path / "k.pem").read_text())
    with pytest.raises(KeyUnavailable, match="holds a key itself"):
        signing_key()
    monkeypatch.delenv("AIMS_SIGNING_KEY")
    said = []
    made = signing_key(said.append)
    assert "aims keys export" in said[0]
    assert signing_key(said.append).key_id == made.key_id
    assert len(said) == 1
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(KeyUnavailable, match="AIMS_SIGNING_KEY"):
        signing_key()


def test_a_keyring_is_its_roots_word(tmp_path):
    root, trainer = ephemeral_key(), ephemeral_key()
    path = tmp_path / "keyring.yaml"
    keyring = sign_keyring(add_key(Keyring(version=1), signed_sessions.entry(trainer)), root)
    write_keyring(path, keyring)
    assert load_keyring(path).find(trainer.key_id).owner == "ana"
    assert load_keyring(path, root.key_id).version == 2
    with pytest.raises(EvidenceError, match="not signed by the root key"):
        load_keyring(path, ephemeral_key().key_id)
    with pytest.raises(ConfigError, match="already has this key"):
        add_key(keyring, signed_sessions.entry(trainer))
    text = path.read_text()
    path.write_text(text.replace("owner: ana", "owner: eve"))
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        load_keyring(path)
    path.write_text(text.replace("- trainer", "- trainer\n  - approver"))
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        load_keyring(path)
    path.write_text(text + "extra: 1\n")
    with pytest.raises(ConfigError, match=r"keyring\.yaml:\d+: unknown key 'extra'"):
        load_keyring(path)


def test_a_claim_without_value_is_undefined_and_not_a_pass():
    from aims_mlflow.records.evidence import result_of

    assert result_of([]) == "not_evaluated"
    assert result_of([Claim(metric="m", limit="1", comparator=">=")]) == "not_evaluated"
    assert result_of([Claim(metric="m", value="2", limit="1", comparator=">=", passed=True)]) == "passed"
    assert result_of([Claim(metric="m", passed=False, severity="warning"), Claim(metric="n", passed=True)]) == "warned"
    assert result_of([Claim(metric="m", passed=False), Claim(metric="n")]) == "failed"
