"""The battery: each way to change evidence is done on a real store, and must be caught and named.

`docs/security.md` holds the table of these cases; the last test says whether it is current.
"""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.evidence import statement
from aims_mlflow.ledger import checkpoint
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import add_key, keyring_digest, revoke_key, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support.commands import run
from support.ledger_thief import Thief, flip

DOCS = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- tampering: written by tests/unit/audit/test_tampering.py -->", "<!-- end of tampering -->"


@dataclass(frozen=True)
class Case:
    where: str
    what: str
    step: str
    says: str
    do: Any
    outside: bool
    target: str


CASES: list[Case] = []


def case(where, what, step, says, *, outside=False, target="ledger"):
    """Register a way to tamper: where, who does what, in which step it is caught, and what is said."""

    def register(do):
        CASES.append(Case(where, what, step, says, do, outside, target))
        return do

    return register


DB, KEY, OUT, ART, REG, RING = (
    "ledger database", "database and stolen log key", "outside checkpoint", "artifact store", "registry database",
    "keyring",
)  # fmt: skip

# -- the ledger's database ---------------------------------------------------------------------


@case(DB, "a leaf's content is rewritten", "inclusion", "its content and its hash differ")
def _(t, life):
    t.sql("UPDATE aims_leaves SET leaf = ? WHERE sequence = 2", t.edit(2, allowed=False)[2]["leaf"])


@case(DB, "a leaf and its hash are rewritten", "inclusion", "tree node")
def _(t, life):
    rows = t.edit(2, allowed=False)
    value = __import__("hashlib").sha256(b"\0" + rows[2]["leaf"]).hexdigest()
    t.sql("UPDATE aims_leaves SET leaf = ?, leaf_hash = ? WHERE sequence = 2", rows[2]["leaf"], value)


@case(DB, "a leaf, its hash and the whole tree are rewritten", "checkpoint", "the leaves are not those that it is over")
def _(t, life):
    t.write(t.edit(2, allowed=False), resign=False)


@case(DB, "a leaf is made something that is no leaf", "inclusion", "not a leaf of this format")
def _(t, life):
    t.sql("UPDATE aims_leaves SET leaf = ? WHERE sequence = 4", b"[1, 2]")


@case(DB, "a leaf is deleted", "inclusion", "it is missing")
def _(t, life):
    t.sql("DELETE FROM aims_leaves WHERE sequence = 3")


@case(DB, "a leaf is deleted, the rest renumbered, the tree made again", "checkpoint", "the leaves are not those")
def _(t, life):
    rows = t.rows()
    t.write(rows[:3] + rows[4:], resign=False)


@case(DB, "two leaves are swapped, the tree made again", "checkpoint", "the leaves are not those that it is over")
def _(t, life):
    rows = t.rows()
    rows[3], rows[4] = rows[4], rows[3]
    t.write(rows, resign=False)


@case(DB, "the end is cut off", "checkpoint", "leaves are there")
def _(t, life):
    t.write(t.rows()[:-2], resign=False)


@case(DB, "all leaves are deleted", "checkpoint", "only 0 leaves are there")
def _(t, life):
    t.write([], resign=False)


@case(
    DB, "a back-dated leaf is inserted, the tree made again", "checkpoint", "the leaves are not those that it is over"
)
def _(t, life):
    rows = t.rows()
    t.write(rows[:3] + [rows[6]] + rows[3:], resign=False)


@case(DB, "a node of the tree is changed", "inclusion", "is not what the leaves below it make")
def _(t, life):
    t.sql("UPDATE aims_nodes SET hash = ? WHERE level = 1 AND position = 1", b"\0" * 32)


@case(DB, "a node of the tree is deleted", "inclusion", "tree node (2, 0)")
def _(t, life):
    t.sql("DELETE FROM aims_nodes WHERE level = 2 AND position = 0")


@case(DB, "a login in a body is changed", "completeness", "its body does not fit the commitment")
def _(t, life):
    t.sql("UPDATE aims_bodies SET body = ? WHERE sequence = 4", canonical({"owner": "someone else"}))


@case(DB, "a body is deleted", "completeness", "its body is gone and no erasure is recorded")
def _(t, life):
    t.sql("DELETE FROM aims_bodies WHERE sequence = 2")


