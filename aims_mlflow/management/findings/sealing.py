"""Findings about the management system in the ledger: sealed when new, and closed when their cause is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.management.findings.rules import RULES
from aims_mlflow.records.leaves.others import FindingLeaf
from aims_mlflow.registers.findings import Finding, record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.management.findings.rules import ManagementFinding

KINDS = tuple(dict.fromkeys(rule.topic for rule in RULES.values()))


def seal_findings(ledger: Ledger, found: Iterable[ManagementFinding]) -> tuple[list[Finding], list[str]]:
    """Seal new findings, and close those that are gone; return (new findings, texts of closed ones).

    What a finding is about stands in its erasable body: names of people may be in it.

    Raises:
        Unreachable: the ledger does not answer.
    """
    return record(ledger, KINDS, [_leaf(f) for f in found])


def _leaf(finding: ManagementFinding) -> Finding:
    content = FindingLeaf(about=finding.of.topic, control=finding.control, rule=finding.rule, request=finding.id)
    return Finding(content, finding.fact)
