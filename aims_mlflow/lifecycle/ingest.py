"""Sealing of evidence from ungated runs in the ledger, unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.verify import TRAINER
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.published_documents import documents_named
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.leaves.others import EvidenceLeaf, IngestionBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.keyring import Keyring, Role

SIGN_NOW = "it is to be signed with a key that may sign now: what its time says does not count"


@dataclass(frozen=True)
class Ingestion:
    """The leaves of newly sealed sessions by session id, and the sessions that were sealed before."""

    sealed: dict[str, int]
    known: list[str]


def keyring_now(ledger: Ledger) -> Keyring:
    """Return the keyring in force.

    Raises:
        EvidenceError: the ledger has none.
    """
    return force_now(ledger).keyring


def force_now(ledger: Ledger) -> RulesInForce:
    """Return the policy and keyring in force, by the newest sealed leaves.

    Raises:
        EvidenceError: the ledger has none.
    """
    active = ledger.in_force()
    if "keyring" not in active or "policy" not in active:
        raise EvidenceError("the ledger has no keyring in force", next="start the gated registry once")
    return read_rules(ledger, active["policy"], active["keyring"])


def ingest(
    ledger: Ledger, sessions: Sequence[CheckedSession], source: str, reason: str, roles: Sequence[Role] = TRAINER
) -> Ingestion:
    """Seal whole sessions, one leaf each; all or nothing.

    What is sealed now was signed now, for all that a ledger can know: the keys of new sessions must be allowed to sign
    now, in one of `roles`, whatever time their records name. Sessions that are sealed already are passed over.

    Raises:
        EvidenceError: there is none, or a new one does not verify, is signed by a key that may not sign now, or has the
            id of another session that is sealed.
    """
    if not sessions:
        raise EvidenceError("no evidence is here", where=source)
    known = {session.id for session in sessions if is_sealed(ledger, session)}
    authority = Authority(ledger, "", force_now(ledger), datetime.now(UTC))
    new = [
        session.counting(lambda record: authority.why_not_signing(record.envelope.key_id, roles), SIGN_NOW)
        for session in sessions
        if session.id not in known
    ]
    broken = [problem for session in new for problem in session.problems]
    if broken:
        raise EvidenceError(f"{broken[0].sentence()} Nothing was sealed", where=source)
    leaves = ledger.seal(*(session_entry(session, source, reason) for session in new)) if new else []
    if not new:
        ledger.confirm()  # another worker may have sealed them a moment ago
    sealed = {str(session.id): leaf.sequence for session, leaf in zip(new, leaves, strict=True)}
    return Ingestion(sealed, [str(session.id) for session in sessions if session.id in known])


def is_sealed(ledger: Ledger, session: CheckedSession) -> bool:
    """Return whether a leaf has sealed a session; only the leaves that name its id are read.

    Raises:
        EvidenceError: another session is sealed under this id, which is its signer's own word.
    """
    found = list(ledger.leaves(types=("evidence",), request=session.id)) if session.id else []
    if any(_lines(session) in leaf.fact.session_files().values() for leaf in found):
        return True
    if found:
        what = f"leaf {found[0].sequence} of the ledger sealed another session under the id {session.id}"
        advice = f"look at both: `aims ledger prove {found[0].sequence}`; what is signed anew gets an id of its own"
        raise EvidenceError(what, where=session.name, next=advice)
    return False


def _lines(session: CheckedSession) -> list[str]:
    return [*(record.sha256 for record in session.records), ""]


def session_entry(session: CheckedSession, source: str, reason: str) -> Entry:
    """Return the leaf that seals a whole session, with its envelopes."""
    records = session.records
    digests = sorted({d for r in records for s in r.subjects if (d := s.digest.get("dirHash1"))})
    runs = sorted({r.evidence.mlflow.run_id for r in records if r.evidence.mlflow.run_id})
    content = EvidenceLeaf(
        request=str(session.id),
        sessions={session.name: _lines(session)},
        model_digests=digests,
        runs=runs,
        evidence=[record.sha256 for record in records],
        documents=documents_named(session) or None,
    )
    body = IngestionBody(source=source, reason=reason, owners=sorted(set(session.owners.values())))
    return Entry(content, body, [record.envelope.raw for record in records])