@case(DB, "two bodies are swapped", "completeness", "its body does not fit the commitment")
def _(t, life):
    (salt, body), (salt2, body2) = t.sql(
        "SELECT salt, body FROM aims_bodies WHERE sequence IN (2, 5) ORDER BY sequence"
    )
    t.sql("UPDATE aims_bodies SET salt = ?, body = ? WHERE sequence = 2", salt2, body2)
    t.sql("UPDATE aims_bodies SET salt = ?, body = ? WHERE sequence = 5", salt, body)


@case(DB, "an envelope is changed", "envelope", "its bytes were changed")
def _(t, life):
    name = t.content(t.find("approval"))["envelope"]
    ((raw,),) = t.sql("SELECT envelope FROM aims_envelopes WHERE sha256 = ?", name)
    t.sql("UPDATE aims_envelopes SET envelope = ? WHERE sha256 = ?", flip(raw), name)


@case(DB, "an envelope is deleted", "envelope", "it is missing")
def _(t, life):
    t.sql("DELETE FROM aims_envelopes WHERE sha256 = ?", t.content(t.find("decision"))["evidence"][0])


@case(DB, "one record's envelope is put in another's place", "envelope", "its bytes were changed")
def _(t, life):
    one, other = t.content(t.find("decision"))["evidence"][:2]
    ((raw,),) = t.sql("SELECT envelope FROM aims_envelopes WHERE sha256 = ?", one)
    t.sql("UPDATE aims_envelopes SET envelope = ? WHERE sha256 = ?", raw, other)


@case(DB, "the policy in force is exchanged", "completeness", "someone exchanged the policy in force")
def _(t, life):
    t.sql("INSERT INTO aims_policies VALUES (?, 'policy', 'schema_version: 1')", "e" * 64)
    t.sql("UPDATE aims_active SET digest = ? WHERE kind = 'policy'", "e" * 64)


@case(DB, "the keyring in force is exchanged", "completeness", "someone exchanged the keyring in force")
def _(t, life):
    t.sql("UPDATE aims_active SET digest = ? WHERE kind = 'keyring'", "e" * 64)


@case(DB, "the policy's text is changed", "completeness", "is missing or was changed")
def _(t, life):
    t.sql("UPDATE aims_policies SET content = replace(content, '0.8', '0.1') WHERE kind = 'policy'")


@case(DB, "a stored checkpoint gets another root", "checkpoint", "does not fit the note's text")
def _(t, life):
    head = checkpoint.parse(t.sql("SELECT note FROM aims_checkpoints WHERE size = 5")[0][0].encode(), "c")
    lines = head.text.split("\n")
    lines[2] = __import__("base64").b64encode(b"\1" * 32).decode()
    t.sql("UPDATE aims_checkpoints SET note = ? WHERE size = 5", "\n".join(lines))


@case(DB, "a stored checkpoint is put under another size", "checkpoint", "it says")
def _(t, life):
    t.sql("DELETE FROM aims_checkpoints WHERE size = 4")
    t.sql("UPDATE aims_checkpoints SET size = 4 WHERE size = 5")


@case(DB, "a stored checkpoint is signed with another key", "checkpoint", "is not signed by a log key")
def _(t, life):
    origin = t.sql("SELECT note FROM aims_checkpoints")[0][0].split("\n")[0]
    t.sql("DELETE FROM aims_checkpoints WHERE size = 5")
    t.checkpoint(checkpoint.sign(origin, 5, t.root_at(5), ephemeral_key()))


@case(DB, "a stored checkpoint becomes junk", "checkpoint", "not a signed note")
def _(t, life):
    t.sql("UPDATE aims_checkpoints SET note = 'hello' WHERE size = 5")


@case(DB, "all checkpoints are deleted", "checkpoint", "it has no checkpoint")
def _(t, life):
    t.sql("DELETE FROM aims_checkpoints")


@case(DB, "deliveries to the outside are held back", "checkpoint", "is not at file://")
def _(t, life):
    t.sql("UPDATE aims_deliveries SET delivered = NULL, queued = '2026-01-01T00:00:00.000000Z'")


# -- with the log's stolen key -------------------------------------------------------------------


