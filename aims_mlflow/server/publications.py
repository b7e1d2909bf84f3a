"""Intake of published documents: the sessions of a document's run are verified, and sealed as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.published_documents import APPROVAL, documents_named, shelf_of
from aims_mlflow.lifecycle.ingest import ingest
from aims_mlflow.server.caller import caller, require_login
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.stored_evidence import ServerEvidence

REASON = "a document was published, approved, reviewed or withdrawn"


class PublicationIntake:
    """Verifies what people signed about a document, and seals it."""

    def __init__(self, gate: Gate, stored: ServerEvidence) -> None:
        self._gate = gate
        self._stored = stored

    def take(self, run_id: str) -> int:
        """Seal the sessions of a document's run that are not sealed yet; returns how many there were.

        Where the server has logins, everyone tells of what they signed themselves; what others signed waits for them.

        Raises:
            EvidenceError: there is none, one does not verify against the keyring in force, is signed by a key that may
                not sign now, is about something else, or approves what its signer wrote.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self._gate.guard.require()
        force, (_, login) = self._gate.policy.current(), caller()
        caps = force.policy.policy.caps
        files = self._stored.session_files(run_id, caps)
        roles = force.any_role
        sessions = [
            check_session(data, name, force.keyring.find, roles, caps.max_records, timeless=True)
            for name, data in sorted(files.items())
        ]
        where = f"runs:/{run_id}"
        strange = next((s for s in sessions if s.sound and not documents_named(s)), None)
        if strange is not None:
            raise EvidenceError(f"{strange.name} is about more than documents", where=where)
        for what in _own_approvals(sessions):
            raise EvidenceError(what, where=where, next="ask another person")
        known = {leaf.fact.request for leaf in self._gate.ledger.leaves(types=("evidence",))}
        fresh = [session for session in sessions if session.id not in known]
        mine = [session for session in fresh if not session.sound or _signed_by(session, login)]
        if fresh and not any(_signed_by(session, login) for session in sessions):
            require_login(next(iter(fresh[0].owners.values())), login)
        return len(ingest(self._gate.ledger, mine, where, REASON, roles).sealed) if mine or not sessions else 0


def _signed_by(session: CheckedSession, login: str | None) -> bool:
    """Return whether everything in a session was signed by the login; without logins there is nobody to compare."""
    return login is None or set(session.owners.values()) == {login}


def _own_approvals(sessions: Sequence[CheckedSession]) -> Iterator[str]:
    """Yield a sentence for each approval of a document by somebody who wrote it."""
    shelf = shelf_of(sessions)
    for session in sessions:
        for record in session.records:
            owner = session.owners.get(record.id)
            if record.evidence.kind != APPROVAL or owner is None:
                continue
            digests = set(record.subjects[0].digest.values())
            for each in shelf.publications:
                if each.document.sha256 in digests and is_among(owner, each.document.authors):
                    yield f"{owner} wrote or published {each.document.id}: nobody approves what they wrote"
