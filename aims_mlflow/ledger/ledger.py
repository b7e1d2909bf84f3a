"""The ledger: append-only leaves of canonical bytes with a sequence, in a SQL database of its own tables.

A leaf is final: RFC 8785 bytes and `sha256(0x00 || leaf)`, the leaf hash of RFC 6962, which is level 0 of the Merkle
tree (`tree.py`). Names, addresses and free text are in an erasable body; the leaf contains only a salted commitment,
`sha256(salt || body)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.canonical import parse_json, sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.in_force import in_force
from aims_mlflow.ledger.leaves import PAGE, Entry, Leaf, SearchColumns
from aims_mlflow.records.leaves import read_body

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from aims_mlflow.ledger.log import Log
    from aims_mlflow.ledger.model_leaves import LeavesNow, ModelLeaves
    from aims_mlflow.records.leaves.base import LeafBody


def ledger_uri(registry_uri: str, configured: str | None) -> str:
    """Return where the ledger lies: `AIMS_LEDGER_URI`, else beside the registry's SQLite file, else in its database."""
    if configured:
        return configured
    if registry_uri.startswith("sqlite:///"):
        return f"{registry_uri.split('?', maxsplit=1)[0]}.aims.db"
    return registry_uri


class Ledger:
    """One ledger database. Safe to use from several threads and worker processes."""

    def __init__(self, uri: str, log: Log | None = None) -> None:
        """Open the ledger, and bring its tables to this release's. With a `log`, appends are signed as they are made.

        Raises:
            ConfigError: the ledger does not run on this kind of database, or a newer release made it.
            EvidenceError: it is of an earlier release, and its leaves are not whole.
            Unreachable: the database cannot be opened.
        """
        from aims_mlflow.ledger.append import Appender
        from aims_mlflow.ledger.database import open_database
        from aims_mlflow.ledger.leaf_reader import LeafReader
        from aims_mlflow.ledger.model_leaves import Memory
        from aims_mlflow.ledger.model_locks import ModelLocks
        from aims_mlflow.ledger.proofs import LedgerProofs
        from aims_mlflow.ledger.sealed_sessions import SealedSessions
        from aims_mlflow.ledger.state import LedgerState

        self.uri = uri
        self.log = log
        self._engine, self._tables = open_database(uri)
        self._locks = ModelLocks(self._engine)
        self._memory = Memory(LeafReader(self._engine, self._tables))
        self.state = LedgerState(self._engine, self._tables)
        self.sessions = SealedSessions(self._engine, self._tables)
        self.proofs = LedgerProofs(self._engine, self._tables, log)
        self._writer = Appender(self._engine, self._tables, self.proofs)

    def seal(self, *entries: Entry) -> list[Leaf]:
        """Append leaves, their erasable bodies and the envelopes that they name, in one transaction.

        Where the ledger has a log, a checkpoint over them is signed and stored with them.

        Raises:
            EvidenceError: a type is not known, content has no canonical bytes, or the leaves that are there do not
                continue the newest checkpoint.
            KeyUnavailable: the log's key does not sign.
            Unreachable: the database did not take it.
        """
        return self._writer.append(entries)

    def confirm(self) -> None:
        """Wait until all leaves that can be read now are on disk; "sealed already" is answered only after that.

        Raises:
            Unreachable: the database did not confirm it.
        """
        from aims_mlflow.ledger.database import on_disk

        on_disk(self._engine)

    def put_in_force(self, kind: str, digest: str, content: str, entry: Entry) -> bool:
        """Put a policy or keyring in force and seal that, in one transaction; return whether it was a change.

        Raises:
            EvidenceError, KeyUnavailable, Unreachable: as `seal`.
        """
        return self._writer.put_in_force(kind, digest, content, entry)

    def leaves(
        self,
        *,
        start: int = 0,
        types: Sequence[str] = (),
        request: str | None = None,
        model_name: str | None = None,
        version: str | None = None,
    ) -> Iterator[Leaf]:
        """Yield leaves in order, in pages, so that memory stays bounded."""
        where = {"request": request, "model_name": model_name, "version": version}
        while True:
            rows = self._page(start, types, where)
            yield from rows
            if len(rows) < PAGE:
                return
            start = rows[-1].sequence + 1

    def newest(
        self, *, types: Sequence[str] = (), model_name: str | None = None, request: str | None = None, most: int = 1
    ) -> list[Leaf]:
        """Return the last leaves of these types, newest first."""
        return self._page(0, types, {"request": request, "model_name": model_name}, newest=most)

    def leaf_below(self, size: int) -> Leaf | None:
        """Return the last of the first `size` leaves."""
        return next(iter(self._page(max(size - 1, 0), (), {}, most=1)), None) if size else None

    def _page(
        self, start: int, types: Sequence[str], where: dict[str, str | None], newest: int = 0, most: int = PAGE
    ) -> list[Leaf]:
        import sqlalchemy as sa

        table = self._tables.leaves
        query = sa.select(table.c.sequence, table.c.leaf, table.c.leaf_hash).where(table.c.sequence >= start)
        given = {column: value for column, value in where.items() if value is not None}
        for column, value in given.items():
            query = query.where(table.c[column] == value)
        if types:
            # SQLite keeps no statistics: of two indices it took the one of the types, which thousands of leaves share.
            kind = table.c.type.concat("") if given else table.c.type
            query = query.where(kind.in_(types))
        query = query.order_by(table.c.sequence.desc() if newest else table.c.sequence).limit(newest or most)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [Leaf(row.sequence, bytes(row.leaf), row.leaf_hash) for row in rows]

    def of_model(self, name: str) -> ModelLeaves:
        """Return a model's leaves; only leaves that are newer than the last call are read from the database.

        Raises:
            Unreachable: the database does not answer.
        """
        return self._memory.of(name)

    def for_all(self) -> ModelLeaves:
        """Return the leaves that hold for every model: policies, keyrings, revocations and retirements.

        Raises:
            Unreachable: the database does not answer.
        """
        return self._memory.for_all()

    def now(self, name: str, call: str | None = None) -> LeavesNow:
        """Return a model's leaves and those that hold for every model, read in one statement.

        With it comes the request of the same `call` within the last ten minutes.

        Raises:
            Unreachable: the database does not answer.
        """
        return self._memory.now(name, call)

    def in_force(self) -> dict[str, str]:
        """Return the digests in force, by kind (policy, keyring): what the newest sealed leaf of each kind says.

        The database's row of them is not asked: whoever can write it could put an older policy in force.

        Raises:
            Unreachable: the database does not answer.
        """
        return in_force(self.for_all())

    def body(self, sequence: int) -> LeafBody | None:
        """Return a leaf's erasable body, checked against its commitment; None where it was erased.

        Raises:
            EvidenceError: the body is not the one that the leaf commits to, or not of this format.
        """
        import sqlalchemy as sa

        bodies, leaves = self._tables.bodies, self._tables.leaves
        query = sa.select(bodies.c.salt, bodies.c.body, leaves.c.leaf).join(
            leaves, leaves.c.sequence == bodies.c.sequence
        )
        with self._reading() as connection:
            row = connection.execute(query.where(bodies.c.sequence == sequence)).first()
        if row is None:
            return None
        leaf = parse_json(bytes(row.leaf), f"leaf {sequence}")
        if sha256_hex(bytes(row.salt) + bytes(row.body)) != leaf["commitment"]:
            raise EvidenceError("the body was changed: it does not fit the leaf's commitment", where=f"leaf {sequence}")
        return read_body(str(leaf["type"]), parse_json(bytes(row.body), f"body {sequence}"), f"leaf {sequence}")

    def bodies(self, sequences: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        """Return (salt, body) of those leaves that have a body, unchecked."""
        import sqlalchemy as sa

        table = self._tables.bodies
        out: dict[int, tuple[bytes, bytes]] = {}
        for begin in range(0, len(sequences), PAGE):
            query = sa.select(table).where(table.c.sequence.in_(sequences[begin : begin + PAGE]))
            with self._reading() as connection:
                out |= {r.sequence: (bytes(r.salt), bytes(r.body)) for r in connection.execute(query)}
        return out

    def columns(self, sequences: Sequence[int]) -> dict[int, SearchColumns]:
        """Return what the columns beside these leaves say: leaves are found by them, and they prove nothing."""
        import sqlalchemy as sa

        table = self._tables.leaves
        wanted = sa.select(table.c.sequence, *(table.c[name] for name in SearchColumns._fields))
        out: dict[int, SearchColumns] = {}
        for begin in range(0, len(sequences), PAGE):
            query = wanted.where(table.c.sequence.in_(sequences[begin : begin + PAGE]))
            with self._reading() as connection:
                out |= {row.sequence: SearchColumns(*row[1:]) for row in connection.execute(query)}
        return out

    def erase(self, sequence: int, entry: Entry) -> None:
        """Delete a leaf's body, and seal that in the same transaction; the leaf itself stays, the bytes until `forget`.

        Raises:
            EvidenceError: the leaf has no body (any more).
            KeyUnavailable, Unreachable: as `append`.
        """
        self._writer.erase(sequence, entry)

    def erase_envelope(self, sha256: str, entry: Entry) -> None:
        """Delete an envelope's bytes for good, and seal that in the same transaction; the bytes stay until `forget`.

        Raises:
            EvidenceError: the ledger has no such envelope (any more).
            KeyUnavailable, Unreachable: as `append`.
        """
        self._writer.erase_envelope(sha256, entry)

    def forget(self) -> str | None:
        """Remove the bytes of what was erased from the database's files; return where they stay, None if nowhere.

        Raises:
            Unreachable: the database does not answer.
        """
        from aims_mlflow.ledger.database import forget

        return forget(self._engine)

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the kept envelopes among these sha256 names; one that was erased is not kept."""
        import sqlalchemy as sa

        table = self._tables.envelopes
        out: dict[str, bytes] = {}
        for begin in range(0, len(names), PAGE):
            query = sa.select(table).where(table.c.sha256.in_(names[begin : begin + PAGE]))
            with self._reading() as connection:
                out |= {row.sha256: bytes(row.envelope) for row in connection.execute(query) if row.envelope}
        return out

    def envelope(self, sha256: str) -> bytes | None:
        """Return an envelope that a leaf names."""
        return self.envelopes([sha256]).get(sha256)

    def lock(self, model_name: str, seconds: float | None = None) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of a model name, across threads and worker processes.

        Raises:
            Unreachable: another change held it for `seconds`, or for twice `AIMS_WAIT_SECONDS`; or many wait for it.
        """
        return self._locks.hold(model_name, seconds)

    def disconnect(self) -> None:
        """Close the connections that are not in use; later calls open others, also in a process that is forked now."""
        self._engine.dispose()

    def _reading(self) -> contextlib.AbstractContextManager[Connection]:
        from aims_mlflow.ledger.database import reading

        return reading(self._engine)
