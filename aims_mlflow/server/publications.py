"""Intake of published documents: the sessions of a document's run are verified, and sealed as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.published_documents import APPROVAL, WITHDRAWAL, documents_named, shelf_of, why_not_withdrawn
from aims_mlflow.lifecycle.ingest import ingest, is_sealed
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.attachments import EVENTS, DocumentEventDetails
from aims_mlflow.server.caller import caller, require_login
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.stored_evidence import ServerEvidence

# Of the sessions of one document: each decision that a document counts for reads them.
MAX_BYTES = 8 * 2**20
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
                not sign now, is about something else, or has no effect, as an approval of what its signer wrote.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self._gate.guard.require()
        force, (_, login) = self._gate.policy.current(), caller()
        caps = force.policy.policy.caps
        caps = caps.model_copy(update={"max_session_bytes": min(caps.max_session_bytes, MAX_BYTES)})
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
        published = self._published(sessions, force)
        refused = {s.name: why for s in sessions if (why := self._why_not(s, published)) is not None}
        fresh = [s for s in sessions if s.name not in refused and not is_sealed(self._gate.ledger, s)]
        mine = [session for session in fresh if not session.sound or _signed_by(session, login)]
        if fresh and not any(_signed_by(session, login) for session in sessions):
            require_login(next(iter(fresh[0].owners.values())), login)
        if mine:
            self._gate.bounds.require_change("documents", caps)
        sealed = len(ingest(self._gate.ledger, mine, where, REASON, roles).sealed) if mine or not sessions else 0
        if sessions and (why := refused.get(max(sessions, key=_signed_at).name)):
            raise why  # the newest is what the caller signed just now; an older one holds up nobody
        return sealed

    def _published(self, sessions: Sequence[CheckedSession], force: RulesInForce) -> dict[str, Publication]:
        """Return what was published, here or sealed, by its record; a sealed one has all names of its authors."""
        sealed = self._gate.evidence.documents(Authority(self._gate.ledger, "", force, datetime.now(UTC)))
        every = (*shelf_of(sessions, keyring=force.keyring).publications, *sealed.publications)
        return {p.record.sha256: p for p in every}

    def _why_not(self, session: CheckedSession, published: Mapping[str, Publication]) -> EvidenceError | None:
        """Return why a session is not sealed: it has no effect, or the id of another."""
        try:
            if is_sealed(self._gate.ledger, session):
                return None
        except EvidenceError as exc:
            return exc
        what = next(_without_effect(session, published), None)
        advice = "ask another person, or sign it anew"
        return EvidenceError(what, where=session.name, next=advice) if what is not None else None


def _signed_at(session: CheckedSession) -> str:
    return max((record.evidence.time for record in session.records), default="")


def _signed_by(session: CheckedSession, login: str | None) -> bool:
    """Return whether everything in a session was signed by the login; without logins there is nobody to compare."""
    return login is None or set(session.owners.values()) == {login}


def _without_effect(session: CheckedSession, published: Mapping[str, Publication]) -> Iterator[str]:
    """Yield a sentence for each approval, review or withdrawal that counts for nothing, by whom it is or about what."""
    for record in session.records:
        entry, kind = session.signers.get(record.id), record.evidence.kind
        if kind not in EVENTS or entry is None:
            continue
        about = published.get(str(read_details(record.evidence, DocumentEventDetails).publication))
        if about is None:
            yield f"the {kind} by {entry.owner} names no publication of this run: a newer aims_mlflow signs it anew"
        elif kind == WITHDRAWAL:
            yield from filter(None, [why_not_withdrawn(about, entry)])
        elif is_among(entry.owner, about.document.authors):
            does = "approves" if kind == APPROVAL else "clears a citation of"
            yield f"{entry.owner} wrote or published {about.document.id}: nobody {does} what they wrote"
