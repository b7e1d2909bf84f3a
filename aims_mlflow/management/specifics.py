"""What is true of one system alone: its groups, models, data, components, places and evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.management.evidence_view import EvidenceView
    from aims_mlflow.records.documents.context import SystemEntry

SHORTEST = 3
SHORTEST_COLUMN = 6
NO_PLAIN_WORD = re.compile(r"[\w][-_.]\w|\d|[a-z][A-Z]")
FICTIVE = "any other system"


def component_names(entry: SystemEntry) -> list[str]:
    """Return the names of a system's components: as the register has them, and without the provider before the `/`."""
    return list(dict.fromkeys(name for c in entry.components for name in (c, c.rpartition("/")[2])))


class SystemFacts:
    """Texts that can be looked up and are about a system alone, for each system of the register.

    Its own id and name are none of them, and neither are plain words such as "customers". A column's name counts where
    it is no plain word: `hours-per-week` does, and `income` does not.
    """

    def __init__(self, systems: Mapping[str, SystemEntry], evidence: EvidenceView) -> None:
        self._systems, self._evidence = systems, evidence
        self._known: dict[str, frozenset[str]] = {}

    def of(self, system: str) -> frozenset[str]:
        """Return the facts of a system."""
        if system not in self._known:
            self._known[system] = self._read(system)
        return self._known[system]

    def of_others(self, system: str) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield each other registered system with its facts; a fictive one where there is no other."""
        others = [name for name in self._systems if name != system]
        yield from ((name, self.of(name)) for name in others)
        if not others:
            yield FICTIVE, frozenset()

    def _read(self, system: str) -> frozenset[str]:
        entry = self._systems.get(system)
        records = self._evidence.of_system(system)
        facts: set[str] = set(self._evidence.groups(system))
        facts |= {c for c in self._evidence.columns(system) if NO_PLAIN_WORD.search(c) and len(c) >= SHORTEST_COLUMN}
        facts |= {r.id[:13] for r in records} | {d[:12] for r in records for s in r.subjects for d in s.digest.values()}
        if entry is not None:
            facts |= {g.in_data for g in entry.affected_groups if g.in_data}
            facts |= {*entry.models, *entry.data_sets, *(p.endpoint for p in entry.serving)}
            facts |= set(component_names(entry))
        names = {system.casefold(), (entry.name or "").casefold() if entry else ""}
        return frozenset(f for f in facts if f and len(f) >= SHORTEST and f.casefold() not in names)
