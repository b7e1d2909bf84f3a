"""Records as pages show them: with the numbers beside them, as long as the body of their decision has these."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.statement import SealedRecord, read
from aims_mlflow.records.leaves.changes import DecisionBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.audit.view import View
    from aims_mlflow.bounded_cache import BoundedCache


def records_of(
    view: View, leaves: Mapping[str, int | None], known: BoundedCache[SealedRecord | None]
) -> dict[str, SealedRecord]:
    """Return records by their sha256; `leaves` has the leaf that first sealed each.

    A record that the ledger has lost, or that cannot be read, is left out. What is in `known` is found again by the
    same bytes of envelope and body alone, so that what was changed or erased since is read anew.
    """
    out = {}
    for sha256, raw in view.envelopes(list(leaves)).items():
        signed = sha256_hex(raw)
        found = known.get((sha256, signed), partial(_read, raw, sha256), len(raw))
        if found is not None and found.evidence.withheld is not None:
            leaf = leaves[sha256]
            salt, body = (view.bodies([leaf]) if leaf is not None else {}).get(leaf or 0, (b"", b""))
            key = (sha256, signed, leaf, sha256_hex(salt + body))
            found = known.get(key, partial(_whole, view, found, leaf), len(raw))
        if found is not None:
            out[sha256] = found
    return out


def _read(raw: bytes, sha256: str) -> SealedRecord | None:
    """Return a record as it was signed; None where it cannot be read."""
    try:
        return read(raw, sha256)
    except AimsError:
        return None


def _whole(view: View, found: SealedRecord, leaf: int | None) -> SealedRecord | None:
    """Return a record with the numbers beside it, where its leaf has them; None where it commits to other numbers."""
    try:
        body = view.body(leaf) if leaf is not None else None
    except AimsError:
        body = None
    beside = (body.beside or {}).get(found.sha256) if isinstance(body, DecisionBody) else None
    try:
        return read(beside_line(found.envelope.raw, beside), found.sha256).whole()
    except AimsError:
        return None
