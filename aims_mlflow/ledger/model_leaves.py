"""A model's leaves in memory. Leaves are final, so each decision reads only the new ones from the database."""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select, Table

    from aims_mlflow.ledger.leaves import Leaf

# Leaves that say what became of a model; a decision's own leaf is larger, and is read by its request.
KEPT = (
    "outcome", "legacy", "deleted", "renamed", "approval", "waiver", "revocation", "retirement", "finding", "policy",
    "keyring",
)  # fmt: skip
# Leaves that hold for every model: the rules in force, and what was taken back, which follows a model's bytes.
FOR_ALL = ("policy", "keyring", "revocation", "retirement")
# Leaves that announce a change of the registry: each is followed by an outcome with the same request.
CHANGES = ("decision", "withdrawn", "deleted", "renamed")
MAX_LEAVES = 50_000
# Reads the leaves of a model name from a sequence on, in order, with their types and versions.
Reader = Callable[[str, int], "Iterable[tuple[Leaf, str, str | None]]"]


def next_leaves(table: Table, page: int) -> Select[Any]:
    """Return the query for the next page of leaves of a model `name`, from the sequence `start` on."""
    import sqlalchemy as sa

    return _from_start(table, page).where(table.c.model_name == sa.bindparam("name"))


def next_for_all(table: Table, page: int) -> Select[Any]:
    """Return the query for the next page of leaves that hold for every model, from the sequence `start` on."""
    return _from_start(table, page).where(table.c.type.in_(FOR_ALL))


def _from_start(table: Table, page: int) -> Select[Any]:
    import sqlalchemy as sa

    columns = (table.c.sequence, table.c.leaf, table.c.leaf_hash, table.c.type, table.c.version)
    found = sa.select(*columns).where(table.c.sequence >= sa.bindparam("start"))
    return found.order_by(table.c.sequence).limit(page)


class ModelLeaves:
    """The leaves of one name. Safe to use from several threads."""

    def __init__(self, name: str, read: Reader) -> None:
        self.name = name
        self._read = read
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._seen: Leaf | None = None
        self._last: Leaf | None = None
        self._count = 0
        self._of: defaultdict[tuple[str, str | None], list[Leaf]] = defaultdict(list)

    def __len__(self) -> int:
        return self._count

    def refresh(self) -> None:
        """Read the new leaves.

        Raises:
            EvidenceError: one is no leaf, or belongs to another model.
            Unreachable: the ledger's database does not answer.
        """
        with self._lock:
            if not self._read_on():  # another ledger is in its place, or an earlier state of it
                self._forget()
                self._read_on()

    def _read_on(self) -> bool:
        """Read the leaves after the last known one; return whether that one still exists."""
        seen = self._seen
        found = list(self._read(self.name, seen.sequence if seen else 0))
        if seen is not None:
            if not found or (found[0][0].sequence, found[0][0].leaf_hash) != (seen.sequence, seen.leaf_hash):
                return False
            del found[0]
        for leaf, kind, version in found:
            if kind in KEPT:
                self._must_belong(leaf, kind, version)
        for leaf, kind, version in found:
            self._seen = leaf
            if kind in CHANGES or kind == "outcome":
                self._last = leaf
            if kind in KEPT:
                self._count += 1
                self._of[kind, None].append(leaf)
                if version is not None:
                    self._of[kind, version].append(leaf)
        return True

    def _must_belong(self, leaf: Leaf, kind: str, version: str | None) -> None:
        """Refuse a leaf that the database files under another name, type or version than the leaf says."""
        found = leaf.content
        said = (found.get("type"), found.get("version")) if isinstance(found, dict) else ()
        if said != (kind, version) or self.name not in ("", found.get("model_name")):
            raise EvidenceError(
                f"the ledger's database files it under {kind} {self.name}, and the leaf says something else",
                where=f"leaf {leaf.sequence}",
                next="someone changed the database: `aims ledger verify`",
            )

    def of(self, types: Sequence[str], version: str | None = None) -> list[Leaf]:
        """Return the leaves of kept types in order, of one version or of all."""
        with self._lock:
            lists = [self._of[kind, version] for kind in types if (kind, version) in self._of]
            return list(heapq.merge(*lists, key=lambda leaf: leaf.sequence))

    def last(self) -> Leaf | None:
        """Return the last leaf that announces a change, or is the outcome of one."""
        return self._last


class Memory:
    """The leaves of recently used models; the least recently used model is dropped first."""

    def __init__(self, read: Reader, most: int = MAX_LEAVES) -> None:
        self._read = read
        self._most = most
        self._names: OrderedDict[str, ModelLeaves] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: str) -> ModelLeaves:
        """Return a model's leaves as they are now.

        Raises:
            Unreachable: the ledger's database does not answer.
        """
        with self._lock:
            found = self._names.pop(name, None) or ModelLeaves(name, self._read)
            self._names[name] = found
        found.refresh()
        with self._lock:
            # A name without leaves counts too: clients choose names.
            while len(self._names) > 1 and sum(len(each) + 1 for each in self._names.values()) > self._most:
                self._names.popitem(last=False)
        return found
