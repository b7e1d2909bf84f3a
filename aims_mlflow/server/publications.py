"""Intake of published documents: the sessions of a document's run are verified, and sealed as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.published_documents import documents_named
from aims_mlflow.lifecycle.ingest import ingest
from aims_mlflow.records.keyring import ROLES

if TYPE_CHECKING:
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

        Raises:
            EvidenceError: there is none, one does not verify against the keyring in force, or is about something else.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self._gate.guard.require()
        force = self._gate.policy.current()
        files = self._stored.session_files(run_id, force.policy.policy.caps)
        roles = (*ROLES, *force.policy.roles)
        sessions = [check_session(data, name, force.keyring.find, roles) for name, data in sorted(files.items())]
        strange = next((s for s in sessions if s.sound and not documents_named(s)), None)
        if strange is not None:
            raise EvidenceError(f"{strange.name} is about more than documents", where=f"runs:/{run_id}")
        return len(ingest(self._gate.ledger, sessions, f"runs:/{run_id}", REASON).sealed)
