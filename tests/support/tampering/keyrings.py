"""Changes of the keyring, and keys that were revoked."""

import json

from aims_mlflow.canonical import canonical
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import add_key, keyring_digest, revoke_key, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support.tampering.cases import RING, battery

CASES, case = battery()


def _keyring(t):
    ((digest, text),) = t.sql("SELECT digest, content FROM aims_policies WHERE kind = 'keyring'")
    return digest, Keyring.model_validate(json.loads(text))


def _text(keyring):
    return canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()


@case(RING, "a key is added to the text that is stored", "keyring", "its text was changed")
def _(t, life):
    digest, keyring = _keyring(t)
    mine = ephemeral_key()
    entry = KeyEntry(key_id=mine.key_id, owner="me", roles=("approver",), pem=mine.public.pem)
    t.sql("UPDATE aims_policies SET content = ? WHERE digest = ?", _text(add_key(keyring, entry)), digest)


@case(RING, "the stored text is deleted", "keyring", "is missing")
def _(t, life):
    t.sql("DELETE FROM aims_policies WHERE kind = 'keyring'")


@case(RING, "a new version is signed by someone who is not the root, and sealed", "keyring", "may not follow version")
def _(t, life):
    _, keyring = _keyring(t)
    mine = ephemeral_key()
    entry = KeyEntry(key_id=mine.key_id, owner="me", roles=("approver",), pem=mine.public.pem)
    _seal_keyring(t, sign_keyring(add_key(keyring, entry), mine))


@case(
    RING,
    "the first version is exchanged, where the root is pinned",
    "keyring",
    "not signed by the root key",
    target="pinned",
)
def _(t, life):
    _, keyring = _keyring(t)
    forged = sign_keyring(keyring, ephemeral_key())
    t.sql("UPDATE aims_policies SET content = ? WHERE kind = 'keyring'", _text(forged))


@case(RING, "evidence counted, and its key was later revoked as of before", "envelope", "was later revoked as of")
def _(t, life):
    _, keyring = _keyring(t)
    root = load_key(f"file:{life.office.folder}/platform/keys/root.pem")
    _seal_keyring(t, sign_keyring(revoke_key(keyring, "ana", "2020-01-01T00:00:00Z"), root))


@case(RING, "the newest checkpoint is signed with a log key that was revoked before", "checkpoint", "was revoked at")
def _(t, life):
    _, keyring = _keyring(t)
    root = load_key(f"file:{life.office.folder}/platform/keys/root.pem")
    _seal_keyring(t, sign_keyring(revoke_key(keyring, t.log_key.key_id, "2026-01-01T00:00:00Z"), root))
    rows = t.rows()
    t.write([*rows, {**rows[-2], "leaf": canonical({**json.loads(rows[-2]["leaf"]), "request": "after"})}])


def _seal_keyring(t, keyring):
    rows = t.rows()
    leaf = rows[t.find("keyring")]
    digest = keyring_digest(keyring)
    content = {**json.loads(leaf["leaf"]), "keyring_digest": digest, "version": str(keyring.version)}
    content["time"] = "2099-01-01T00:00:00.000000Z"
    t.sql("INSERT INTO aims_policies VALUES (?, 'keyring', ?)", digest, _text(keyring))
    t.sql("UPDATE aims_active SET digest = ? WHERE kind = 'keyring'", digest)
    t.write([*rows, {**leaf, "leaf": canonical(content)}])
