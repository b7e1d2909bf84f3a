"""All findings about the management system, in the order of their rules."""

from __future__ import annotations

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
    found = {f.id: f for topic in TOPICS for f in topic.findings(state, now)}
    return sorted(found.values(), key=lambda f: (order.index(f.rule), f.system or "", f.about))
