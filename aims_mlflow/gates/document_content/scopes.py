"""Where scope, approved register and the entries of systems are not the same list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.context import RegisterDocument, ScopeDocument


def scope_differs(scope: ScopeDocument, documents: DocumentSet) -> Iterator[tuple[str, str]]:
    """Yield (system, what scope and entries do not agree about); S8 in findings."""
    inside, outside = set(scope.systems_in), {e.id for e in scope.systems_out}
    for system in sorted(inside | outside | set(documents.systems)):
        entry = documents.systems.get(system)
        if entry is None:
            yield system, f"scope {scope.id} names {system}, which is in no register"
        elif system in inside & outside:
            yield system, f"{system} is in and out of scope {scope.id}"
        elif system not in inside | outside:
            yield system, f"{system} is in the register, and neither in nor out of scope {scope.id}"
        elif entry.in_scope is not None and entry.in_scope != (system in inside):
            word = "in" if entry.in_scope else "out of"
            yield system, f"the entry of {system} says that it is {word} scope, and scope {scope.id} says otherwise"


def register_differs(register: RegisterDocument, documents: DocumentSet) -> str | None:
    """Return what an approved register and the entries of systems do not agree about; None where they do."""
    listed = {s.id: s for s in register.systems}
    for system, entry in documents.systems.items():
        if system not in listed:
            return f"it does not list {system}, which has an entry"
        if entry.stage and listed[system].stage and entry.stage != listed[system].stage:
            return f"it lists {system} in {listed[system].stage}, and its entry says {entry.stage}"
    unknown = [s for s in listed if s not in documents.systems]
    return f"it lists {unknown[0]}, which has no entry" if unknown else None