@case(KEY, "a leaf is rewritten and everything signed again", "checkpoint", "rewritten", outside=True)
def _(t, life):
    t.write(t.edit(t.find("decision", allowed=False), allowed=True, would_refuse=False))


@case(KEY, "a leaf is deleted, renumbered and everything signed again", "checkpoint", "deleted", outside=True)
def _(t, life):
    rows = t.rows()
    t.write(rows[:4] + rows[5:])


@case(KEY, "two leaves are swapped and everything signed again", "checkpoint", "reordered", outside=True)
def _(t, life):
    rows = t.rows()
    rows[3], rows[4] = rows[4], rows[3]
    t.write(rows)


@case(KEY, "the end is cut off, checkpoints too", "checkpoint", "cut", outside=True)
def _(t, life):
    t.write(t.rows()[:-2])


@case(KEY, "a back-dated leaf is inserted and everything signed again", "checkpoint", "inserted late", outside=True)
def _(t, life):
    rows = t.rows()
    finding = {**rows[3], "leaf": canonical({**json.loads(rows[3]["leaf"]), "request": "another"})}
    t.write([*rows[:4], finding, *rows[4:]])


@case(KEY, "the checkpoints become those of another log", "checkpoint", "is not this log's word", outside=True)
def _(t, life):
    life.outside = life.copy.parent / "elsewhere.txt"
    life.outside.write_text(checkpoint.sign("other.example.org/log", 8, t.root_at(8), ephemeral_key()).text)


@case(KEY, "one checkpoint is signed under another log's name", "checkpoint", "it is of another log")
def _(t, life):
    t.sql("DELETE FROM aims_checkpoints WHERE size = 5")
    t.checkpoint(checkpoint.sign("other.example.org/log", 5, t.root_at(5), t.log_key))


@case(KEY, "an outcome is added to a refused decision", "completeness", "no allowing decision stands before it")
def _(t, life):
    refused = t.content(t.find("decision", allowed=False))
    rows = t.rows()
    done = rows[t.find("outcome")]
    content = {**json.loads(done["leaf"]), "request": refused["request"], "version": "2"}
    t.write([*rows, {**done, "leaf": canonical(content), "request": refused["request"], "version": "2"}])


@case(KEY, "a decision is added that names a policy never in force", "completeness", "which was not in force then")
def _(t, life):
    rows = t.rows()
    made = rows[t.find("decision")]
    t.write([*rows, {**made, "leaf": canonical({**json.loads(made["leaf"]), "policy_digest": "e" * 64})}])


@case(KEY, "an approval is exchanged for one by the trainer's key", "envelope", "has no role 'approver'")
def _(t, life):
    trainer = load_key(f"file:{life.office.scientist}")
    at = t.find("approval")
    ((raw,),) = t.sql("SELECT envelope FROM aims_envelopes WHERE sha256 = ?", t.content(at)["envelope"])
    record = statement.read(raw, "approval")
    forged = statement.seal(
        record.evidence.model_copy(update={"key_id": trainer.key_id}), list(record.subjects), trainer
    )
    t.write(t.edit(at, envelope=t.keep_envelope(forged.envelope.raw)))


@case(KEY, "evidence is exchanged for some that a stranger signed", "envelope", "is not in the keyring")
def _(t, life):
    at, stranger = t.find("decision"), ephemeral_key()
    content = t.content(at)
    ((raw,),) = t.sql("SELECT envelope FROM aims_envelopes WHERE sha256 = ?", content["evidence"][0])
    record = statement.read(raw, "record")
    forged = statement.seal(
        record.evidence.model_copy(update={"key_id": stranger.key_id}), list(record.subjects), stranger
    )
    name = t.keep_envelope(forged.envelope.raw)
    old = content["evidence"][0]
    text = json.dumps(content).replace(old, name)
    t.write(t.edit(at, **json.loads(text)))


@case(KEY, "an erasure is faked without a signature", "envelope", "it is missing")
def _(t, life):
    rows = t.rows()
    leaf = json.loads(rows[3]["leaf"])
    fake = {**leaf, "type": "erased", "sequence": 2, "envelope": "f" * 64}
    rows[2] = {**rows[2], "salt": None, "body": None}
    t.write([*rows, {**rows[3], "leaf": canonical(fake), "type": "erased"}])


