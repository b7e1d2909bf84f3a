"""Control states beside the statement: of the organisation by its documents, and of each model that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.person_statements import PublishedDocument
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.documents import stated_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.gates.policy import LoadedPolicy, Rules
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.policy import Stage

ORGANISATION = "the organisation"


def general_rules(policy: LoadedPolicy) -> Rules:
    """Return the rules of the last stage that requires evidence, for a model that no entry of the policy names."""
    stages: tuple[Stage, ...] = ("deployment", "registration")
    found = [policy.rules("", stage) for stage in stages if policy.gates(stage)]
    return next((rules for rules in found if rules.require), policy.rules("", "registration"))


def organisation_subject(state: ManagementState, at: datetime) -> StatusSubject:
    """Return the organisation with its published documents and their approvals; with its drafts where none was read.

    A draft is signed by nobody, and no approval of it can be judged: a control that rests on it is "captured" at best.
    One that does not say since when it applies is taken as of `at`.
    """
    if state.published is not None:
        shelf = state.published.shelf
        rules = general_rules(state.policy) if state.policy else None
        return StatusSubject(
            ORGANISATION, scope="organization", documents=shelf.documents(at.strftime("%Y-%m-%d")),
            approvals=shelf.approvals, keyring=state.keyring, rules=rules,
        )  # fmt: skip
    documents = tuple(
        PublishedDocument(
            kind=d.kind,
            id=d.id,
            sha256=digest_of(["draft", d.id]),
            author=d.author,
            time=f"{d.effective_from}T00:00:00Z" if d.effective_from else utc_text(at),
            fields=stated_fields(d),
            system=d.system,
            model_digests=d.model_digests,
            review_by=d.review_by,
            owner=d.owner,
            valid_until=f"{d.valid_until}T23:59:59Z" if d.valid_until else None,
        )
        for d in state.documents
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
