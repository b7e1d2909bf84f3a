"""Who holds which duty: what role assignments, the register of roles and top management give a person to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import OF_MANAGEMENT
from aims_mlflow.records.documents.leadership import RoleAssignmentDocument, RolesDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.leadership import Activity, AuthorityRole

# The role of the key with which whoever holds a duty signs.
SIGNED_WITH = {"train": "trainer", "approve": "approver", "validate": "approver"}
# Duties of a system's assignments with which somebody may approve; validation is approved as its report.
APPROVING: tuple[Activity, ...] = ("approve", "validate")
# What a role of the register says where it lets its holder approve, or train.
# "May stop a release" lets nobody release.
ROLE_APPROVES = re.compile(
    r"\b(?:approv|accept|sign)\w*|\breleases\b|\b(?:may|can|to|and|or)\s+release\b", re.IGNORECASE
)
ROLE_TRAINS = re.compile(r"\btrain", re.IGNORECASE)
ROLE_STOPS = re.compile(r"\bstop", re.IGNORECASE)
PAPERS = re.compile(
    r"\b(?:approv|accept|sign)\w*\s+(?:\w+\s+){0,2}?(?:documents?|reports?|audits?|records?)\b", re.IGNORECASE
)
NOT = re.compile(r"\b(not|no|never|nothing)\b[^,;.]*", re.IGNORECASE)


def may_approve(role: AuthorityRole, system: str) -> bool:
    """Return whether a role of the register lets its holder approve a system, and not documents or reports alone."""
    return _lets(role, ROLE_APPROVES, system, but=PAPERS)


def _lets(role: AuthorityRole, said: re.Pattern[str], system: str | None, but: re.Pattern[str] = NOT) -> bool:
    mine = system is None or not role.systems or system in role.systems
    words = but.sub("", NOT.sub("", f"{role.duty or ''}. {role.authority or ''}"))
    return mine and said.search(words) is not None


@dataclass(frozen=True)
class DutyRegister:
    """The duties that people hold on a day.

    Attributes:
        documents: Where people are registered, under all their names.
        today: The day, as YYYY-MM-DD; what ended before it, or begins later, gives nobody a duty.
    """

    assignments: tuple[RoleAssignmentDocument, ...]
    roles: tuple[RolesDocument, ...]
    documents: DocumentSet
    today: str

    @property
    def is_written(self) -> bool:
        """Whether anybody wrote down who holds which duty."""
        return bool(self.assignments or self.roles)

    def holders(self, duties: Iterable[Activity], system: str | None = None) -> list[str]:
        """Return who holds one of several duties for a system; for any, where none is named."""
        wanted = set(duties)
        return [
            name
            for document in self.assignments
            if system is None or document.system == system
            for entry in document.assignments
            if entry.duty in wanted and self._in_force(entry.since, entry.until)
            for name in (entry.person, *entry.responsible)
            if name
        ]

    def accountable(self, duty: Activity, system: str) -> list[str]:
        """Return who answers for a duty of a system; each person once, whatever the spelling."""
        names = [
            entry.person
            for document in self.assignments
            if document.system == system
            for entry in document.assignments
            if entry.duty == duty and entry.person and self._in_force(entry.since, entry.until)
        ]
        return list({self.documents.same_person(name): name for name in reversed(names)}.values())[::-1]

    def may_approve(self, name: str, system: str | None, kind: str | None = None) -> bool:
        """Return whether it is somebody's duty to approve: for a system, or where none is named for anything.

        Documents that bind the whole organisation (`kind`) are approved by top management alone.
        """
        if self._is_top(name):
            return True
        if kind in OF_MANAGEMENT and any(p.top_management for p in self.documents.people.values()):
            return False
        return self.documents.is_one_of(name, (*self.holders(APPROVING, system), *self._by_role(ROLE_APPROVES, system)))

    def may_stop(self, system: str) -> list[str]:
        """Return whose duty it is to stop a system: by its assignments, and by the register of roles."""
        return [*self.holders(("stop",), system), *self._by_role(ROLE_STOPS, system)]

    def may_train(self, name: str) -> bool:
        """Return whether it is somebody's duty to train a system."""
        return self.documents.is_one_of(name, (*self.holders(("train",)), *self._by_role(ROLE_TRAINS, None)))

    def approving_roles(self, system: str) -> list[str]:
        """Return whom a role lets approve a system, by its words."""
        return list(self._by_role(ROLE_APPROVES, system))

    def _is_top(self, name: str) -> bool:
        return self.documents.is_one_of(
            name, (p.id for p in self.documents.people.values() if p.top_management and p.active(self.today))
        )

    def _by_role(self, said: re.Pattern[str], system: str | None) -> Iterator[str]:
        for document in self.roles:
            for role in document.roles:
                if _lets(role, said, system) and self._in_force(role.since, role.until):
                    yield from (name for name in (role.person, role.deputy) if name)

    def _in_force(self, since: str | None, until: str | None) -> bool:
        return (since or self.today) <= self.today <= (until or self.today)


def duties_on(documents: DocumentSet, day: str) -> DutyRegister:
    """Return the duties that documents give to people on a day."""
    assigned, roles = documents.of(RoleAssignmentDocument), documents.of(RolesDocument)
    return DutyRegister(tuple(assigned), tuple(roles), documents, day)
