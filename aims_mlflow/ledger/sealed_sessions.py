"""Sessions that leaves sealed, filed by the digest of the model: what spoke against its bytes is found by them alone.

A run's files can be deleted or left behind; the ledger keeps what a decision read of them. Each session has one row for
each model, with the first leaf that names it. The rows only find leaves: the leaf and its envelopes prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.ledger.database import reading
from aims_mlflow.ledger.leaves import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aims_mlflow.ledger.database import Tables
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.leaves.base import LeafContent


class FiledSession(NamedTuple):
    """A session under a model's digest: the digest of its lines, its name, and the leaf that sealed it first."""

    session: str
    name: str
    sequence: int


def lines_digest(lines: Sequence[str]) -> str:
    """Return the digest of a session file, by the digests of its lines."""
    return sha256_hex("\n".join(lines).encode())


def session_rows(content: LeafContent, sequence: int) -> Iterator[dict[str, str | int]]:
    """Yield the rows by which the sessions of a leaf are found."""
    for digest, files in content.sessions_about().items():
        for name, lines in files.items():
            yield {"model_digest": digest, "session": lines_digest(lines), "name": name, "sequence": sequence}


class SealedSessions:
    """Finds the sealed sessions of a ledger."""

    def __init__(self, engine: sa.Engine, tables: Tables) -> None:
        self._engine, self._table = engine, tables.sessions

    def about(self, model_digest: str, most: int) -> list[FiledSession]:
        """Return the sessions that were sealed with a model's bytes, at most so many, the newest first.

        Raises:
            Unreachable: the database does not answer.
        """
        table = self._table
        query = sa.select(table.c.session, table.c.name, table.c.sequence).where(table.c.model_digest == model_digest)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(table.c.sequence.desc()).limit(most)).all()
        return [FiledSession(*row) for row in rows]

    def hidden(self, leaves: Iterable[tuple[Leaf, LeafContent]]) -> set[int]:
        """Return the sequences of the leaves of which a session is not found by the digest of its model."""
        wanted = {
            (row["model_digest"], row["session"]): leaf.sequence
            for leaf, content in leaves
            for row in session_rows(content, leaf.sequence)
        }
        table, digests = self._table, sorted({str(digest) for digest, _ in wanted})
        for begin in range(0, len(digests), PAGE):
            some = table.c.model_digest.in_(digests[begin : begin + PAGE])
            with reading(self._engine) as connection:
                for digest, session, sequence in connection.execute(
                    sa.select(table.c.model_digest, table.c.session, table.c.sequence).where(some)
                ):
                    if sequence <= wanted.get((digest, session), -1):
                        del wanted[digest, session]
        return set(wanted.values())
