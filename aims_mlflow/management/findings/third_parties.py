"""Findings T1-T8, T10 and T11: components that were judged by terms alone, tested in another version, or unfit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.customers import unrequired
from aims_mlflow.gates.document_content.shared_duties import duty_faults, shared_before, unshared
from aims_mlflow.gates.document_content.suppliers import component_faults, used_components
from aims_mlflow.management.comparison import NOT_NAMED, compare, same_provider
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.third_parties import CustomerNeedsDocument, ResponsibilityDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.gates.document_content.suppliers import SupplierFault, UsedComponent
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.inventory import InventoryItem

# Rules about what a supplier's record states; the others are about our own tests.
BY_RECORD = ("T1", "T5", "T6")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about suppliers, components and shared duties."""
    today = now.strftime("%Y-%m-%d")
    used = used_components(state)
    _add_calls(used, state, today)
    for component in used.values():
        for fault in component_faults(component, today):
            about = "/".join(part for part in (component.system, component.name, fault.more) if part)
            fix, ids = _mended_by(fault, component, state)
            yield ManagementFinding(fault.rule, about, fault.fact, fix, component.system, ids)
    yield from _needs(state)
    for document in state.of(ResponsibilityDocument):
        older = shared_before(document, state, today)
        for fault in (*duty_faults(document), *([older] if older else [])):
            about = f"{document.system}/{fault.more}"
            yield ManagementFinding(fault.rule, about, fault.fact, fault.fix, document.system, (document.id,))
    for system, fault in unshared(state, sorted({c.system for c in used.values()})):
        yield ManagementFinding(fault.rule, system, fault.fact, fault.fix, system)


def _mended_by(fault: SupplierFault, component: UsedComponent, state: ManagementState) -> tuple[str, tuple[str, ...]]:
    """Return the fix of a fault, and its evidence, the document that has to change first."""
    kind = "supplier-record" if fault.rule in BY_RECORD else "supplier-evaluation"
    ids = tuple(dict.fromkeys(component.evidence))
    mended = tuple(name for name in ids if any(d.kind == kind for d in state.named(name)))
    new = f"aims document new {kind} --system {component.system}"
    fix = fault.fix if mended or new in fault.fix else f"{fault.fix}; then: {new}"
    return fix, tuple(dict.fromkeys((*mended, *ids)))


def _add_calls(used: dict[tuple[str, str], UsedComponent], state: ManagementState, today: str) -> None:
    """Add to each component what a scan saw of it, or of its provider's other model that came in its place."""
    by_name: dict[str, list[InventoryItem]] = defaultdict(list)
    for item in state.inventory.items if state.inventory else ():
        for name in item.names if item.kind == "provider" else ():
            by_name[name].append(item)
    others: dict[tuple[str, str], list[InventoryItem]] = defaultdict(list)
    for item in compare(state, today).unknown:
        for named in same_provider(item, state):
            if not named.found:
                others[named.system, named.name].append(item)
    for (system, name), component in used.items():
        models = (_seen_model(item) for item in (*by_name.get(name, ()), *others[system, name]))
        component.called = {m for m in models if m and not _is_name(m, name)}


def _seen_model(item: InventoryItem) -> str:
    """Return the model that an item of a scan names; empty where it names a provider alone."""
    return item.facts.get("model", "") if item.kind == "provider" else item.id.partition("/")[2]


def _is_name(model: str, name: str) -> bool:
    """Return whether what a trace calls the model is the component's own name, which tells no version."""
    return model == NOT_NAMED or model in (name, name.rpartition("/")[2])


def _needs(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield T10: needs of customers that no requirement of the system has."""
    for document in state.of(CustomerNeedsDocument):
        for need in unrequired(document, state):
            fact = f"the need {need.need!r} of {document.id} is said to be in {need.requirement}, which is no "
            fact += f"requirement of {document.system}"
            fix = f"write the requirement, or name the one that has it: {document.id}"
            about = f"{document.id}/{need.requirement}"
            yield ManagementFinding("T10", about, fact, fix, document.system, (document.id,))
