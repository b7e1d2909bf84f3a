"""Changes by someone who holds the ledger's database."""

from aims_mlflow.canonical import canonical
from aims_mlflow.ledger import checkpoint
from aims_mlflow.signing.keys import ephemeral_key
from support.tampering.cases import DB, battery
from support.tampering.thief import flip

CASES, case = battery()


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


@case(DB, "a leaf is filed under another model, so that nobody finds it", "completeness", "files it under another")
def _(t, life):
    t.sql("UPDATE aims_leaves SET model_name = 'x' WHERE type = 'approval'")


@case(
    DB,
    "a sealed session is filed under no model, so that its failure is overlooked",
    "completeness",
    "under the digest",
)
def _(t, life):
    t.sql("DELETE FROM aims_sessions WHERE sequence = (SELECT min(sequence) FROM aims_sessions)")


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
