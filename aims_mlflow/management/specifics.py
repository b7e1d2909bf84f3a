"""What is true of one system alone: its groups, models, data, components, places and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.management.rules.base import LintContext

SHORTEST = 3
FICTIVE = "any other system"


def facts_of(around: LintContext, system: str) -> frozenset[str]:
    """Return texts that can be looked up and are about a system alone.

    Its own id and name are none of them, and neither are plain words, such as a column's name or "customers".
    """
    entry = around.systems.get(system)
    records = around.evidence.of_system(system)
    facts: set[str] = set(around.evidence.groups(system))
    facts |= {r.id[:13] for r in records} | {d[:12] for r in records for s in r.subjects for d in s.digest.values()}
    if entry is not None:
        facts |= {g.in_data for g in entry.affected_groups if g.in_data}
        facts |= {*entry.models, *entry.components, *entry.data_sets, *(p.endpoint for p in entry.serving)}
    names = {system.casefold(), (entry.name or "").casefold() if entry else ""}
    return frozenset(f for f in facts if f and len(f) >= SHORTEST and f.casefold() not in names)


def other_facts(around: LintContext, system: str) -> Mapping[str, frozenset[str]]:
    """Return the facts of each other registered system; of a fictive one where there is no other."""
    others = {name: facts_of(around, name) for name in around.systems if name != system}
    return others or {FICTIVE: frozenset()}
