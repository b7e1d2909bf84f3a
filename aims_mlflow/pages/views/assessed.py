"""Impact assessments of systems: whether one is published and approved, and whether the controls of A.5 are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls
from aims_mlflow.documents.page_blocks import PageCell, state_cell, to
from aims_mlflow.pages.views.common import UNREAD, document_cell
from aims_mlflow.pages.views.states import NOT_JUDGED, WORST, states_among
from aims_mlflow.records.counts import how_many
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource

IMPACT = tuple(control for control in controls() if control.startswith("A.5."))
FINE = ("met", "met with warnings", "not applicable", "not due")
APPROVED = ("approved", "due")
NONE_PUBLISHED, NOT_APPROVED, NOT_MET = (
    "none is published",
    "none is approved and in date",
    "a control of A.5 is not met",
)
NOT_IN_USE = "no version is in use here, so no control is judged"
RETIRED = "retired"


@dataclass(frozen=True)
class AssessedSystem:
    """What is known of a system's impact assessment.

    Attributes:
        found: Its assessments in force, each with what it states.
        states: The states of the controls of A.5, of each judged version in use.
        unjudged: How many versions in use are not judged yet.
        retired: Whether it is retired: then nobody owes an assessment any more.
    """

    name: str
    found: Sequence[tuple[SealedDocument, ImpactAssessmentDocument]]
    states: Sequence[Any]
    unjudged: int
    retired: bool = False

    @property
    def lacks(self) -> str:
        """What it lacks; empty where nothing speaks against its assessment."""
        if self.retired:
            return ""
        if not self.found:
            return NONE_PUBLISHED
        if not any(document.state in APPROVED for document, _ in self.found):
            return NOT_APPROVED
        return NOT_MET if any(row["state"] not in FINE for row in self.states) else ""

    def document(self, source: PageSource) -> PageCell:
        """Return its newest assessment with state and decision."""
        if self.found:
            document, written = self.found[-1]
            return document_cell(document.id, f"{document.state}, decision {written.decision or 'not stated'}")
        if source.unread:
            return PageCell(UNREAD, mark="!", tone="warn")
        return PageCell("none is published here", mark="·", tone="warn")

    def controls(self) -> PageCell:
        """Return the states of the controls of A.5, the worst first, with a link to the worst."""
        if not self.states:
            return PageCell(NOT_JUDGED if self.unjudged else NOT_IN_USE)
        by_state: dict[str, list[str]] = {}
        for row in sorted(self.states, key=lambda row: (_rank(row["state"]), row["control"])):
            by_state.setdefault(row["state"], []).append(row["control"])
        told = [f"{', '.join(dict.fromkeys(names))} {state}" for state, names in by_state.items()]
        late = f"; of {self.unjudged} versions {NOT_JUDGED}" if self.unjudged else ""
        worst, named = next(iter(by_state.items()))
        return state_cell(worst, to("controls", named[0], system=self.name), "; ".join(told) + late)


def assessed(source: PageSource, stages: Mapping[str, str], live: Sequence[Any]) -> dict[str, AssessedSystem]:
    """Return what is known of the impact assessments of systems, by name.

    Args:
        source: The source of the page.
        stages: The stage of each system, by name.
        live: The versions in use.
    """
    judged = source.judged_among(live)
    known = {(v["model"], v["version"]) for v in judged}
    system_of = {(v["model"], v["version"]): v["system"] or "" for v in live}
    states: dict[str, list[Any]] = {}
    for control in IMPACT:
        for (model, version, _), row in states_among(source, judged, control).items():
            states.setdefault(system_of[model, version], []).append(row)
    late: dict[str, int] = {}
    for at, system in system_of.items():
        late[system] = late.get(system, 0) + (at not in known)
    return {
        name: AssessedSystem(
            name, source.documents.of(ImpactAssessmentDocument, name) if name else (), states.get(name, ()),
            late.get(name, 0), stage.startswith(RETIRED),
        )
        for name, stage in stages.items()
    }  # fmt: skip


LACKING = "lacks one that counts"  # as the list of systems filters by it


def lacking_cell(source: PageSource, found: Mapping[str, AssessedSystem]) -> PageCell:
    """Return how many systems lack an assessment that counts, and why, with a link to them."""
    if source.unread:
        return PageCell(f"Which systems lack an impact assessment is {UNREAD}.", mark="!", tone="warn")
    owing = [each for each in found.values() if not each.retired]
    why = [each.lacks for each in owing]
    aside = f" Not counted: {how_many(len(found) - len(owing), 'retired system')}." if len(owing) < len(found) else ""
    lacking = sum(map(bool, why))
    late = sum(each.unjudged for each in found.values())
    unjudged = f" {late:,} versions in use are {NOT_JUDGED}." if late else ""
    if lacking:
        told = "; ".join(
            f"{each} for {why.count(each):,}" for each in (NONE_PUBLISHED, NOT_APPROVED, NOT_MET) if each in why
        )
        text = f"{lacking:,} of {len(owing):,} systems lack an impact assessment that counts: {told}.{unjudged}{aside}"
        return PageCell(text, to("systems", assessment=LACKING), mark="·", tone="warn")
    if late:
        return PageCell(f"No system is known to lack an impact assessment.{unjudged}{aside}", mark="?", tone="warn")
    return PageCell(
        f"Each of the {len(owing):,} systems has an approved impact assessment, and each version in use meets "
        f"{', '.join(IMPACT)}.{aside}"
    )


def _rank(state: str) -> int:
    return WORST.index(state) if state in WORST else len(WORST)
