"""Changes by someone who holds the database and the key that signs checkpoints."""

import json

from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.evidence import statement
from aims_mlflow.ledger import checkpoint
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import ephemeral_key
from support.tampering.cases import KEY, OUT, battery

CASES, case = battery()


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


@case(KEY, "evidence is exchanged for some that a stranger signed", "envelope", "does not know the key")
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
    for name in ("system", "pack_digest", "not_asked"):
        body["decision"].pop(name, None)
        content.pop(name, None)
    content |= {"request": "new", "basis": "restored", "evidence": [], "standing": "never"}
    content["commitment"] = sha256_hex(made["salt"] + canonical(body))
    t.write([*rows, {**made, "request": "new", "leaf": canonical(content), "body": canonical(body)}])


def restored_on_the_registration(t, **more):
    """All rows, with a decision that restores an alias on the word of the registration, and its outcome."""
    rows = t.rows()
    made, registered = rows[t.find("decision", stage="deployment")], t.content(t.find("decision", stage="registration"))
    content, body = json.loads(made["leaf"]), json.loads(made["body"])
    carried = {"evidence": registered["evidence"], "approvals": []}
    body["standing"] = {
        "basis": "restored",
        "request": registered["request"],
        "model_digest": content["model_digest"],
        "time": content["decided"],
        **carried,
        **more,
    }
    body["decision"] |= {"basis": "restored", **carried, **more}
    for name in ("system", "pack_digest", "not_asked"):
        body["decision"].pop(name, None)
        content.pop(name, None)
    content |= {"request": "new", "basis": "restored", "standing": registered["request"], **carried}
    content.pop("approvals")
    content["commitment"] = sha256_hex(made["salt"] + canonical(body))
    done = rows[t.find("outcome", request=json.loads(made["leaf"])["request"])]
    outcome = {**json.loads(done["leaf"]), "request": "new"}
    return [
        *rows,
        {**made, "request": "new", "leaf": canonical(content), "body": canonical(body)},
        {**done, "request": "new", "leaf": canonical(outcome)},
    ]


@case(
    KEY,
    "a decision is said to rest on a registration of the same bytes",
    "completeness",
    "allowed no such thing before",
)
def _(t, life):
    t.write(restored_on_the_registration(t))


@case(
    KEY,
    "a version's alias is said to rest on its registration",
    "completeness",
    "allowed no such thing before",
    target="version",
)
def _(t, life):
    t.write(restored_on_the_registration(t))


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