@case(KEY, "an allowing decision without evidence is added", "completeness", "decided again, it is another")
def _(t, life):
    rows = t.rows()
    made = rows[t.find("decision")]
    body = json.loads(made["body"])
    body["decision"]["evidence"] = []
    content = {**json.loads(made["leaf"]), "request": "new", "evidence": [], "sessions": {}}
    content["commitment"] = sha256_hex(made["salt"] + canonical(body))
    t.write([*rows, {**made, "request": "new", "leaf": canonical(content), "body": canonical(body)}])


@case(
    KEY, "a refused decision's leaf says that it allowed", "completeness", "its leaf has another allowed than its body"
)
def _(t, life):
    t.write(t.edit(t.find("decision", allowed=False), allowed=True, would_refuse=False))


@case(
    KEY, "a decision is said to rest on an earlier one that never was", "completeness", "allowed no such thing before"
)
def _(t, life):
    rows = t.rows()
    made = rows[t.find("decision", stage="deployment")]
    content, body = json.loads(made["leaf"]), json.loads(made["body"])
    standing = {
        "basis": "restored",
        "request": "never",
        "model_digest": content["model_digest"],
        "time": content["decided"],
    }
    body["standing"] = standing
    body["decision"] |= {"basis": "restored", "evidence": [], "approvals": []}
    for name in ("system", "pack_digest"):
        body["decision"].pop(name, None)
        content.pop(name, None)
    content |= {"request": "new", "basis": "restored", "evidence": [], "standing": "never"}
    content["commitment"] = sha256_hex(made["salt"] + canonical(body))
    t.write([*rows, {**made, "request": "new", "leaf": canonical(content), "body": canonical(body)}])


@case(KEY, "evidence is sealed of a session cut before its manifest", "completeness", "there is no session manifest")
def _(t, life):
    rows = t.rows()
    made = rows[t.find("decision")]
    content = json.loads(made["leaf"])
    ((name, lines),) = content["sessions"].items()
    cut = {"sessions": {name: [*lines[:-2], ""]}, "evidence": lines[:-2], "type": "evidence", "request": "new"}
    kept = {k: content[k] for k in ("v", "time", "commitment")}
    t.write([*rows, {**made, "request": "new", "type": "evidence", "leaf": canonical({**kept, **cut})}])


# -- checkpoints outside -------------------------------------------------------------------------


@case(OUT, "the auditor's copy is changed", "checkpoint", "does not fit the note's text", outside=True)
def _(t, life):
    path = max((life.outside / "checkpoints").iterdir())
    path.write_text(path.read_text().replace("\n8\n", "\n7\n"))


@case(
    OUT,
    "the ledger is rewritten, and the hashes outside with it",
    "checkpoint",
    "not those that the checkpoint's root",
    outside=True,
)
def _(t, life):
    t.write(t.edit(2, allowed=False))
    path = min((life.outside / "leaves").iterdir())
    path.write_text("0" * 64 + path.read_text()[64:])


# -- keyrings ------------------------------------------------------------------------------------


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


# -- the artifact store ----------------------------------------------------------------------------


def _model(life):
    return next((life.folder / "mlruns").glob(f"**/{life.model.removeprefix('models:/')}/artifacts"))


def _aims(life):
    return next((life.folder / "mlruns").glob(f"**/{life.run}/artifacts/aims"))


def _session(life):
    return next((_aims(life) / "sessions").glob("*.jsonl"))


@case(
    ART,
    "the model's bytes are changed after its approval",
    "subject bytes",
    "the model was exchanged",
    target="version",
)
def _(t, life):
    path = max(_model(life).iterdir(), key=lambda p: p.stat().st_size)
    path.write_bytes(flip(path.read_bytes()))


@case(ART, "a file is put into the model's folder", "subject bytes", "do not load it", target="load")
def _(t, life):
    (_model(life) / "loader.py").write_text("print('hello')")


@case(ART, "a file of the model is deleted", "subject bytes", "do not load it", target="load")
def _(t, life):
    (_model(life) / "requirements.txt").unlink()


