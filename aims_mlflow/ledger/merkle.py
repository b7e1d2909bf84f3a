"""The Merkle tree of RFC 6962, section 2: roots, proofs, and their verification. Pure: hashes in, hashes out.

A node `(level, index)` is the hash over the complete, aligned run of 2**level leaves that begins at leaf
`index * 2**level`. Such a node never changes once its leaves are there, so a store only ever adds nodes; every root
and proof is folded from at most a few dozen of them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Fetch = Callable[[Sequence["Node"]], Mapping["Node", bytes]]

Node = tuple[int, int]
EMPTY_ROOT = hashlib.sha256(b"").digest()
# A proof has one hash for each level and no tree has more: sequences are 63-bit numbers.
MAX_PROOF = 64


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf: sha256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees: sha256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_of(begin: int, end: int) -> list[Node]:
    """Return the complete nodes that cover the leaves `begin` to `end` (not included), from left to right.

    `begin` is a multiple of the least power of two that is not under `end - begin`, as it is for every
    subtree of RFC 6962.
    """
    out = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        out.append((level, begin >> level))
        begin += 1 << level
    return out


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over adjacent subtrees, larger ones at the left (`nodes_of`)."""
    if not hashes:
        return EMPTY_ROOT
    total = hashes[-1]
    for left in reversed(hashes[:-1]):
        total = node_hash(left, total)
    return total


class Frontier:
    """The right edge of a growing tree: at most one hash for each level."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Continue a tree of `size` leaves from the hashes of `nodes_of(0, size)`.

        Raises:
            EvidenceError: the hashes are not as many as the nodes.
        """
        if len(hashes) != size.bit_count():
            raise EvidenceError(f"a tree of {size} leaves needs {size.bit_count()} nodes, {len(hashes)} are there")
        self.size = size
        self._hashes = list(hashes)

    def copy(self) -> Frontier:
        """Return one that grows on its own."""
        return Frontier(self.size, self._hashes)

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add one leaf hash; returns the nodes above it that are complete now, from the lowest up."""
        index, level, made = self.size, 0, []
        while index & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            index, level = index >> 1, level + 1
            made.append(((level, index), leaf))
        self._hashes.append(leaf)
        self.size += 1
        return made

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return fold(self._hashes)


def _split(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962's k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    if not 0 <= index < size:
        raise EvidenceError(f"leaf {index} is not in a tree of {size} leaves")
    begin, end, out = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            out.append((middle, end))
            end = middle
        else:
            out.append((begin, middle))
            begin = middle
    return out[::-1]


def _consistency_ranges(old: int, size: int) -> list[tuple[int, int]]:
    if not 0 < old <= size:
        raise EvidenceError(f"a tree of {old} leaves is no beginning of one of {size}")
    begin, end, out, whole = 0, size, [], True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            out.append((middle, end))
            end = middle
        else:
            out.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        out.append((begin, end))
    return out[::-1]


def _fetched(ranges: Sequence[tuple[int, int]], fetch: Fetch) -> list[bytes]:
    parts = [nodes_of(begin, end) for begin, end in ranges]
    known = fetch([node for part in parts for node in part])
    try:
        return [fold([known[node] for node in part]) for part in parts]
    except KeyError as exc:
        raise EvidenceError(f"the tree has no node {exc.args[0]}", next="`aims ledger verify` says why") from None


def root(size: int, fetch: Fetch) -> bytes:
    """Return the root of the first `size` leaves.

    Raises:
        EvidenceError: `fetch` does not know a node of it.
    """
    return _fetched([(0, size)], fetch)[0]


def inclusion_proof(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 6962, 2.1.1), from the leaf up.

    Raises:
        EvidenceError: the leaf is not in the tree, or a node is not known.
    """
    return _fetched(_inclusion_ranges(index, size), fetch)


def consistency_proof(old: int, size: int, fetch: Fetch) -> list[bytes]:
    """Return the proof that the first `old` of `size` leaves are the tree of `old` leaves (RFC 6962, 2.1.2).

    Raises:
        EvidenceError: `old` is not between 1 and `size`, or a node is not known.
    """
    return _fetched(_consistency_ranges(old, size), fetch)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether `proof` shows that the leaf hash is at `index` below `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(proof) > MAX_PROOF or any(len(h) != 32 for h in (leaf, root, *proof)):
        return False
    at, last, total = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            total = node_hash(step, total)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            total = node_hash(total, step)
        at, last = at >> 1, last >> 1
    return last == 0 and total == root


def verify_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether `proof` shows that the tree of `old` leaves begins that of `size` leaves (RFC 9162, 2.1.4.2).

    An empty tree is the beginning of every tree, without a proof.
    """
    if not 0 <= old <= size or len(proof) > 2 * MAX_PROOF or any(len(h) != 32 for h in (old_root, root, *proof)):
        return False
    if old in (0, size):
        return not proof and old_root == (root if old == size else EMPTY_ROOT)
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == root
