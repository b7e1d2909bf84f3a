"""The ledger: append-only leaves of canonical bytes with a sequence, in a SQL database of its own tables.

A leaf is final: RFC 8785 bytes and `sha256(0x00 || leaf)`, the leaf hash of RFC 6962, so that Merkle tree heads
can be computed over it later without rewriting. Names, addresses and free text stand in an erasable body
beside it; the leaf holds a salted commitment, `sha256(salt || body)`.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.evidence.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, MetaData

LEDGER_URI = "AIMS_LEDGER_URI"
LEAF_VERSION = 1
LOCK_SECONDS = 60.0
TYPES = ("decision", "outcome", "approval", "waiver", "policy", "keyring", "finding", "evidence")


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


def _tables(metadata: MetaData) -> Any:
    import sqlalchemy as sa

    blob = sa.LargeBinary
    sa.Table(
        "aims_leaves",
        metadata,
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("leaf", blob, nullable=False),
        sa.Column("leaf_hash", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), index=True),
        sa.Column("type", sa.String(20), nullable=False, index=True),
        sa.Column("model_name", sa.String(256), index=True),
    )
    sa.Table(
        "aims_bodies",
        metadata,
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("salt", blob, nullable=False),
        sa.Column("body", blob, nullable=False),
    )
    sa.Table(
        "aims_envelopes", metadata, sa.Column("sha256", sa.String(64), primary_key=True), sa.Column("envelope", blob)
    )
    sa.Table(
        "aims_policies",
        metadata,
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    sa.Table(
        "aims_active", metadata, sa.Column("kind", sa.String(20), primary_key=True), sa.Column("digest", sa.String(64))
    )
    return metadata.tables


class Ledger:
    """One ledger database. Safe to use from several threads and worker processes."""

    def __init__(self, uri: str) -> None:
        """Open the ledger, making its tables where they are missing.

        Raises:
            Unreachable: the database cannot be opened.
        """
        import sqlalchemy as sa

        self.uri = uri
        try:
            self._engine = _engine(uri)
            metadata = sa.MetaData(schema=None if self._engine.dialect.name == "sqlite" else "aims")
            tables = _tables(metadata)
            with self._engine.begin() as connection:
                if metadata.schema:
                    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS aims"))
                metadata.create_all(connection, checkfirst=True)
                if self._engine.dialect.name == "sqlite":
                    _append_only(connection)
        except sa.exc.SQLAlchemyError as exc:
            reason = str(getattr(exc, "orig", exc)).splitlines()[0]
            raise Unreachable(f"the ledger cannot be opened ({reason})", next=f"check {LEDGER_URI}") from None
        prefix = f"{metadata.schema}." if metadata.schema else ""
        self._leaves, self._bodies = tables[f"{prefix}aims_leaves"], tables[f"{prefix}aims_bodies"]
        self._envelopes = tables[f"{prefix}aims_envelopes"]
        self._policies, self._active = tables[f"{prefix}aims_policies"], tables[f"{prefix}aims_active"]

    def append(
        self,
        kind: str,
        public: dict[str, Any],
        body: dict[str, Any] | None = None,
        *,
        request: str,
        envelopes: tuple[bytes, ...] = (),
    ) -> Leaf:
        """Append one leaf, its erasable body and the envelopes that it names, all or nothing.

        Raises:
            EvidenceError: the type is not known, or content has no canonical bytes.
            Unreachable: the database did not take it.
        """
        import sqlalchemy as sa

        if kind not in TYPES:
            raise EvidenceError(f"the ledger has no leaf type {kind!r}")
        salt = secrets.token_bytes(32)
        body_bytes = canonical(body or {})
        leaf = {
            "v": LEAF_VERSION,
            "type": kind,
            "time": utc_text(),
            "request": request,
            "commitment": sha256_hex(salt + body_bytes),
            **public,
        }
        data = canonical(leaf)
        leaves = self._leaves
        with self._writing() as connection:
            last = connection.execute(sa.select(sa.func.max(leaves.c.sequence))).scalar()
            sequence = 0 if last is None else int(last) + 1
            connection.execute(
                leaves.insert().values(
                    sequence=sequence,
                    leaf=data,
                    leaf_hash=leaf_hash(data),
                    request=request,
                    type=kind,
                    model_name=public.get("model_name"),
                )
            )
            connection.execute(self._bodies.insert().values(sequence=sequence, salt=salt, body=body_bytes))
            for envelope in envelopes:
                self._keep_envelope(connection, envelope)
        return Leaf(sequence, data, leaf_hash(data))

    def _keep_envelope(self, connection: Connection, envelope: bytes) -> None:
        import sqlalchemy as sa

        name = sha256_hex(envelope)
        known = sa.select(self._envelopes.c.sha256).where(self._envelopes.c.sha256 == name)
        if connection.execute(known).first() is None:
            connection.execute(self._envelopes.insert().values(sha256=name, envelope=envelope))

    def leaves(
        self, *, start: int = 0, kind: str | None = None, request: str | None = None, model_name: str | None = None
    ) -> Iterator[Leaf]:
        """Yield leaves in order, in pages, so that memory stays bounded."""
        import sqlalchemy as sa

        table = self._leaves
        query = sa.select(table.c.sequence, table.c.leaf, table.c.leaf_hash).order_by(table.c.sequence).limit(1000)
        for column, value in ((table.c.type, kind), (table.c.request, request), (table.c.model_name, model_name)):
            query = query if value is None else query.where(column == value)
        while True:
            with self._reading() as connection:
                rows = connection.execute(query.where(table.c.sequence >= start)).all()
            for row in rows:
                yield Leaf(row.sequence, bytes(row.leaf), row.leaf_hash)
            if len(rows) < 1000:
                return
            start = rows[-1].sequence + 1

    def body(self, sequence: int) -> dict[str, Any] | None:
        """Return a leaf's erasable body, checked against its commitment; None where it was erased.

        Raises:
            EvidenceError: the body is not the one that the leaf commits to.
        """
        import sqlalchemy as sa

        with self._reading() as connection:
            row = connection.execute(sa.select(self._bodies).where(self._bodies.c.sequence == sequence)).first()
        leaf = next(self.leaves(start=sequence), None)
        if row is None or leaf is None or leaf.sequence != sequence:
            return None
        if sha256_hex(bytes(row.salt) + bytes(row.body)) != leaf.content["commitment"]:
            raise EvidenceError("the body was changed: it does not fit the leaf's commitment", where=f"leaf {sequence}")
        content: dict[str, Any] = parse_json(bytes(row.body), f"body {sequence}")
        return content

    def envelope(self, sha256: str) -> bytes | None:
        """Return an envelope that a leaf names."""
        import sqlalchemy as sa

        with self._reading() as connection:
            found = connection.execute(
                sa.select(self._envelopes.c.envelope).where(self._envelopes.c.sha256 == sha256)
            ).scalar()
        return bytes(found) if found is not None else None

    def size_and_last(self) -> tuple[int, str]:
        """Return how many leaves there are, and the hash of the last."""
        import sqlalchemy as sa

        query = sa.select(self._leaves.c.sequence, self._leaves.c.leaf_hash).order_by(self._leaves.c.sequence.desc())
        with self._reading() as connection:
            row = connection.execute(query.limit(1)).first()
        return (row.sequence + 1, row.leaf_hash) if row is not None else (0, "")

    def activate(self, kind: str, digest: str, content: str) -> bool:
        """Store a policy or keyring by digest and make it the active one; tells whether that was a change."""
        import sqlalchemy as sa

        with self._writing() as connection:
            current = connection.execute(sa.select(self._active.c.digest).where(self._active.c.kind == kind)).scalar()
            if current == digest:
                return False
            known = sa.select(self._policies.c.digest).where(self._policies.c.digest == digest)
            if connection.execute(known).first() is None:
                connection.execute(self._policies.insert().values(digest=digest, kind=kind, content=content))
            connection.execute(sa.delete(self._active).where(self._active.c.kind == kind))
            connection.execute(self._active.insert().values(kind=kind, digest=digest))
        return True

    def active(self, kind: str) -> tuple[str, str] | None:
        """Return (digest, content) of the active policy or keyring; None where none was ever active."""
        import sqlalchemy as sa

        query = sa.select(self._policies.c.digest, self._policies.c.content).join(
            self._active, self._active.c.digest == self._policies.c.digest
        )
        with self._reading() as connection:
            row = connection.execute(query.where(self._active.c.kind == kind)).first()
        return (row.digest, row.content) if row is not None else None

    @contextlib.contextmanager
    def lock(self, model_name: str) -> Iterator[None]:
        """Hold the one lock of a model name, across threads and worker processes.

        Raises:
            Unreachable: another decision held it for a minute.
        """
        name = sha256_hex(model_name.encode())
        if self._engine.dialect.name == "postgresql":
            import sqlalchemy as sa

            with self._engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(name[:15], 16)})
                yield
            return
        from filelock import FileLock, Timeout

        path = f"{self._engine.url.database}.{name[:16]}.lock"
        try:
            with FileLock(path, timeout=LOCK_SECONDS):
                yield
        except Timeout:
            raise Unreachable("another decision about this model takes too long", next="try again") from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        import sqlalchemy as sa

        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(4200100001)"))
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise Unreachable(
                f"the ledger could not be written ({type(exc).__name__})", next="check its database"
            ) from exc

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        import sqlalchemy as sa

        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise Unreachable(
                f"the ledger could not be read ({type(exc).__name__})", next="check its database"
            ) from exc


def _engine(uri: str) -> Engine:
    import sqlalchemy as sa

    engine = sa.create_engine(uri, connect_args={"timeout": 30} if uri.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]
        def durable(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # SQLAlchemy's begin event below starts transactions itself
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

        @sa.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]
        def immediate(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _append_only(connection: Connection) -> None:
    """Let SQLite itself refuse to change or delete a leaf; someone with the file can still, and is found later."""
    for verb in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(
            f"CREATE TRIGGER IF NOT EXISTS aims_leaves_no_{verb.lower()} BEFORE {verb} ON aims_leaves "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
