"""What speaks against a waiver in force: its signer's interest, a measure without a day, and no risk about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.lifecycle.measures import ABOUT, is_about
from aims_mlflow.management.cited_records import begins
from aims_mlflow.management.findings.unwritten_risks import groups_of
from aims_mlflow.management.named_causes import GroupsInData, failures, why_no_risk
from aims_mlflow.pages.views.interests import Interests
from aims_mlflow.pages.views.records import find
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import WaivedBy
    from aims_mlflow.records.documents.impact import ImpactMeasure
    from aims_mlflow.records.documents.risk import RiskEntry

SYSTEM = "SELECT max(system) AS system FROM decision WHERE model = :m AND digest = :d AND {scope}"
BUILT = "SELECT DISTINCT key_id FROM record WHERE digest = :d AND kind = 'training-provenance'"
NO_DAY = "no day is set for evidence of a compensating measure"


class Doubts:
    """Looks up what speaks against waivers, in the documents that the reader may read."""

    def __init__(self, source: PageSource) -> None:
        self._source = source

    @cached_property
    def _interests(self) -> Interests:
        return Interests(self._source)

    @cached_property
    def _registers(self) -> Sequence[tuple[SealedDocument, RiskRegisterDocument]]:
        return self._source.documents.of(RiskRegisterDocument)

    def against(self, row: Any, covered: Sequence[WaivedBy]) -> list[str]:
        """Return what speaks against a waiver, each in a few words; `row` is its consent in the index."""
        owner, system = self._source.owner(row["key_id"]), self._system(row)
        out = [] if owner else ["no keyring has the key that signed it"]
        built = (self._source.owner(each["key_id"]) for each in self._source.rows(BUILT, d=row["digest"]))
        interest = [
            *((name, "trained the model") for name in built), *self._interests.in_gap(system, row["control"] or ""),
        ]  # fmt: skip
        why = self._interests.of_person(owner, interest)
        out += [f"{owner}, who signed it, {' and '.join(why)}"] if why else []
        out += self._of_measure(row)
        return [*out, *self._of_risk(system, covered)]

    def measures(self, row: Any) -> list[tuple[SealedDocument, ImpactMeasure]]:
        """Return the measures of the impact assessments of a waiver's system that are not done."""
        documents, system = self._source.documents, self._system(row)
        if not system:
            return []
        found = [(d, m) for d, written in documents.of(ImpactAssessmentDocument, system) for m in written.measures]
        found += [(d, m) for d, written in documents.of(PeopleImpactDocument, system) for m in written.measures]
        return [(document, measure) for document, measure in found if not measure.done]

    def _system(self, row: Any) -> str:
        found = self._source.row(SYSTEM, m=row["model"], d=row["digest"])
        return (found["system"] if found else "") or self._interests.of_model(row["model"])

    def _of_measure(self, row: Any) -> Iterator[str]:
        due = row["measure_due"]
        if not due:
            if not self.measures(row):
                yield NO_DAY
        elif due <= self._source.moment:
            view = self._source.view
            waiver = view.leaf(row["sequence"])
            sql = "SELECT opened, closed FROM finding WHERE model = :m AND about = :a AND {scope} ORDER BY opened DESC"
            incidents = self._source.rows(sql, m=row["model"], a=ABOUT)
            mine = (
                each for each in incidents
                if (leaf := view.leaf(each["opened"])) and waiver and is_about(leaf.fact, waiver.fact.request)
            )  # fmt: skip
            opened = next(mine, None)
            if opened is None or opened["closed"] is None:
                yield f"evidence of its measure was due on {last_day(due)}, and none is recorded"

    def _of_risk(self, system: str, covered: Sequence[WaivedBy]) -> list[str]:
        """Return why no risk is about what a waiver let pass, as finding R3 judges it; once for each reason."""
        if not self._registers and not self._source.scope.whole:
            return []  # a register about the organisation, which this reader may not read
        risks = [r for _, register in self._registers for r in register.risks if r.system in (None, system)]
        why = (self._why_no_risk(each, system, risks) for each in covered)
        return list(dict.fromkeys(f"no risk of {system or 'its system'} {each}" for each in why if each))

    def _why_no_risk(self, waived: WaivedBy, system: str, risks: list[RiskEntry]) -> str | None:
        record = find(self._source, waived.unmet.evidence)[1] if waived.unmet.evidence else None
        if record is not None:
            metric, rows = waived.unmet.metric, waived.unmet.slice
            mine = [c for c in failures(record) if c is None or (c.metric, c.slice) == (metric, rows)]
            people = GroupsInData(groups_of(system, self._interests.state), (record,))
            if mine:
                return next(filter(None, (why_no_risk(record, claim, risks, people) for claim in mine)), None)
        causes = [cause for risk in risks for cause in risk.cause_evidence]
        names = (*waived.waivers, waived.unmet.evidence or "")
        return None if any(begins(name, cause) for name in names for cause in causes) else "names it as its cause"