@case(ART, "a report is changed", "subject bytes", "the file's content changed", target="version")
def _(t, life):
    path = next((_aims(life) / "reports").glob("*/fairness.html"))
    path.write_text(path.read_text().replace("0.", "1."))


@case(ART, "a report is deleted", "subject bytes", "the file is missing", target="version")
def _(t, life):
    next((_aims(life) / "reports").glob("*/drift.svg")).unlink()


@case(
    ART,
    "the model card that people open is changed",
    "subject bytes",
    "the document's content changed",
    target="version",
)
def _(t, life):
    path = _aims(life) / "model_card.md"
    path.write_text(path.read_text() + "\nNo limitations are known.\n")


@case(ART, "the page that people open is changed", "subject bytes", "the page's content changed", target="version")
def _(t, life):
    path = _aims(life) / "index.html"
    path.write_text(path.read_text().replace("missing", "met"))


@case(ART, "a record of the session is changed", "envelope", "envelope's bytes were changed", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b'"payload"', b'"payload" ', 1)
    _session(life).write_bytes(b"\n".join(lines))


@case(ART, "a record's signature is changed", "envelope", "the signature does not fit the content", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    at = lines[3].index(b'"sig":"') + 10
    lines[3] = lines[3][:at] + (b"A" if lines[3][at : at + 1] != b"A" else b"B") + lines[3][at + 1 :]
    _session(life).write_bytes(b"\n".join(lines))


@case(
    ART,
    "a record is taken out of the session",
    "completeness",
    "a record was taken out, added or moved",
    target="version",
)
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    _session(life).write_bytes(b"\n".join(lines[:5] + lines[6:]))


@case(ART, "two records change places", "completeness", "a record was taken out, added or moved", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    lines[3], lines[4] = lines[4], lines[3]
    _session(life).write_bytes(b"\n".join(lines))


@case(
    ART,
    "the session's manifest is cut off",
    "completeness",
    "there is no session manifest at its end",
    target="version",
)
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    _session(life).write_bytes(b"\n".join(lines[:-2]) + b"\n")


@case(
    ART,
    "the session is exchanged for that of another run",
    "inclusion",
    "sealed it with other records",
    target="version",
)
def _(t, life):
    other = next((life.folder / "mlruns").glob(f"**/{life.unfair}/artifacts/aims/sessions/*.jsonl"))
    _session(life).write_bytes(other.read_bytes())


@case(ART, "the session is deleted", "envelope", "no evidence is here", target="version")
def _(t, life):
    _session(life).unlink()


@case(
    ART,
    "a better session, signed by the trainer, is added afterwards",
    "inclusion",
    "no leaf of the ledger names it",
    target="version",
)
def _(t, life):
    from support import signed_sessions

    made = signed_sessions.session(load_key(f"file:{life.office.scientist}"))
    (_session(life).parent / f"{made.id}.jsonl").write_bytes(made.jsonl())


# -- MLflow's registry ----------------------------------------------------------------------------


def _registry(life, statement, *values):
    with closing(sqlite3.connect(life.folder / "mlflow.db")) as connection, connection:
        connection.execute(statement, values)


@case(
    REG,
    "a version is inserted past the gate",
    "subject bytes",
    "the ledger knows of no registration of it",
    target="inserted",
)
def _(t, life):
    _registry(life, "INSERT INTO model_versions SELECT name, '2', creation_time, last_updated_time, description, user_id, "
              "current_stage, source, run_id, status, status_message, run_link, storage_location, workspace FROM model_versions")  # fmt: skip


@case(REG, "an alias is moved past the gate", "completeness", "the alias was moved past the gate", target="alias")
def _(t, life):
    _registry(life, "UPDATE registered_model_aliases SET alias = 'production'")


@case(REG, "a version's source is pointed at another model", "subject bytes", "do not load it", target="load")
def _(t, life):
    other = next(p for p in (life.folder / "mlruns").glob("**/m-*/artifacts") if life.model[8:] not in str(p))
    _registry(life, "UPDATE model_versions SET source = ?, storage_location = ?", str(other), str(other))


# -- run them ---------------------------------------------------------------------------------------

TARGETS = {
    "ledger": lambda life: ["verify", life.uri],
    "pinned": lambda life: ["verify", life.uri, "--root", load_key(f"file:{life.office.folder}/platform/keys/root.pem").key_id],
    "version": lambda life: ["verify", "models:/loans/1", "--ledger", life.uri],
    "load": lambda life: ["verify", "models:/loans/1", "--at-load", "--ledger", life.uri],
    "inserted": lambda life: ["verify", "models:/loans/2", "--at-load", "--ledger", life.uri],
    "alias": lambda life: ["verify", "models:/loans@production", "--at-load", "--ledger", life.uri],
}  # fmt: skip


@pytest.fixture
def store(life, tmp_path):
    """What lies in MLflow is put back after each case."""
    kept = tmp_path / "kept"
    shutil.copytree(life.folder / "mlruns", kept)
    with closing(sqlite3.connect(life.folder / "mlflow.db")) as live, closing(sqlite3.connect(":memory:")) as before:
        live.backup(before)
        yield life
        before.backup(live)
    shutil.rmtree(life.folder / "mlruns")
    shutil.copytree(kept, life.folder / "mlruns")


@pytest.mark.parametrize("tried", CASES, ids=lambda c: f"{c.where}: {c.what}")
def test_tampering_is_caught_and_named(tried, store):
    thief = Thief(store)
    command = TARGETS[tried.target](store)
    tried.do(thief, store)
    if tried.outside:
        command += ["--since", store.outside]
    said = json.loads(run(*command, "--json", status=1))
    assert not said["verified"]
    texts = [
        f"{p['record']}: {p['what']}. {p['meaning']}"
        for s in said["steps"]
        if s["step"] == tried.step
        for p in s["problems"]
    ]
    assert any(tried.says in text for text in texts), json.dumps(said, indent=1)[:4000]


@pytest.mark.parametrize("tried", [c for c in CASES if c.where == KEY and c.outside], ids=lambda c: c.what)
def test_a_stolen_log_key_is_caught_by_an_outside_checkpoint_alone(tried, store):
    """The docs say so: without one, this verification passes, or says nothing of it."""
    tried.do(Thief(store), store)
    said = json.loads(_either("verify", store.uri, "--json"))
    assert not any(tried.says in p["what"] for s in said["steps"] if s["step"] == "checkpoint" for p in s["problems"])


def _either(*args):
    try:
        return run(*args)
    except AssertionError:
        return run(*args, status=1)


def test_a_time_stamp_over_something_else_is_told(life, authority):
    from aims_mlflow.ledger import timestamps

    thief = Thief(life)
    note = thief.sql("SELECT note FROM aims_checkpoints WHERE size = 8")[0][0]
    root = life.copy.parent / "tsa.pem"
    root.write_bytes(authority.root)
    row = "INSERT INTO aims_deliveries VALUES (8, 'tsa:x', '2026', '2026', 1, '2026', NULL, ?)"
    thief.sql(row, timestamps.request_stamp(note.encode(), authority.url))
    assert "1 time stamp, the last of" in run("verify", life.uri, "--stamp-root", root)
    assert "no certificate to check it by was given" in run("verify", life.uri, status=1)
    thief.sql(
        "UPDATE aims_deliveries SET receipt = ? WHERE place = 'tsa:x'", timestamps.request_stamp(b"x", authority.url)
    )
    assert "the time stamp does not verify" in run("verify", life.uri, "--stamp-root", root, status=1)


def table():
    """The battery as docs/security.md shows it."""
    from support.bundle_tampering import CASES as BUNDLE

    lines = [BEGIN, "| where | what is done | caught in step | needs an outside checkpoint |", "|---|---|---|---|"]
    lines += [f"| {c.where} | {c.what} | {c.step} | {'yes' if c.outside else 'no'} |" for c in CASES]
    lines += [f"| bundle | {what} | {step} | {'yes' if outside else 'no'} |" for what, step, _, _, outside in BUNDLE]
    return "\n".join([*lines, f"\n{len(CASES) + len(BUNDLE)} cases, all caught.", END])


def test_the_table_in_the_docs_is_current():
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + table() + after
    if os.environ.get("AIMS_WRITE_DOCS"):
        DOCS.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, "write it again: AIMS_WRITE_DOCS=1 pytest tests/unit/audit/test_tampering.py -k docs"
