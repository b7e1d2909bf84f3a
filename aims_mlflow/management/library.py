"""Published documents as MLflow keeps them: read, verified, and each with its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.document_runs import document_runs
from aims_mlflow.evidence.trust import trusted_keys
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.published_documents import DocumentShelf, Publication, shelf_of
from aims_mlflow.management.states import DocumentState, state_of
from aims_mlflow.management.surroundings import local_keyring
from aims_mlflow.records.keyring import ROLES

if TYPE_CHECKING:
    from aims_mlflow.evidence.verify import CheckedSession, KeyLookup


@dataclass(frozen=True)
class Library:
    """The published documents that verify, and the sessions that do not."""

    shelf: DocumentShelf
    broken: tuple[CheckedSession, ...] = ()

    def state(self, publication: Publication, today: str) -> DocumentState:
        """Return the state of a published version."""
        return state_of(self.shelf, publication, today)


def read_library(*, first: bool = False, document: str | None = None) -> Library:
    """Read and verify the published documents of the tracking server against the keyring; without one, this key alone.

    `first` takes a database that is not there for an empty one; `document` is the id of the only one that is wanted.

    Raises:
        Unreachable: MLflow does not answer.
        EvidenceError: the keyring is not signed by its root.
    """
    keyring = local_keyring()
    lookup: KeyLookup = keyring.find if keyring else trusted_keys()
    named = (role for key in (keyring.keys if keyring else ()) for role in key.roles)
    roles = tuple(dict.fromkeys((*ROLES, *named)))  # any role may publish; what an approval needs is judged later
    sessions = [
        check_session(data, name, lookup, roles)
        for run in document_runs(first=first, document=document)
        for name, data in sorted(tracking.session_files(run).items())
    ]
    return Library(shelf_of(sessions, keyring=keyring), tuple(s for s in sessions if not s.sound))
