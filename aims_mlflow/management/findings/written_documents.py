"""Findings W1-W3: documents that nobody published or approved, and reviews that are overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import approving_role, counting_approvals
from aims_mlflow.management.findings.rules import ManagementFinding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the control of documented information (7.5)."""
    today = now.strftime("%Y-%m-%d")
    if state.published is not None:
        yield from _drafts(state)
        yield from _unapproved(state, now)
    for document in state.documents:
        if document.review_by and document.review_by < today:
            fact = f"{document.kind} {document.id}: its review was due on {document.review_by}"
            yield ManagementFinding(
                "W3", document.id, fact, f"review it, and publish it again: aims document publish {document.id}",
                document.system, (document.id,),
            )  # fmt: skip


def _drafts(state: ManagementState) -> Iterator[ManagementFinding]:
    for file in state.files:
        written, published = file.document.written, file.published
        if file.state in ("published", "approved", "due", "superseded", "withdrawn"):
            continue
        if published is not None and published.document.sha256 == file.document.sha256:
            continue  # overdue, which is a finding of its own
        why = f"version {published.statement.version}" if published else "nothing"
        fact = f"the file of {written.kind} {written.id} is a draft: {why} of it was published"
        fix = f"aims document lint {file.document.path}, then aims document publish {written.id}"
        yield ManagementFinding("W1", written.id, fact, fix, written.system, (written.id,))


def _unapproved(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    shelf = state.published.shelf if state.published is not None else None
    for publication, written in state.published.in_force() if state.published is not None else ():
        role = approving_role(written.kind)
        if shelf is None or counting_approvals(publication.document, shelf.approvals, now, role):
            continue
        fact = (
            f"{written.kind} {written.id} version {written.version} is published, and nobody with the role {role} "
            "but its authors approved exactly this file"
        )
        whom = written.approver or f"another person with the role {role}"
        fix = f"{whom} runs: aims approve document:{written.id}"
        yield ManagementFinding("W2", written.id, fact, fix, written.system, (written.id,))
