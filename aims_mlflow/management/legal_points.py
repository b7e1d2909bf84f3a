"""Which statements fill in each point of a legal form; what is named nowhere here, a person has to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument
from aims_mlflow.records.documents.information import (
    IncidentCommunicationDocument,
    IntendedUseDocument,
    ReportChannelDocument,
    UseProcessDocument,
)
from aims_mlflow.records.documents.lifecycle import (
    ChangeDocument,
    DesignDocument,
    LogPlanDocument,
    MonitoringPlanDocument,
    RequirementsDocument,
)
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aims_mlflow.management.known_statements import KnownStatement, KnownStatements
    from aims_mlflow.records.evidence import Claim

    Point = Callable[[KnownStatements], Iterable[KnownStatement]]


def _joined(*parts: str | None) -> str:
    return ", ".join(p for p in parts if p)


def _any(claim: Claim) -> bool:  # noqa: ARG001
    return True


def _of_all(claim: Claim) -> bool:
    return not claim.slice


def _of_group(claim: Claim) -> bool:
    return bool(claim.slice)


def _harmful(claim: Claim) -> bool:
    return bool(claim.slice) and claim.passed is False


def _purpose(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said("system", SystemEntry, lambda e: (e.purpose, e.intended_use))
    yield from known.said("intended-use", IntendedUseDocument, lambda d: (d.use, *(f"not for: {n}" for n in d.not_for)))


def _process(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said("system", SystemEntry, lambda e: (e.purpose,))
    yield from known.said("use-process", UseProcessDocument, lambda d: (d.process,))


def _period(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said(
        "impact-assessment",
        ImpactAssessmentDocument,
        lambda d: (_joined(u.scope, u.period, u.frequency, u.volume) for u in (d.assessed_use,) if u),
    )


def _categories(known: KnownStatements) -> Iterator[KnownStatement]:
    def told(document: SystemEntry | ImpactAssessmentDocument) -> Iterator[str]:
        groups = document.affected_groups if isinstance(document, SystemEntry) else document.groups
        for group in groups:
            yield _joined(group.name, group.in_data or group.not_in_data, group.est_size)

    yield from known.said("system", SystemEntry, told)
    yield from known.said("impact-assessment", ImpactAssessmentDocument, told)


def _harms(known: KnownStatements) -> Iterator[KnownStatement]:
    def told(document: ImpactAssessmentDocument) -> Iterator[str]:
        for each in document.impacts:
            if each.kind == "harm":
                how = _joined(each.severity, each.likelihood, each.scale, each.reversibility)
                yield f"{each.id}, {each.group or 'group not stated'}: {each.mechanism or 'how is not stated'} ({how})"

    yield from known.said("impact-assessment", ImpactAssessmentDocument, told)
    yield from known.claims(_harmful)


def _oversight(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said(
        "impact-assessment", ImpactAssessmentDocument, lambda d: (d.deployment.human_role if d.deployment else None,)
    )
    yield from known.said("use-process", UseProcessDocument, lambda d: (d.oversight,))


def _if_harm_occurs(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said(
        "impact-assessment",
        ImpactAssessmentDocument,
        lambda d: (f"{m.impact}: {m.measure} ({_joined(m.owner, m.due)})" for m in d.measures if m.measure),
    )
    yield from known.said(
        "report-channel",
        ReportChannelDocument,
        lambda d: (f"complaints go to {d.address}, read by {d.who_reads or 'nobody named'}" if d.address else None,),
    )
    yield from known.said(
        "incident-communication-plan",
        IncidentCommunicationDocument,
        lambda d: (f"{a.audience} are told within {a.within}" for a in d.audiences if a.within),
    )


def _legal_class(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said(
        "system",
        SystemEntry,
        lambda e: (
            f"{c.framework}: {c.legal_class}, since {c.reason} (looked up on {c.checked_on})" for c in e.legal_class
        ),
    )


def _description(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said("system", SystemEntry, lambda e: (_joined(e.name, e.description), e.purpose))
    yield from known.model()
    yield from known.tools()


def _development(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said(
        "design-record",
        DesignDocument,
        lambda d: (f"{c.choice}, rather than {_joined(*c.alternatives)}: {c.reason}" for c in d.choices if c.reason),
    )
    yield from known.training()
    yield from known.data()


def _control(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.claims(_any)
    yield from known.said(
        "impact-assessment", ImpactAssessmentDocument, lambda d: (d.model.limits if d.model else None,)
    )
    yield from _misuse(known)
    yield from _oversight(known)


def _misuse(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from known.said("system", SystemEntry, lambda e: (f"misuse: {m}" for m in e.foreseeable_misuse))
    yield from known.said("impact-assessment", ImpactAssessmentDocument, lambda d: d.failures_and_misuse)


def _metrics(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said(
        "requirements",
        RequirementsDocument,
        lambda d: (f"{a.metric} {a.comparator or ''} {a.limit or 'without a limit'}" for a in d.acceptance),
    )


def _risks(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said(
        "risk-register",
        RiskRegisterDocument,
        lambda d: (
            f"{r.id}: {r.event}; {_joined(r.level, r.treatment, r.status)}, by {r.owner or 'nobody'}"
            for r in d.risks
            if r.event and known.is_mine(r.system or d.system)
        ),
    )


def _changes(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said("change", ChangeDocument, lambda d: (_joined(d.date, d.what, d.assessment) if d.what else None,))


def _watch(known: KnownStatements) -> Iterator[KnownStatement]:
    def told(plan: MonitoringPlanDocument) -> Iterator[str]:
        if plan.every_days:
            yield f"{plan.model or 'the model'} is looked at every {plan.every_days} days"
        yield from (f"{m.metric} beyond {m.limit} is acted on" for m in plan.metrics if m.limit)
        if plan.who_acts:
            yield f"{plan.who_acts} acts within {plan.within_hours or 'an unstated number of'} hours"

    return known.said("monitoring-plan", MonitoringPlanDocument, told)


def _logs(known: KnownStatements) -> Iterator[KnownStatement]:
    return known.said(
        "log-plan",
        LogPlanDocument,
        lambda d: (*(f"{e.event} in {e.where}" for e in d.events if e.where), d.retention and f"kept {d.retention}"),
    )


def _known_risks(known: KnownStatements) -> Iterator[KnownStatement]:
    yield from _misuse(known)
    yield from _risks(known)


RIGHTS: dict[str, Point] = {
    "process": _process,
    "period_and_frequency": _period,
    "categories": _categories,
    "harms": _harms,
    "oversight": _oversight,
    "if_harm_occurs": _if_harm_occurs,
    "who_must": _legal_class,
}
TECHNICAL: dict[str, Point] = {
    "general_description": _description,
    "development": _development,
    "monitoring_and_control": _control,
    "appropriate_metrics": _metrics,
    "risk_management": _risks,
    "changes": _changes,
    "post_market": _watch,
}
INSTRUCTIONS: dict[str, Point] = {
    "purpose": _purpose,
    "accuracy": lambda known: known.claims(_of_all),
    "known_risks": _known_risks,
    "groups": lambda known: known.claims(_of_group),
    "data": lambda known: known.data(),
    "changes": _changes,
    "oversight": _oversight,
    "resources": lambda known: known.tools(),
    "logs": _logs,
}
