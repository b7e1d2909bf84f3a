"""Control states beside the statement: of the organisation by its documents, and of each model that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.person_statements import PublishedDocument
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.management.folder import Folder

ORGANISATION = "the organisation"


def organisation_subject(folder: Folder, at: datetime) -> StatusSubject:
    """Return the organisation with the files of its management folder.

    A file that nobody published is signed by nobody, and no approval of it can be judged here: a control that rests on
    it is "captured" at best. One that does not say since when it applies is taken as of `at`.
    """
    documents = tuple(
        PublishedDocument(
            kind=d.written.kind,
            id=d.id,
            sha256=d.sha256,
            author=d.written.author,
            time=f"{d.written.effective_from}T00:00:00Z" if d.written.effective_from else utc_text(at),
            fields=d.fields,
            system=d.written.system,
            model_digests=d.written.model_digests,
            review_by=d.written.review_by,
            valid_until=f"{d.written.valid_until}T23:59:59Z" if d.written.valid_until else None,
        )
        for d in folder.documents
    )
    return StatusSubject(ORGANISATION, scope="organization", documents=documents)


def states_of(
    subjects: Iterable[tuple[str, StatusSubject]], at: datetime
) -> Mapping[str, list[tuple[str, ControlStatus]]]:
    """Return the state of each control and clause for each subject that it is assessed for, by control."""
    found: dict[str, list[tuple[str, ControlStatus]]] = {}
    for name, subject in subjects:
        for status in control_statuses(subject, at, with_clauses=True):
            found.setdefault(status.control.id, []).append((name, status))
    return found
