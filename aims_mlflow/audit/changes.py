"""Changes in a list of leaves: rewritten, deleted, reordered, truncated, inserted late."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["rewritten", "deleted", "reordered", "cut", "inserted late"]
MEANING: dict[Kind, str] = {
    "rewritten": "someone changed it in the database after the checkpoint",
    "deleted": "someone took it out of the database after the checkpoint",
    "reordered": "someone moved it in the database after the checkpoint",
    "cut": "someone took the end of the ledger off after the checkpoint",
    "inserted late": "someone put it among older leaves after the checkpoint: it is back-dated",
}


@dataclass(frozen=True)
class Change:
    """One change: the leaf's place when the checkpoint was made (`old`) and its place now (`new`), where it has one."""

    kind: Kind
    old: int | None
    new: int | None


def changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """Compare old and present leaf hashes; leaves appended after the old ones are not changes.

    What stayed in order is found as the longest increasing run of places, so that one leaf that was moved is one
    change. Between two leaves that stayed, a missing and an added one are one that was rewritten.
    """
    begin = _common(old, new)
    if begin == len(old):
        return []
    place = {value: at for at, value in enumerate(new[begin:], begin)}
    found = [(at, place[value]) for at, value in enumerate(old[begin:], begin) if value in place]
    stayed = _longest_rising(found)
    kept = {at for at, _ in stayed}
    moved = [(at, now) for at, now in found if at not in kept]
    out = [Change("reordered", at, now) for at, now in moved]
    moved_new = {now for _, now in moved}
    moved_old = {at for at, _ in moved}
    edges = [(begin - 1, begin - 1), *stayed, (len(old), len(new))]
    for (old_from, new_from), (old_to, new_to) in itertools.pairwise(edges):
        gone = [at for at in range(old_from + 1, old_to) if at not in moved_old]
        come = [at for at in range(new_from + 1, new_to) if at not in moved_new]
        out += _between(gone, come, last=old_to == len(old))
    return sorted(out, key=lambda c: (c.old if c.old is not None else c.new or 0, c.kind))


def _between(gone: list[int], come: list[int], *, last: bool) -> list[Change]:
    """Name the changes between two unchanged leaves; after the `last` one, new leaves are regular appends."""
    both = min(len(gone), len(come))
    out = [Change("rewritten", was, now) for was, now in zip(gone[:both], come[:both], strict=True)]
    out += [Change("cut" if last else "deleted", was, None) for was in gone[both:]]
    return out + ([] if last else [Change("inserted late", None, now) for now in come[both:]])


def _common(old: Sequence[bytes], new: Sequence[bytes]) -> int:
    for at, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return at
    return min(len(old), len(new))


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs whose second numbers rise (patience sorting)."""
    tops: list[int] = []
    tops_at: list[int] = []
    before: list[int] = []
    for at, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        before.append(tops_at[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(value)
            tops_at.append(at)
        else:
            tops[pile], tops_at[pile] = value, at
    out = []
    at = tops_at[-1] if tops_at else -1
    while at >= 0:
        out.append(pairs[at])
        at = before[at]
    return out[::-1]
