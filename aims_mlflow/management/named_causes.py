"""Which results a risk register answers, and which later record closes a risk or shows the effect of a measure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.impact import names_group
from aims_mlflow.management.cited_records import begins
from aims_mlflow.management.passages import GROUP
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.documents.context import AffectedGroup
    from aims_mlflow.records.documents.risk import RiskEntry
    from aims_mlflow.records.evidence import Claim

# Records that list the others of a session, each of which is judged itself.
LISTS = ("session", "session-start")
# Records whose result is a judgement, with or without a limit.
JUDGED = ("drift", "log-coverage", "monitor-run", "use-conformance")


def failures(record: SealedRecord) -> list[Claim | None]:
    """Return each claim of a record beyond its limit; without one, None where the record as a whole failed."""
    if record.evidence.kind in LISTS:
        return []
    beyond: list[Claim | None] = [c for c in record.evidence.claims if c.passed is False]
    return beyond or ([None] if record.evidence.result == "failed" else [])


class GroupsInData:
    """The groups of people of a system, as columns and values of its data.

    Attributes:
        columns: The columns by which fairness was compared; other slices are columns or labels, and no people.
    """

    def __init__(self, groups: Iterable[AffectedGroup], records: Iterable[SealedRecord]) -> None:
        self._named = [(g.name, g.in_data) for g in groups if g.in_data]
        fair = (r for r in records if r.evidence.kind == "fairness")
        self.columns = frozenset(column for r in fair for c in r.evidence.claims for column in c.slice)

    def is_group(self, claim: Claim) -> bool:
        """Return whether the rows of a claim are people of a group, or all groups of a column."""
        return bool(claim.slice) and set(claim.slice) <= self.columns

    def are_named(self, group: str | None, words: str | None, claim: Claim) -> bool:
        """Return whether a group and the words about it name the people of a claim; true of a claim about no group."""
        if not self.is_group(claim):
            return True
        known = self.values(f"{group or ''} {words or ''}")
        return names_group({"group": " ".join((group or "", *known)), "mechanism": words}, claim, [])

    def values(self, words: str) -> list[str]:
        """Return the groups that words name, as column=value: so written, or by the name of the group."""
        said = words.casefold()
        named = [v for name, v in self._named if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", said)]
        return [*named, *(found[0] for found in GROUP.finditer(words) if found[0].partition("=")[0] in self.columns)]


def why_no_risk(
    record: SealedRecord, claim: Claim | None, risks: Iterable[RiskEntry], people: GroupsInData
) -> str | None:
    """Return why no risk is about a result: none names its record, or none of those that do names its group."""
    mine = [r for r in risks if any(begins(record.id, cause) for cause in r.cause_evidence)]
    if not mine:
        return f"names {record.id} as its cause"
    if claim is None or any(people.are_named(r.group, r.event, claim) for r in mine):
        return None
    return f"that names {record.id} as its cause is about that group"


def why_no_effect(
    record: SealedRecord, group: str | None, words: str | None, rest: Iterable[SealedRecord], people: GroupsInData
) -> str | None:
    """Return why a record shows nothing of a harm: it has no result of its group, nor one on which the harm rests.

    The harm rests on the results of the records `rest`.
    """
    metrics = {c.metric for r in rest for c in r.evidence.claims}
    claims = record.evidence.claims
    of_group = [c for c in claims if people.is_group(c) and people.are_named(group, words, c)]
    of_metric = [c for c in claims if c.metric in metrics]
    about = [c for c in of_group if c in of_metric] or of_group or of_metric
    known = people.values(group or "")
    if not about and (metrics or known):
        return f"has no result of {group or 'the harm'}" + (", and none on which the harm rests" if metrics else "")
    beyond = next((c for c in about if c.passed is False), None)
    if beyond is not None:
        return f"is beyond a limit: {describe(beyond)}"
    kind = record.evidence.kind
    return None if kind in JUDGED or any(c.passed for c in claims) else f"has no result that passed a limit ({kind})"
