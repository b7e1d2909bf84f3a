"""All findings about the management system, in the order of their rules."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.management.findings import (
    applicability,
    assessment_decision,
    assessment_time,
    audit_reports,
    card_before,
    computed_states,
    conflicting_duties,
    cross_references,
    documentation,
    impact,
    incident_notices,
    internal_audit,
    inventory,
    leadership,
    lifecycle,
    listed_resources,
    management_review,
    measurements,
    needs_of_parties,
    outdated_audits,
    outside_reports,
    oversight,
    permitted_uses,
    policy,
    review_decisions,
    risk_method,
    risks,
    scope_words,
    signatures,
    third_parties,
    told_inputs,
    told_limits,
    treatment_plans,
    use,
    use_objectives,
    written_documents,
)
from aims_mlflow.management.findings.linted import lint_findings
from aims_mlflow.management.findings.rules import RULES
from aims_mlflow.records.documents.context import ScanEntry, ScopeDocument
from aims_mlflow.records.documents.leadership import PolicyDocument

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.management.findings.rules import ManagementFinding
    from aims_mlflow.management.findings.state import ManagementState

COMMAND = re.compile(r"\baims [a-z]+")
TOPICS = (
    written_documents, inventory, impact, assessment_decision, assessment_time, documentation, card_before,
    told_limits, lifecycle, third_parties, internal_audit, audit_reports, outdated_audits, applicability,
    leadership, conflicting_duties, policy, signatures, risks, risk_method, treatment_plans, cross_references,
    oversight, use, use_objectives, outside_reports, management_review, told_inputs, permitted_uses,
    incident_notices, needs_of_parties, measurements, review_decisions, scope_words, listed_resources,
    computed_states,
)  # fmt: skip


def findings(state: ManagementState, now: datetime) -> list[ManagementFinding]:
    """Return every finding, once for each rule and object: a pure function of documents, scan, ledger and clock."""
    order = list(RULES)
    found: dict[str, ManagementFinding] = {}
    for each in (f for topic in TOPICS for f in topic.findings(state, now)):
        found[each.id] = _both(found[each.id], each) if each.id in found else each
    for each in lint_findings(state, now, list(found.values())):
        found[each.id] = _both(found[each.id], each) if each.id in found else each
    return sorted(
        (with_command(f, state) for f in found.values()), key=lambda f: (order.index(f.rule), f.system or "", f.about)
    )


def _both(known: ManagementFinding, other: ManagementFinding) -> ManagementFinding:
    """Return one finding with the facts of two about the same object by the same rule, and with what mends each."""
    facts, fixes = ("; ".join(dict.fromkeys(texts)) for texts in ((known.fact, other.fact), (known.fix, other.fix)))
    return replace(known, fact=facts, fix=fixes, evidence=tuple(dict.fromkeys((*known.evidence, *other.evidence))))


def with_command(finding: ManagementFinding, state: ManagementState) -> ManagementFinding:
    """Return a finding with an `aims` command in its fix, and with what is behind it: whoever mends it needs both."""
    evidence = finding.evidence or _behind(finding, state)
    fix = finding.fix
    if not COMMAND.search(fix):
        document = next((name for name in evidence if name in state.by_id), None)
        fix += f"; then: aims document {f'publish {document}' if document else 'findings'}"
    return replace(finding, fix=fix, evidence=evidence)


def _behind(finding: ManagementFinding, state: ManagementState) -> tuple[str, ...]:
    """Return the entry of the finding's system; else the scans, or what applies to the whole organisation."""
    if finding.system in state.systems:
        return (state.systems[str(finding.system)].id,)
    scans = tuple(d.id for d in state.of(ScanEntry)) if finding.of.topic == "inventory" else ()
    return scans or tuple(d.id for d in (*state.of(ScopeDocument), *state.of(PolicyDocument)))
