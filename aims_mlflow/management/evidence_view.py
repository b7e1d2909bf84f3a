"""The evidence that documents may cite: records that verify, by id, and what they say of groups and models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.cached_values import cached_property
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.gates.counting_evidence import undone
from aims_mlflow.management.cited_records import begins
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import SessionStartDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import KeyLookup


@dataclass(frozen=True)
class EvidenceView:
    """Records of sound sessions, oldest first.

    Attributes:
        sources: What was read: runs, models and folders.
        unread: What could not be read, with the reason.
        model_digests: The models that were named, by their dirHash1.
    """

    records: tuple[SealedRecord, ...] = ()
    sources: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    model_digests: tuple[str, ...] = field(default=())

    def find(self, evidence: str) -> list[SealedRecord]:
        """Return the records with an id, or with one that begins like that."""
        return [r for r in self.records if begins(r.id, evidence)]

    def of_system(self, system: str | None) -> list[SealedRecord]:
        """Return the records about a system."""
        return self._by_system.get(system, [])

    @cached_property
    def _by_system(self) -> dict[str | None, list[SealedRecord]]:
        found: dict[str | None, list[SealedRecord]] = {}
        for record in self.records:
            found.setdefault(record.evidence.system, []).append(record)
        return found

    def groups(self, system: str | None) -> set[str]:
        """Return the groups that were compared for a system, as column=value."""
        claims = (c for r in self.of_system(system) if r.evidence.kind == "fairness" for c in r.evidence.claims)
        return {f"{column}={value}" for c in claims for column, value in c.slice.items() if value != "*"}

    def columns(self, system: str | None) -> set[str]:
        """Return the columns of the data that a system's trainings were planned with."""
        started = (r.evidence for r in self.of_system(system) if r.evidence.kind == "session-start")
        tables = [t for e in started for t in (read_details(e, SessionStartDetails).data or {}).values()]
        return {column for table in tables for column in table.columns or ()}

    @cached_property
    def superseded(self) -> frozenset[str]:
        """The ids of records that a later one supersedes."""
        return frozenset(record.id for record, _ in undone(self.records))


def read_evidence(targets: Iterable[str], lookup: KeyLookup) -> EvidenceView:
    """Read the evidence of runs, models and folders; what cannot be read is kept with its reason."""
    records: dict[str, SealedRecord] = {}
    sources, unread, digests = [], [], []
    for target in dict.fromkeys(targets):
        try:
            source = open_source(target, lookup)
        except AimsError as exc:
            unread.append(f"{target}: {exc.sentence()}")
            continue
        sources.append(target)
        digests += [source.model_digest] if source.model_digest else []
        broken = [s for s in source.sessions if not s.sound]
        unread += [f"{target}: session {s.name} does not verify" for s in broken]
        records |= {r.id: r for s in source.sessions if s.sound for r in s.records}
    ordered = tuple(sorted(records.values(), key=lambda r: (r.evidence.time, r.id)))
    return EvidenceView(ordered, tuple(sources), tuple(unread), tuple(dict.fromkeys(digests)))
