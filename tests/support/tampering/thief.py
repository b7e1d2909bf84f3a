"""Someone who knows the format and holds the database, the artifact store, a bundle, or the log's stolen key."""

import json
import sqlite3
from contextlib import closing

from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.signing.key_sources import load_key

COLUMNS = ("leaf", "request", "type", "model_name", "version")


class Thief:
    """Works on the copy of a ledger's SQLite file, as its owner can."""

    def __init__(self, life):
        self.life = life
        self.log_key = load_key(f"file:{life.office.folder}/platform/keys/log.pem")
        for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.sql(f"DROP TRIGGER {name}")

    def sql(self, statement, *values):
        with closing(sqlite3.connect(self.life.copy)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    # -- leaves with what hangs on them -----------------------------------------------------

    def rows(self):
        """Every leaf as a dict, its body beside it."""
        query = (
            f"SELECT {', '.join('l.' + c for c in COLUMNS)}, b.salt, b.body FROM aims_leaves l "
            "LEFT JOIN aims_bodies b ON b.sequence = l.sequence ORDER BY l.sequence"
        )
        return [dict(zip((*COLUMNS, "salt", "body"), row, strict=True)) for row in self.sql(query)]

    def write(self, rows, *, resign=True):
        """Write leaves anew, numbered from 0, with hashes and tree; with the stolen key, checkpoints too."""
        for table in ("aims_leaves", "aims_bodies", "aims_nodes"):
            self.sql(f"DELETE FROM {table}")
        edge, roots = merkle.Frontier(), []
        for sequence, row in enumerate(rows):
            value = merkle.leaf_hash(row["leaf"])
            self.sql(
                f"INSERT INTO aims_leaves (sequence, leaf_hash, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                sequence, value.hex(), *(row[c] for c in COLUMNS),
            )  # fmt: skip
            if row["body"] is not None:
                self.sql("INSERT INTO aims_bodies VALUES (?, ?, ?)", sequence, row["salt"], row["body"])
            for (level, position), node in edge.append(value):
                self.sql("INSERT INTO aims_nodes VALUES (?, ?, ?)", level, position, node)
            roots.append(edge.root())
        if resign:
            self.resign(roots)

    def resign(self, roots):
        ((origin,),) = {(note.split("\n")[0],) for (note,) in self.sql("SELECT note FROM aims_checkpoints")}
        self.sql("DELETE FROM aims_checkpoints")
        for size, root in enumerate(roots, 1):
            self.checkpoint(checkpoint.sign(origin, size, root, self.log_key))

    def checkpoint(self, head, time="2026-01-01T00:00:00.000000Z"):
        self.sql("INSERT INTO aims_checkpoints VALUES (?, ?, ?)", head.size, head.text, time)

    def find(self, kind, **fields):
        """The place of the first leaf of a type with these fields."""
        for at, row in enumerate(self.rows()):
            content = json.loads(row["leaf"])
            if content["type"] == kind and all(content.get(k) == v for k, v in fields.items()):
                return at
        raise LookupError(kind)

    def edit(self, at, **fields):
        """All rows, with the fields of one leaf changed."""
        rows = self.rows()
        rows[at]["leaf"] = canonical({**json.loads(rows[at]["leaf"]), **fields})
        return rows

    def content(self, at):
        return json.loads(self.rows()[at]["leaf"])

    def keep_envelope(self, raw):
        self.sql("INSERT INTO aims_envelopes VALUES (?, ?)", sha256_hex(raw), raw)
        return sha256_hex(raw)

    def root_at(self, size):
        edge = merkle.Frontier()
        for row in self.rows()[:size]:
            edge.append(merkle.leaf_hash(row["leaf"]))
        return edge.root()


def flip(data, at=40):
    """One bit changed."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
