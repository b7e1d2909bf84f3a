"""Cross-checks of risk registers (X8, X9): risks that are closed, accepted or missing beside the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.citations import claim_of
from aims_mlflow.gates.document_content.acceptance import AcceptingPeople
from aims_mlflow.gates.shapes import mapping, texts
from aims_mlflow.management.named_causes import GroupsInData, failures, why_no_effect, why_no_risk
from aims_mlflow.management.own_tests import why_no_own_test
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.management.rules.cross import listed
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext
    from aims_mlflow.records.documents.context import AffectedGroup


def _risk(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    may_accept = AcceptingPeople(around.documents)
    for line, risk in listed(document, "risks"):
        name = f"risk {risk.get('id')}"
        if risk.get("status") in ("closed", "accepted") and not risk.get("closed_by") and not risk.get("accepted_by"):
            yield Spot(line, f"{name} is {risk['status']}, and no evidence closes it and nobody accepted it")
        if risk.get("status") == "closed" and not risk.get("treated_on") and risk.get("treatment") != "accept":
            yield Spot(line, f"{name} is closed, and the day of its treatment is not stated (treated_on)")
        if _own_acceptance(risk, may_accept, around.documents):
            yield Spot(line, f"{name} is accepted by its own owner")
        system = risk.get("system") or document.written.system
        if around.systems and system not in around.named_systems:
            yield Spot(line, f"{name} is about {system}, which is in no register")
        if around.evidence.sources:
            yield from (Spot(line, f"{name} {why}") for why in _closing(risk, system, around))


def _own_acceptance(risk: Mapping[str, Any], may_accept: AcceptingPeople, documents: DocumentSet) -> bool:
    """Return whether its owner accepted a risk, and the risk method does not let its owner."""
    who, left = str(risk.get("accepted_by") or ""), mapping(risk.get("residual"))
    level = str(left.get("level") or risk.get("level") or "")
    own = bool(who) and documents.is_one_of(who, (str(risk.get("owner")),))
    return own and not may_accept.names_owner(who, level)


def _closing(risk: Mapping[str, Any], system: str | None, around: LintContext) -> Iterator[str]:
    """Say why the evidence that closed a risk does not: not passed, older, another model, or other results."""
    causes = [r for c in texts(risk.get("cause_evidence")) for r in around.evidence.find(c)]
    for named in texts(risk.get("closed_by")):
        found = around.evidence.find(named)
        if not found and not any(entry.models for name, entry in around.systems.items() if system in (None, name)):
            why = why_no_own_test(named, system, ("its treatment", risk.get("treated_on")), around.documents)
            yield from [f"is closed, and {why}"] if why else []
            continue
        if len(found) != 1:
            yield f"is closed by {named}, which leads to no record that was read"
            continue
        record = found[0]
        digests = {d for s in record.subjects for n, d in s.digest.items() if n == "dirHash1"}
        live = set(around.evidence.model_digests)
        if risk.get("system") and record.evidence.system not in (None, risk["system"]):
            yield f"is closed by a record about {record.evidence.system}"
        if live and not digests:
            yield f"is closed by a {record.evidence.kind}, which is about no model"
        if record.evidence.result != "passed":
            yield f"is closed by a record that says {record.evidence.result.replace('_', ' ')}"
        if live and digests and not digests & live:
            yield f"is closed by a test of model {min(digests)[:12]}, which is not the one in use"
        if risk.get("treated_on") and record.evidence.time[:10] < str(risk["treated_on"]):
            yield f"is closed by a test of {record.evidence.time[:10]}, before its treatment on {risk['treated_on']}"
        for cause in causes:
            bad = [c for c in cause.evidence.claims if c.passed is False]
            lacking = [c for c in bad if claim_of(record, c.metric, c.slice) is None]
            if lacking:
                yield f"is closed by a record that has no {lacking[0].metric} for {lacking[0].slice or 'all rows'}"
        if not any(c.passed is False for cause in causes for c in cause.evidence.claims):
            system = risk.get("system") or record.evidence.system
            people = GroupsInData(_groups_of(system, around), around.evidence.of_system(system))
            why = why_no_effect(record, risk.get("group"), risk.get("event"), causes, people)
            yield from [f"is closed by a record that {why}"] if why else []


def _failures_have_risks(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    if not isinstance(written := document.written, RiskRegisterDocument):
        return
    for record in (r for r in around.evidence.records if written.system in (None, r.evidence.system)):
        system = record.evidence.system
        mine = [r for r in written.risks if (r.system or written.system) in (None, system)]
        people = GroupsInData(_groups_of(system, around), around.evidence.of_system(system))
        for claim in failures(record):
            why = why_no_risk(record, claim, mine, people)
            if why:
                what = describe(claim) if claim else f"{record.evidence.kind} failed"
                yield Spot(document.line("risks"), f"{what}, and no risk of {system} {why}")


def _groups_of(system: str | None, around: LintContext) -> Iterator[AffectedGroup]:
    """Yield the groups of a system: those of its entry, and those that its assessments name."""
    entry = around.systems.get(str(system))
    yield from entry.affected_groups if entry else ()
    for kind in ("impact-assessment", "impact-people"):
        for written in (d.written for d in around.folder.of(kind, system)):
            if isinstance(written, ImpactAssessmentDocument | PeopleImpactDocument):
                yield from written.groups


CHECKS: dict[str, Check] = {"X8": _risk, "X9": _failures_have_risks}
