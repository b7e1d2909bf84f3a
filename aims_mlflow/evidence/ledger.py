"""The ledger: append-only leaves of canonical bytes with a sequence, in a SQL database of its own tables.

A leaf is final: RFC 8785 bytes and `sha256(0x00 || leaf)`, the leaf hash of RFC 6962, so that Merkle tree heads
can be computed over it later without rewriting. Names, addresses and free text stand in an erasable body
beside it; the leaf holds a salted commitment, `sha256(salt || body)`.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

LEDGER_URI = "AIMS_LEDGER_URI"
LEAF_VERSION = 1
PAGE = 1000
TYPES = (
    "decision", "outcome", "approval", "waiver", "revocation", "retirement", "withdrawn", "superseded", "deleted",
    "renamed", "legacy", "policy", "keyring", "finding", "incident", "evidence",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What is to become a leaf: public fields, the erasable body beside it, and the envelopes that it names."""

    type: str
    public: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    request: str = ""
    envelopes: Sequence[bytes] = ()


@dataclass(frozen=True)
class Leaf:
    """One leaf as it stands in the ledger."""

    sequence: int
    data: bytes
    leaf_hash: str

    @property
    def content(self) -> dict[str, Any]:
        """The leaf's public fields."""
        content: dict[str, Any] = parse_json(self.data, f"leaf {self.sequence}")
        return content


def leaf_hash(data: bytes) -> str:
    """Return RFC 6962's leaf hash as hex."""
    return hashlib.sha256(b"\x00" + data).hexdigest()


def ledger_uri(registry_uri: str, configured: str | None) -> str:
    """Return where the ledger lies: `AIMS_LEDGER_URI`, else beside the registry's SQLite file, else in its database."""
    if configured:
        return configured
    if registry_uri.startswith("sqlite:///"):
        return f"{registry_uri.split('?', maxsplit=1)[0]}.aims.db"
    return registry_uri


