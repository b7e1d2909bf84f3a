"""A ledger's leaves, tree and checkpoints, read once from the first leaf to the last, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.audit.changes import MEANING, changes
from aims_mlflow.audit.continuation import note_signer, why_not_continued
from aims_mlflow.audit.keyrings import LOOK_AGAIN, check_signer, log_keys
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.ledger.heads import OF_THE_SERVER
from aims_mlflow.ledger.leaves import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.audit.report import Report
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keyring_history import KeyringHistory

    Page = Callable[[Sequence[Leaf]], None]

MAX_NAMED = 20


@dataclass(frozen=True)
class TreeHead:
    """A log's name, and the number and root of the leaves that were read so far."""

    origin: str
    size: int
    root: bytes


class TreeCheck:
    """One pass over a ledger. Outside checkpoints detect changes; stored ones locate them."""

    def __init__(
        self, ledger: Ledger, report: Report, history: KeyringHistory, outside: Sequence[OutsideCheckpoint]
    ) -> None:
        self._ledger, self._report, self._history = ledger, report, history
        self._outside = sorted(outside, key=lambda each: each.head.size)
        self._edge = merkle.Frontier()
        self._stored = ledger.proofs.checkpoints()
        self._next_stored = next(self._stored, None)
        self._good: Checkpoint | None = None
        self._broken: list[int] = []
        self._signed = 0
        self._last: Leaf | None = None
        # What was found out about a key later -> the sizes of the checkpoints that it signed.
        self._doubtful: dict[str, list[int]] = {}
        self._next_sequence = 0
        self._nodes_wrong = False
        self._made: list[tuple[merkle.Node, bytes]] = []

    def run(self, page: Page, tick: Callable[[int], None]) -> None:
        """Read all leaves, pass each page of them to `page`, and note problems in the report."""
        if not log_keys(self._history):
            self._report["keyring"].wrong(
                "keyring", "no key has the role log", "nobody's checkpoints count: `aims keys add FILE --role log`"
            )
        self._at_size()
        rows: list[Leaf] = []
        for leaf in self._ledger.leaves():
            self._leaf(leaf)
            rows.append(leaf)
            if len(rows) == PAGE:
                page(rows)
                tick(self._edge.size)
                rows = []
        page(rows)
        self._finish()

    def _leaf(self, leaf: Leaf) -> None:
        if leaf.sequence != self._next_sequence:
            gone = _span(self._next_sequence, leaf.sequence - 1)
            self._report["inclusion"].wrong(gone, "it is missing", "someone took it out of the database")
        self._next_sequence, self._last = leaf.sequence + 1, leaf
        value = merkle.leaf_hash(leaf.data)
        if value.hex() != leaf.leaf_hash:
            self._report["inclusion"].wrong(
                f"leaf {leaf.sequence}", "its content and its hash differ", "someone rewrote it in the database"
            )
        made = self._edge.append(value)
        if made and not self._nodes_wrong:
            self._made += made
            if len(self._made) >= PAGE:
                self._compare_nodes()
        self._at_size()

    def _compare_nodes(self) -> None:
        """Compare the nodes computed from the leaves with the stored nodes, which proofs are read from."""
        by_level: dict[int, dict[int, bytes]] = {}
        for (level, position), value in self._made:
            by_level.setdefault(level, {})[position] = value
        self._made = []
        for level, wanted in by_level.items():
            there = self._ledger.proofs.nodes(level, min(wanted), max(wanted))
            wrong = [position for position, value in wanted.items() if there.get(position) != value]
            if wrong:
                self._nodes_wrong = True
                self._report["inclusion"].wrong(
                    f"tree node ({level}, {wrong[0]})",
                    "it is missing or is not what the leaves below it make",
                    "someone changed the tree, or leaves below it, in the database",
                )
                return

    # -- checkpoints ------------------------------------------------------------------------

    def _at_size(self) -> None:
        """Compare every checkpoint over as many leaves as were read so far."""
        size = self._edge.size
        while self._next_stored is not None and self._next_stored[0] <= size:
            self._compare_stored(*self._next_stored[:2])
            self._next_stored = next(self._stored, None)
        for outside in self._outside:
            if outside.head.size == size:
                self._compare_outside(outside)

    def _compare_stored(self, size: int, note: str) -> None:
        where = f"stored checkpoint over {size} leaves"
        step = self._report["checkpoint"]
        try:
            head = checkpoint.parse(note.encode(), where)
            later = check_signer(head, self._history, self._last)
        except EvidenceError as exc:
            step.wrong(where, exc.what, "it was changed in the database, or is not this log's")
            return
        if later:
            self._doubtful.setdefault(later, []).append(size)
        if head.size != size:
            step.wrong(where, f"it says {head.size} leaves", "it was changed in the database")
        elif self._good is not None and head.origin != self._good.origin:
            step.wrong(where, f"it is of another log ({head.origin})", "two ledgers were mixed up")
        elif head.root != self._edge.root():
            self._broken.append(size)
            if len(self._broken) == 1:
                since = self._good.size if self._good else 0
                step.wrong(
                    where,
                    "the leaves are not those that it is over",
                    f"{_span(since, size - 1)} was rewritten, deleted, moved or inserted after it was signed",
                )
        else:
            self._good, self._signed = head, self._signed + 1

    def _is_ours(self, outside: OutsideCheckpoint) -> bool:
        """Return whether a checkpoint from outside is of this log."""
        step = self._report["checkpoint"]
        try:
            note_signer(outside.head, outside.where, self._history, self._last, step)
        except EvidenceError as exc:
            step.wrong(outside.where, exc.what, "it is not this log's word, or the keyring was exchanged")
            return False
        return True

    def _compare_outside(self, outside: OutsideCheckpoint) -> None:
        step = self._report["checkpoint"]
        if not self._is_ours(outside):
            return
        head = outside.head
        now = TreeHead(self._good.origin if self._good else head.origin, self._edge.size, self._edge.root())
        why = why_not_continued(head, now, lambda *_: [])
        if why is None:
            step.said.append(f"the ledger continues the checkpoint over {head.size:,} leaves in {outside.where}")
        elif head.root == now.root:
            step.wrong(outside.where, why, "two ledgers were mixed up")
        else:
            self._name_changes(outside)

    def _name_changes(self, outside: OutsideCheckpoint) -> None:
        """Name the changes below an outside checkpoint, leaf by leaf if the leaf hashes were kept."""
        step, head = self._report["checkpoint"], outside.head
        try:
            old = outside.hashes()
        except EvidenceError as exc:
            step.wrong(
                outside.where,
                f"the ledger does not continue this checkpoint over {head.size:,} leaves",
                f"leaves below were rewritten, deleted, reordered or inserted since; which is not known: {exc.what}",
            )
            return
        new = [(leaf, merkle.leaf_hash(leaf.data)) for leaf in self._ledger.leaves()]
        found = changes(old, [value for _, value in new])
        for change in found[:MAX_NAMED]:
            was = f"leaf {change.old} of then" if change.old is not None else ""
            now = named(new[change.new][0]) if change.new is not None else ""
            step.wrong(" is now ".join(part for part in (was, now) if part), change.kind, MEANING[change.kind])
        step.more += len(found[MAX_NAMED:])

    def _finish(self) -> None:
        self._compare_nodes()
        step, size = self._report["checkpoint"], self._edge.size
        if self._next_stored is not None:
            step.wrong(
                f"stored checkpoint over {self._next_stored[0]} leaves",
                f"only {size} leaves are there",
                "someone took the end of the ledger off",
            )
        for later, sizes in self._doubtful.items():
            step.wrong(f"{len(sizes):,} checkpoints, over {_sizes(sizes)} leaves", later, LOOK_AGAIN)
        for outside in self._outside:
            if outside.head.size > size:
                self._name_changes_or_cut(outside, size)
        if size:
            self._report["inclusion"].said.append(f"{size:,} leaves and the tree over them")
        if self._signed:
            over = self._good.size if self._good else 0
            for leaf in self._ledger.leaves(start=over, types=OF_THE_SERVER):
                meaning = "someone wrote it past the log, or a key service is about to sign: verify again in a minute"
                self._report["inclusion"].wrong(named(leaf), "no checkpoint covers it", meaning)
            step.said.append(
                f"{self._signed:,} checkpoints of {self._good.origin if self._good else ''}, to leaf {over}"
            )
        elif size and not step.problems:
            step.wrong("ledger", "it has no checkpoint", "nothing vouches for its leaves: `aims ledger checkpoint`")
        if not self._outside:
            step.said.append("none from outside was given, so a change by whoever holds the log's key is not seen")

    def _name_changes_or_cut(self, outside: OutsideCheckpoint, size: int) -> None:
        step = self._report["checkpoint"]
        if not self._is_ours(outside):
            return
        what = f"the checkpoint is over {outside.head.size:,} leaves, and only {size:,} are there"
        step.wrong(outside.where, what, "someone took leaves out of the ledger after the checkpoint")
        if outside.folder is not None:
            self._name_changes(outside)


def _sizes(sizes: Sequence[int]) -> str:
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def _span(first: int, last: int) -> str:
    return f"leaf {first}" if last <= first else f"a leaf from {first} to {last}"


def named(leaf: Leaf) -> str:
    """Return the name of a leaf in messages."""
    try:
        content = leaf.fact
        about = f" of {content.model_name}" if content.model_name else ""
        return f"leaf {leaf.sequence} ({content.type}{about}, {content.time[:19]}Z)"
    except (EvidenceError, AttributeError, TypeError):
        return f"leaf {leaf.sequence}"
