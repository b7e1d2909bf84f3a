"""The published documents that a ledger sealed: each signature is as old as the leaf that sealed it."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.verify import CheckedSession, check_session
from aims_mlflow.gates.authority import moment_of, named_envelopes
from aims_mlflow.gates.published_documents import DocumentShelf, shelf_of
from aims_mlflow.records.leaves.others import EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.gates.authority import Authority, Moment
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.keyring import KeyEntry

KnownSessions = BoundedCache[CheckedSession]


def sealed_shelf(authority: Authority, known: KnownSessions | None = None, first: int | None = None) -> DocumentShelf:
    """Return the documents, approvals, reviews and withdrawals that the ledger sealed, each as old as its leaf.

    A signature counts for the roles that its key had when it was sealed and has not lost since. `known` remembers what
    was verified before; `first` reads that many of the leaves, as a decision did that came before the others.
    """
    leaves = list(itertools.islice(_about_documents(authority), first))
    names = [line for leaf in leaves for lines in leaf.fact.session_files().values() for line in lines if line]
    kept = named_envelopes(authority.ledger, list(dict.fromkeys(names)))
    sessions: list[CheckedSession] = []
    sealed: dict[str, str] = {}
    for leaf in leaves:
        for name, lines in leaf.fact.session_files().items():
            data = b"\n".join(kept.get(line, b"") if line else b"" for line in lines)
            session = _checked(data, name, authority, known or KnownSessions(0))
            sessions.append(replace(session, signers=_counting(session, authority, moment_of(leaf))))
            sealed |= dict.fromkeys((r.sha256 for r in session.records if r.sha256 not in sealed), leaf.fact.time)
    return replace(shelf_of(sessions, sealed, authority.force.keyring), leaves=len(leaves))


def _about_documents(authority: Authority) -> Iterator[Leaf]:
    for leaf in authority.ledger.leaves(types=("evidence",)):
        if authority.since(leaf):
            return
        if isinstance(leaf.fact, EvidenceLeaf) and leaf.fact.documents:
            yield leaf


def _checked(data: bytes, name: str, authority: Authority, known: KnownSessions) -> CheckedSession:
    force = authority.force
    check = functools.partial(check_session, data, name, force.keyring.find, force.any_role, timeless=True)
    return known.get((sha256_hex(data), name, force.keyring_digest), check, len(data))


def _counting(session: CheckedSession, authority: Authority, sealed: Moment) -> dict[str, KeyEntry]:
    """Return the signer of each record, with those roles alone in which the signature counts."""
    found = {}
    for record, entry in session.signers.items():
        roles = tuple(role for role in entry.roles if _counts(authority, entry, role, sealed))
        if roles:
            found[record] = entry.model_copy(update={"roles": roles})
    return found


def _counts(authority: Authority, entry: KeyEntry, role: str, sealed: Moment) -> bool:
    try:
        return authority.why_not(entry.key_id, (role,), sealed) is None
    except EvidenceError:  # the keyring of that time is lost: nothing shows that the key could sign
        return False
