"""The register of systems against a scan, both ways: what no entry claims, and what no scan finds.

That a list of systems is whole, no scan can show. So it is said how many sources were read, and which were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.counts import how_many
from aims_mlflow.records.documents.context import ScanEntry, ScopeDocument
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.context import ScanItem, SystemEntry
    from aims_mlflow.records.inventory import InventoryItem

# Kinds of source that are looked for where the scope names none.
EXPECTED_SOURCES = (
    "registered models", "prompts", "logged models", "gateway endpoints", "providers in traces", "MCP servers",
    "source tree", "vendor list",
)  # fmt: skip

NOT_NAMED = "not named"  # what a scan says where a trace names a provider and no model


@dataclass(frozen=True)
class Explanation:
    """Why something that was found needs no system, who says so, and until which day."""

    reason: str
    by: str
    until: str | None


@dataclass(frozen=True)
class NamedComponent:
    """A component of a provider that a system names, and whether the newest scan found it."""

    system: str
    name: str
    found: bool


@dataclass(frozen=True)
class RegisterComparison:
    """What each item of a scan belongs to.

    Attributes:
        claimed: The system that claims each item, by the item's key.
        explained: The explanation in force of each item that no system claims, by the item's key.
        unknown: Items that are neither.
        not_scanned: Kinds of source in scope, or parts of one, that no scan read, each with the reason.
        sentence: All counts in one sentence.
    """

    claimed: dict[str, str]
    explained: dict[str, Explanation]
    unknown: tuple[InventoryItem, ...]
    not_scanned: dict[str, str]
    sentence: str


def compare(state: ManagementState, today: str) -> RegisterComparison:
    """Return what each item of the newest scan belongs to.

    Args:
        state: The documents and the scan.
        today: The day, as YYYY-MM-DD: an explanation counts until its last day.
    """
    inventory = state.inventory
    if inventory is None:
        missing = dict.fromkeys(sources_in_scope(state), "never scanned")
        return RegisterComparison({}, {}, (), missing, "nothing was scanned yet")
    names, notes = claims(state), list(_notes(state))
    claimed: dict[str, str] = {}
    explained: dict[str, Explanation] = {}
    unknown: dict[str, InventoryItem] = {}  # one for each key: traces and a gateway may show the same model
    for item in inventory.items:
        system = next((names[n] for n in item.names if n in names), None) or _assigned(item, notes, state)
        explanation = _explanation(item, notes, today)
        if system is not None:
            claimed[item.key] = system
        elif explanation is not None:
            explained[item.key] = explanation
        else:
            unknown.setdefault(item.key, item)
    not_scanned = _not_scanned(state)
    things = {i.key for i in inventory.items}
    counts = (
        f"{how_many(len(inventory.scanned), 'source')} scanned on {inventory.time[:10]}, "
        f"{how_many(len(things), 'item')}, "
        f"{len(claimed)} claimed, {len(explained)} explained, {len(unknown)} unknown; "
        f"not scanned: {', '.join(not_scanned) or 'nothing that the scope names'}"
    )
    return RegisterComparison(claimed, explained, tuple(unknown.values()), not_scanned, counts)


def names_of(entry: SystemEntry) -> list[str]:
    """Return every name by which an entry claims what a scan finds."""
    return [*entry.models, *entry.components, *(place.endpoint for place in entry.serving)]


def claims(state: ManagementState) -> dict[str, str]:
    """Return the system that claims each name, by its entry or by its record of suppliers."""
    found = {name: system for system, entry in state.systems.items() for name in names_of(entry)}
    for record in state.of(SupplierDocument):
        for component in record.components:
            found.setdefault(component.component, str(record.system))
            if component.supplier:
                found.setdefault(f"{component.supplier}/{component.component}", str(record.system))
    return found


def same_provider(item: InventoryItem, state: ManagementState) -> tuple[NamedComponent, ...]:
    """Return what systems name of the provider whose model an item is; () where the item is no named model."""
    provider, model = _model_of(item)
    if not provider or not model:
        return ()
    start = f"{provider}/"
    named = {(s, c) for s, entry in state.systems.items() for c in entry.components if c.casefold().startswith(start)}
    for record in state.of(SupplierDocument):
        for part in record.components:
            if part.component.casefold().startswith(start) or (part.supplier or "").casefold() == provider:
                named.add((str(record.system), part.component))
    found = {_model_of(i) for i in (state.inventory.items if state.inventory else ()) if i.kind == item.kind}
    return tuple(NamedComponent(s, n, (provider, n.casefold().removeprefix(start)) in found) for s, n in sorted(named))


def _model_of(item: InventoryItem) -> tuple[str, str]:
    """Return provider and model of what traces or a vendor list name, in small letters; empty for all else."""
    if item.kind == "provider":
        provider, model = item.facts.get("provider", "").rpartition("/")[2], item.facts.get("model", NOT_NAMED)
    elif item.kind == "vendor product" and "/" in item.id:
        provider, _, model = item.id.partition("/")
    else:
        return "", ""
    return provider.casefold(), "" if model == NOT_NAMED else model.casefold()


def why_unknown(item: InventoryItem, state: ManagementState) -> str:
    """Return why an item is unknown, and of a provider's model, in the place of which other one it came."""
    said = "no system claims it, and nobody explained it"
    known = same_provider(item, state)
    gone = [c for c in known if not c.found]
    names = ", ".join(dict.fromkeys(c.name for c in gone or known))
    systems = ", ".join(dict.fromkeys(c.system for c in gone or known))
    if gone:
        return (
            f"{said}. The provider's model changed from {names} to {item.id}: {systems} names the first, and the "
            f"newest scan of {item.source} shows only the second"
        )
    return f"{said}. It stands beside {names} of the same provider, which {systems} names" if known else said


def sources_in_scope(state: ManagementState) -> tuple[str, ...]:
    """Return the kinds of source that the scope names; those that this package reads where it names none."""
    named = [kind for scope in state.of(ScopeDocument) for kind in scope.sources]
    return tuple(dict.fromkeys(named)) or EXPECTED_SOURCES


def _not_scanned(state: ManagementState) -> dict[str, str]:
    sources = state.inventory.sources if state.inventory else ()
    read = {s.kind for s in sources if s.failed is None}
    failed = {s.kind: s.failed for s in sources if s.failed is not None}
    missing = {k: "no source of this kind was named" for k in sources_in_scope(state) if k not in read}
    in_part = {what: why for s in sources for what, why in s.unread.items()}
    return {**missing, **in_part, **failed}


def _notes(state: ManagementState) -> Iterator[ScanItem]:
    for entry in sorted(state.of(ScanEntry), key=lambda e: e.time or "", reverse=True):
        yield from entry.found


def _matches(item: InventoryItem, note: ScanItem) -> bool:
    return note.id == item.id and note.kind in (None, item.kind) and note.source in (None, item.source)


def _assigned(item: InventoryItem, notes: list[ScanItem], state: ManagementState) -> str | None:
    return next((n.system for n in notes if _matches(item, n) and n.system in state.systems), None)


def _explanation(item: InventoryItem, notes: list[ScanItem], today: str) -> Explanation | None:
    """Return the newest explanation of an item that has a reason and a person, and that has not ended."""
    for note in notes:
        if _matches(item, note) and says(note.explanation) and says(note.by) and (note.until or today) >= today:
            return Explanation(str(note.explanation), str(note.by), note.until)
    return None
