"""Findings S8 and S4 about words of scope and register that fit any organisation, and systems left out for none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.managers import decides, managers
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import ScopeDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

# Words of a scope that are true of every organisation.
OF_ANY = content_words(
    "all every each any AI artificial intelligence system systems model models application applications solutions "
    "technology organisation organization company business group covers cover covered scope includes management whole "
    "entire within our are is"
)
# Names of groups that do not tell who is affected.
GROUPS = content_words(
    "customers clients users people persons individuals public everyone everybody stakeholders society citizens "
    "consumers humans population general end affected various others all data subjects community"
)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about what scope and register state in words."""
    for scope in state.of(ScopeDocument):
        if scope.statement and not content_words(scope.statement) - OF_ANY:
            fact = f"the statement of {scope.id} would fit any organisation: “{scope.statement.strip()[:80]}”"
            fix = f"state what the systems are for, in which units and places: aims document publish {scope.id}"
            yield ManagementFinding("S8", f"{scope.id}/statement", fact, fix, None, (scope.id,))
        yield from _left_out(scope, state)
    for system, entry in state.systems.items():
        for group in entry.affected_groups:
            words = content_words(group.name)
            if not group.in_data and not words - GROUPS:
                fact = f"{system} affects {group.name!r}, which does not tell who they are ({entry.id})"
                fix = f"name whom it bears on, as column=value or in words: aims document publish {entry.id}"
                yield ManagementFinding("S4", f"{system}/group/{group.name}", fact, fix, system, (entry.id,))


def _left_out(scope: ScopeDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield S8: a system that is out of scope without a reason, or by the word of somebody who may not decide that."""
    deciding = (*managers(state), *(name for name in (scope.owner, scope.approver) if name))
    for out in scope.systems_out:
        wrong = []
        if not says(out.reason):
            wrong.append(f"for the reason {out.reason!r}, which is none")
        if state.people and not decides(out.approved_by, deciding, state):
            wrong.append(f"by {out.approved_by}, who manages nothing and does not own or approve the scope")
        if wrong:
            fact = f"{out.id} is out of scope {', and '.join(wrong)}"
            fix = f"let top management decide it, with the reason: aims document publish {scope.id}"
            yield ManagementFinding("S8", f"{scope.id}/out/{out.id}", fact, fix, None, (scope.id,))
