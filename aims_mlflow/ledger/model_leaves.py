"""A model's leaves in memory. Leaves are final, so each decision reads only the new ones from the database."""

from __future__ import annotations

import contextlib
import heapq
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.leaves import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.ledger.leaf_reader import LeafReader
    from aims_mlflow.ledger.leaves import Leaf

# Leaves that say what became of a model; a decision's own leaf is larger, and is read by its request.
KEPT = (
    "outcome", "legacy", "deleted", "renamed", "approval", "waiver", "revocation", "retirement", "finding", "policy",
    "keyring", "erased",
)  # fmt: skip
# Leaves that hold for every model: rules in force, what was taken back, which follows a model's bytes, and erasures.
FOR_ALL = ("policy", "keyring", "revocation", "retirement", "erased")
# Leaves that announce a change of the registry: each is followed by an outcome with the same request.
CHANGES = ("decision", "withdrawn", "deleted", "renamed")
MAX_LEAVES = 50_000
# Reads the leaves of a model name from a sequence on, in order, with their types and versions.
FiledLeaf = tuple["Leaf", str, "str | None"]
Reader = Callable[[str, int], "Iterable[FiledLeaf]"]


class ModelLeaves:
    """The leaves of one name. Safe to use from several threads."""

    def __init__(self, name: str, read: Reader) -> None:
        self.name = name
        self._read = read
        self.lock = threading.Lock()
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
        with self.lock:
            if not self.take(list(self._read(self.name, self.start))):
                self._forget()
                self.take(list(self._read(self.name, 0)))

    @property
    def start(self) -> int:
        """The sequence to read from: that of the last known leaf, which is read again and compared."""
        return self._seen.sequence if self._seen else 0

    def take(self, found: list[FiledLeaf]) -> bool:
        """Add leaves that were read from `start` on, under the lock; return whether the last known one is the first.

        If it is not, another ledger is in this one's place, or an earlier state of it, and nothing is added.

        Raises:
            EvidenceError: one is no leaf, or belongs to another model.
        """
        if (seen := self._seen) is not None:
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
        """Refuse a leaf that is not the one of its hash, or that is filed under another name, type or version."""
        if leaf_hash(leaf.data) != leaf.leaf_hash:
            raise EvidenceError(
                "its content and its hash in the ledger's database differ",
                where=f"leaf {leaf.sequence}",
                next="someone changed the database: `aims ledger verify`",
            )
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
        with self.lock:
            lists = [self._of[kind, version] for kind in types if (kind, version) in self._of]
            return list(heapq.merge(*lists, key=lambda leaf: leaf.sequence))

    def last(self) -> Leaf | None:
        """Return the last leaf that announces a change, or is the outcome of one."""
        return self._last


@dataclass(frozen=True)
class LeavesNow:
    """The leaves of a model and those that hold for every model, as one statement read them.

    `last` is the sequence of the ledger's last leaf at that moment; None if the leaves took several statements.
    `called` is the request of the same call within the last ten minutes, if there was one.
    """

    mine: ModelLeaves
    for_all: ModelLeaves
    last: int | None
    called: str | None = None


class Memory:
    """The leaves of recently used models; the least recently used model is dropped first."""

    def __init__(self, reader: LeafReader, most: int = MAX_LEAVES) -> None:
        self._reader = reader
        self._most = most
        self._names: OrderedDict[str, ModelLeaves] = OrderedDict()
        self._lock = threading.Lock()
        self._for_all = ModelLeaves("", reader.for_all)

    def of(self, name: str) -> ModelLeaves:
        """Return a model's leaves as they are now.

        Raises:
            Unreachable: the ledger's database does not answer.
        """
        with self._used(name) as found:
            found.refresh()
        return found

    def for_all(self) -> ModelLeaves:
        """Return the leaves that hold for every model, as they are now.

        Raises:
            Unreachable: the ledger's database does not answer.
        """
        self._for_all.refresh()
        return self._for_all

    def now(self, name: str, call: str | None) -> LeavesNow:
        """Return a model's leaves and those that hold for every model, as they are now; and the request of a call.

        Raises:
            Unreachable: the ledger's database does not answer.
        """
        for_all = self._for_all
        with self._used(name) as mine:
            with mine.lock, for_all.lock:
                found = self._reader.both(name, mine.start, for_all.start, call)
                taken = found is not None and mine.take(found.mine) and for_all.take(found.for_all)
            if found is None or not taken:
                mine.refresh()
                for_all.refresh()
                return LeavesNow(mine, for_all, None, self._reader.called(call) if call else None)
        return LeavesNow(mine, for_all, found.last, found.called)

    @contextlib.contextmanager
    def _used(self, name: str) -> Iterator[ModelLeaves]:
        """Give a model's leaves to be read on, and drop those of other models where there are too many."""
        with self._lock:
            found = self._names.pop(name, None) or ModelLeaves(name, self._reader.of_model)
            self._names[name] = found
        yield found
        with self._lock:
            # A name without leaves counts too: clients choose names.
            while len(self._names) > 1 and sum(len(each) + 1 for each in self._names.values()) > self._most:
                self._names.popitem(last=False)
