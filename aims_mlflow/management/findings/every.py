"""All findings about the management system, in the order of their rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.management.findings import (
    applicability,
    assessment_decision,
    assessment_time,
    cross_references,
    documentation,
    impact,
    internal_audit,
    inventory,
    leadership,
    lifecycle,
    management_review,
    outdated_audits,
    oversight,
    permitted_uses,
    risk_method,
    risks,
    signatures,
    third_parties,
    treatment_plans,
    use,
    use_objectives,
    written_documents,
)
from aims_mlflow.management.findings.rules import RULES

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.management.findings.rules import ManagementFinding
    from aims_mlflow.management.findings.state import ManagementState

TOPICS = (
    written_documents, inventory, impact, assessment_decision, assessment_time, documentation, lifecycle, third_parties,
    internal_audit, outdated_audits, applicability, leadership, signatures, risks, risk_method, treatment_plans,
    cross_references, oversight, use, use_objectives, management_review, permitted_uses,
)  # fmt: skip


def findings(state: ManagementState, now: datetime) -> list[ManagementFinding]:
    """Return every finding, once for each rule and object: a pure function of documents, scan, ledger and clock."""
    order = list(RULES)
    found = {f.id: _with_command(f, state) for topic in TOPICS for f in topic.findings(state, now)}
    return sorted(found.values(), key=lambda f: (order.index(f.rule), f.system or "", f.about))


def _with_command(finding: ManagementFinding, state: ManagementState) -> ManagementFinding:
    """Return a finding whose fix ends with a command: where its topic names none, with that for the mended document."""
    document = next((name for name in finding.evidence if name in state.by_id), None)
    if "aims " in finding.fix or document is None:
        return finding
    return replace(finding, fix=f"{finding.fix}: aims document publish {document}")
