"""Which key counted when: workers' clocks differ, keys are rotated and stolen, and sequence alone orders."""

import datetime
import json

import pytest
import sealed
from small_bundle import small_ledger

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.evidence import ledger_append
from aims_mlflow.evidence.canonical import canonical, sha256_hex
from aims_mlflow.evidence.keyring import add_key, keyring_digest, sign_keyring
from aims_mlflow.evidence.keys import ephemeral_key
from aims_mlflow.evidence.ledger import Entry
from aims_mlflow.records.keyring import Keyring

real_now = ledger_append.utc_text


@pytest.fixture
def small(tmp_path):
    """A ledger, with its trainer's, log's and root's keys."""
    keys = [ephemeral_key() for _ in range(3)]
    return small_ledger(f"sqlite:///{tmp_path}/l.db", *keys), *keys


def keyring_of(ledger):
    return Keyring.model_validate(json.loads(ledger.state.stored(ledger.state.active()["keyring"])))


def put(ledger, keyring):
    digest = keyring_digest(keyring)
    content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
    entry = Entry("keyring", {"keyring_digest": digest, "version": str(keyring.version)})
    assert ledger.put_in_force("keyring", digest, content, entry)


def evidence(ledger, key):
    lines = [line for line in sealed.session(key).jsonl().split(b"\n") if line]
    names = [sha256_hex(line) for line in lines]
    public = {"sessions": {"s.jsonl": [*names, ""]}, "evidence": names}
    ledger.append(Entry("evidence", public, {"reason": "x"}, names[0], lines))


def sentences(ledger):
    return [problem.sentence() for problem in verify_ledger(ledger, "ledger").problems]


@pytest.mark.parametrize("seconds", [5, 3600, -5, -3600])
def test_a_worker_whose_clock_is_off_makes_nothing_look_forged(small, monkeypatch, seconds):
    ledger, _, _, root = small
    bo = ephemeral_key()

    def off(*_):
        return real_now(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))

    with monkeypatch.context() as patch:
        patch.setattr(ledger_append, "utc_text", off)
        put(ledger, sign_keyring(add_key(keyring_of(ledger), sealed.entry(bo, "bo")), root))
    evidence(ledger, bo)
    assert sentences(ledger) == []


def test_evidence_sealed_before_its_key_was_trusted_is_told(small):
    ledger, _, _, root = small
    bo = ephemeral_key()
    evidence(ledger, bo)
    put(ledger, sign_keyring(add_key(keyring_of(ledger), sealed.entry(bo, "bo")), root))
    assert any("is not in the keyring of leaf" in text and "it is in a later one" in text for text in sentences(ledger))
