"""Cross-checks of duties, management reviews, causes that came back, and levels of impacts (X28 to X31)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.document_set import known_as
from aims_mlflow.gates.document_content.duties import DutyRegister
from aims_mlflow.gates.person_statements import OF_MANAGEMENT, says
from aims_mlflow.management.recurrence import causes_of_actions, causes_of_nonconformities, returned
from aims_mlflow.management.review_inputs import left_out
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.records.documents.impact import (
    ImpactAssessmentDocument,
    ImpactProcessDocument,
    PeopleImpactDocument,
)
from aims_mlflow.records.documents.improvement import (
    CorrectiveActionDocument,
    NonconformityDocument,
    ReviewInputsDocument,
)
from aims_mlflow.records.documents.leadership import PeopleEntry, RoleAssignmentDocument, RolesDocument
from aims_mlflow.records.documents.risk import RiskMethodDocument
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext


def _duty(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    assigned = (d.written for d in around.folder.of("role-assignment"))
    held = (d.written for d in around.folder.of("roles"))
    known = known_as(around.people.values(), around.keyring.keys if around.keyring else ())
    register = DutyRegister(
        tuple(d for d in assigned if isinstance(d, RoleAssignmentDocument)),
        tuple(d for d in held if isinstance(d, RolesDocument)), around.people, around.today,
        lambda name: known.get(person(name), person(name)),
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


def _off_scale(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    if not isinstance(written, ImpactAssessmentDocument | PeopleImpactDocument):
        return
    scales = _Scales.of(around)
    for n, impact in enumerate(written.impacts):
        for field, level, known in (
            ("severity", impact.severity, scales.severity),
            ("likelihood", impact.likelihood, scales.likelihood),
        ):
            if says(level) and not scales.explain(str(level), known):
                named = ", ".join(known) or "those of impact-process"
                text = f"{field} {level!r} of impact {impact.id} is no level of the written scales: {named}"
                yield Spot(document.line("impacts", n, field), text)


@dataclass(frozen=True)
class _Scales:
    """The levels that risk-method lists, and what impact-process says of levels; empty where neither is written."""

    severity: tuple[str, ...]
    likelihood: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, around: LintContext) -> _Scales:
        methods = [d.written for d in around.folder.of("risk-method")]
        scales = [m.scales for m in methods if isinstance(m, RiskMethodDocument) and m.scales]
        ways = [d.written for d in around.folder.of("impact-process")]
        return cls(
            tuple(s.level for x in scales for s in (*x.impact_on_people, *x.impact_on_society) if says(s.level)),
            tuple(s.level for x in scales for s in x.likelihood if says(s.level)),
            " ".join(str(w.scales) for w in ways if isinstance(w, ImpactProcessDocument) and says(w.scales)),
        )

    def explain(self, level: str, known: tuple[str, ...]) -> bool:
        """Return whether a level is written down; true where no scale is, and of a number where a text has a range."""
        wanted = level.strip().casefold()
        is_in_a_range = wanted.isdecimal() and re.search(r"\d", self.text)
        if is_in_a_range or not (known or self.text):
            return True
        in_text = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", self.text.casefold())
        return in_text is not None or wanted in {k.strip().casefold() for k in known}


CHECKS: dict[str, Check] = {
    "X28": _duty,
    "X29": _review_left_out,
    "X30": _came_back,
    "X31": _off_scale,
}