class Ledger:
    """One ledger database. Safe to use from several threads and worker processes."""

    def __init__(self, uri: str) -> None:
        """Open the ledger, making its tables where they are missing.

        Raises:
            ConfigError: the ledger does not run on this kind of database.
            Unreachable: the database cannot be opened.
        """
        from aims_mlflow.evidence.ledger_database import ModelLocks, open_database

        self.uri = uri
        self._engine, self._tables = open_database(uri)
        self._locks = ModelLocks(self._engine)
        self._kept: set[str] = set()

    def append(self, *entries: Entry) -> list[Leaf]:
        """Append leaves, their erasable bodies and the envelopes that they name, all or nothing.

        Raises:
            EvidenceError: a type is not known, or content has no canonical bytes.
            Unreachable: the database did not take it.
        """
        made = [_leaf(entry) for entry in entries]
        out = []
        with self._writing() as connection:
            for entry, (data, salt, body) in zip(entries, made, strict=True):
                sequence = self._insert(connection, entry, data)
                connection.execute(self._tables.bodies.insert().values(sequence=sequence, salt=salt, body=body))
                out.append(Leaf(sequence, data, leaf_hash(data)))
            kept = self._keep(connection, [raw for entry in entries for raw in entry.envelopes])
        self._kept |= kept
        return out

    def _insert(self, connection: Connection, entry: Entry, data: bytes) -> int:
        import sqlalchemy as sa

        table = self._tables.leaves
        following = sa.select(
            sa.func.coalesce(sa.func.max(table.c.sequence) + 1, 0),
            sa.literal(data, sa.LargeBinary),
            sa.literal(leaf_hash(data)),
            sa.literal(entry.request),
            sa.literal(entry.type),
            sa.literal(entry.public.get("model_name"), sa.String),
        )
        columns = ["sequence", "leaf", "leaf_hash", "request", "type", "model_name"]
        insert = table.insert().from_select(columns, following).returning(table.c.sequence)
        return int(connection.execute(insert).scalar_one())

    def _keep(self, connection: Connection, envelopes: Iterable[bytes]) -> set[str]:
        """Store the envelopes that are not there yet, by sha256."""
        import sqlalchemy as sa

        named = {sha256_hex(raw): raw for raw in envelopes}
        asked = [name for name in named if name not in self._kept]
        if asked:
            column = self._tables.envelopes.c.sha256
            known = set(connection.execute(sa.select(column).where(column.in_(asked))).scalars())
            new = [{"sha256": name, "envelope": named[name]} for name in asked if name not in known]
            if new:
                connection.execute(self._tables.envelopes.insert(), new)
        return set(asked)

    def leaves(
        self,
        *,
        start: int = 0,
        types: Sequence[str] = (),
        request: str | None = None,
        model_name: str | None = None,
    ) -> Iterator[Leaf]:
        """Yield leaves in order, in pages, so that memory stays bounded."""
        while True:
            rows = self._page(start, types, request, model_name)
            yield from rows
            if len(rows) < PAGE:
                return
            start = rows[-1].sequence + 1

    def newest(self, *, types: Sequence[str] = (), model_name: str | None = None, most: int = 1) -> list[Leaf]:
        """Return the last leaves of these types, newest first."""
        return self._page(0, types, None, model_name, newest=most)

    def _page(
        self, start: int, types: Sequence[str], request: str | None, model_name: str | None, newest: int = 0
    ) -> list[Leaf]:
        import sqlalchemy as sa

        table = self._tables.leaves
        query = sa.select(table.c.sequence, table.c.leaf, table.c.leaf_hash).where(table.c.sequence >= start)
        if types:
            query = query.where(table.c.type.in_(types))
        if request is not None:
            query = query.where(table.c.request == request)
        if model_name is not None:
            query = query.where(table.c.model_name == model_name)
        query = query.order_by(table.c.sequence.desc() if newest else table.c.sequence).limit(newest or PAGE)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [Leaf(row.sequence, bytes(row.leaf), row.leaf_hash) for row in rows]

    def body(self, sequence: int) -> dict[str, Any] | None:
        """Return a leaf's erasable body, checked against its commitment; None where it was erased.

        Raises:
            EvidenceError: the body is not the one that the leaf commits to.
        """
        import sqlalchemy as sa

        bodies = self._tables.bodies
        with self._reading() as connection:
            row = connection.execute(sa.select(bodies).where(bodies.c.sequence == sequence)).first()
        leaf = next(self.leaves(start=sequence), None)
        if row is None or leaf is None or leaf.sequence != sequence:
            return None
        if sha256_hex(bytes(row.salt) + bytes(row.body)) != leaf.content["commitment"]:
            raise EvidenceError("the body was changed: it does not fit the leaf's commitment", where=f"leaf {sequence}")
        content: dict[str, Any] = parse_json(bytes(row.body), f"body {sequence}")
        return content

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the kept envelopes among these sha256 names."""
        import sqlalchemy as sa

        table = self._tables.envelopes
        out: dict[str, bytes] = {}
        for begin in range(0, len(names), PAGE):
            query = sa.select(table).where(table.c.sha256.in_(names[begin : begin + PAGE]))
            with self._reading() as connection:
                out |= {row.sha256: bytes(row.envelope) for row in connection.execute(query)}
        return out

    def envelope(self, sha256: str) -> bytes | None:
        """Return an envelope that a leaf names."""
        return self.envelopes([sha256]).get(sha256)

    def size_and_last(self) -> tuple[int, str]:
        """Return how many leaves there are, and the hash of the last."""
        last = self.newest()
        return (last[0].sequence + 1, last[0].leaf_hash) if last else (0, "")

    # -- what is in force, and what was hashed ----------------------------------------------

    def activate(self, kind: str, digest: str, content: str) -> bool:
        """Store a policy or keyring by digest and make it the active one; tells whether that was a change."""
        import sqlalchemy as sa

        active, policies = self._tables.active, self._tables.policies
        with self._writing() as connection:
            current = connection.execute(sa.select(active.c.digest).where(active.c.kind == kind)).scalar()
            if current == digest:
                return False
            known = sa.select(policies.c.digest).where(policies.c.digest == digest)
            if connection.execute(known).first() is None:
                connection.execute(policies.insert().values(digest=digest, kind=kind, content=content))
            connection.execute(sa.delete(active).where(active.c.kind == kind))
            connection.execute(active.insert().values(kind=kind, digest=digest))
        return True

    def active(self) -> dict[str, str]:
        """Return the digests in force, by kind: policy, keyring."""
        import sqlalchemy as sa

        with self._reading() as connection:
            return {row.kind: row.digest for row in connection.execute(sa.select(self._tables.active))}

    def stored(self, digest: str) -> str | None:
        """Return the text of a policy or keyring that was ever in force."""
        import sqlalchemy as sa

        policies = self._tables.policies
        with self._reading() as connection:
            return connection.execute(sa.select(policies.c.content).where(policies.c.digest == digest)).scalar()

    def hashed(self, fingerprint: str) -> str | None:
        """Return the digest that was computed for files with this fingerprint."""
        import sqlalchemy as sa

        hashes = self._tables.hashes
        with self._reading() as connection:
            return connection.execute(sa.select(hashes.c.digest).where(hashes.c.fingerprint == fingerprint)).scalar()

    def keep_hash(self, fingerprint: str, digest: str) -> None:
        """Keep a computed digest, for the workers to share."""
        import sqlalchemy as sa

        hashes = self._tables.hashes
        with self._writing() as connection:
            connection.execute(sa.delete(hashes).where(hashes.c.fingerprint == fingerprint))
            connection.execute(hashes.insert().values(fingerprint=fingerprint, digest=digest))

    # -- transactions -----------------------------------------------------------------------

    def lock(self, model_name: str, seconds: float | None = None) -> contextlib.AbstractContextManager[None]:
        """Hold the one lock of a model name, across threads and worker processes.

        Raises:
            Unreachable: another change held it for a minute (or `seconds`).
        """
        return self._locks.hold(model_name, seconds) if seconds is not None else self._locks.hold(model_name)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        import sqlalchemy as sa

        from aims_mlflow.evidence.ledger_database import APPEND_LOCK

        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise Unreachable(
                f"the ledger could not be written ({type(exc).__name__})", next="check its database"
            ) from exc

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        import sqlalchemy as sa

        from aims_mlflow.evidence.ledger_database import READ_ONLY

        try:
            with self._engine.connect().execution_options(**{READ_ONLY: True}) as connection:
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise Unreachable(
                f"the ledger could not be read ({type(exc).__name__})", next="check its database"
            ) from exc


def _leaf(entry: Entry) -> tuple[bytes, bytes, bytes]:
    """Return (leaf bytes, salt, body bytes) of an entry."""
    if entry.type not in TYPES:
        raise EvidenceError(f"the ledger has no leaf type {entry.type!r}")
    salt, body = secrets.token_bytes(32), canonical(entry.body)
    leaf = {
        "v": LEAF_VERSION,
        "type": entry.type,
        "time": utc_text(),
        "request": entry.request,
        "commitment": sha256_hex(salt + body),
        **{k: v for k, v in entry.public.items() if v is not None},
    }
    return canonical(leaf), salt, body
