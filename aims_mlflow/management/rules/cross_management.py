"""Cross-checks of duties, management reviews and causes that came back (X28 to X30)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import OF_MANAGEMENT
from aims_mlflow.management.duties import DutyRegister
from aims_mlflow.management.recurrence import causes_of_actions, causes_of_nonconformities, returned
from aims_mlflow.management.review_inputs import left_out
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.records.documents.improvement import (
    CorrectiveActionDocument,
    NonconformityDocument,
    ReviewInputsDocument,
)
from aims_mlflow.records.documents.leadership import PeopleEntry, RoleAssignmentDocument, RolesDocument
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext


def _duty(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    assigned = (d.written for d in around.folder.of("role-assignment"))
    held = (d.written for d in around.folder.of("roles"))
    register = DutyRegister(
        tuple(d for d in assigned if isinstance(d, RoleAssignmentDocument)),
        tuple(d for d in held if isinstance(d, RolesDocument)), around.people, around.today,
    )  # fmt: skip
    if not register.is_written:
        return
    if isinstance(written, PeopleEntry):
        yield from _keys_without_duty(document, written, register, around)
    # X6 says who approves what binds the whole organisation.
    approver = written.approver if written.kind not in OF_MANAGEMENT else None
    if approver and not register.may_approve(approver, written.system):
        what = f"what is about {written.system}" if written.system else "anything"
        text = f"{approver} holds no duty to approve {what}, by role assignments and roles"
        yield Spot(document.line("approver"), text)


def _keys_without_duty(
    document: FolderDocument, written: PeopleEntry, register: DutyRegister, around: LintContext
) -> Iterator[Spot]:
    at = {person(p.id): n for n, p in enumerate(written.people)}
    for key in around.keyring.keys if around.keyring else ():
        for role, may in (
            ("approver", register.may_approve(key.owner, None)),
            ("trainer", register.may_train(key.owner)),
        ):
            if not may and key.why_not([role], f"{around.today}T12:00:00Z") is None:
                place = ("people", at[person(key.owner)]) if person(key.owner) in at else ("people",)
                verb = "approve" if role == "approver" else "train"
                text = f"the key of {key.owner} may {verb}, and no role assignment and no role gives them that duty"
                yield Spot(document.line(*place), text)


def _review_left_out(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    if isinstance(document.written, ReviewInputsDocument):
        every = [d.written for d in around.folder.documents]
        yield from (Spot(document.line(f), text) for f, text in left_out(document.written, every, around.today))


def _came_back(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = [d.written for d in around.folder.documents]
    actions = causes_of_actions(d for d in written if isinstance(d, CorrectiveActionDocument))
    facts = causes_of_nonconformities(d for d in written if isinstance(d, NonconformityDocument))
    for earlier, later in (*returned(actions), *returned(facts)):
        if later.document == document.id:
            text = f"{later.name} has the cause of {earlier.name}, “{earlier.cause[:80]}”: that was not removed"
            yield Spot(document.line(later.field, later.index), text)


CHECKS: dict[str, Check] = {
    "X28": _duty,
    "X29": _review_left_out,
    "X30": _came_back,
}
