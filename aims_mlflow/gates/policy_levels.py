"""Levels of the policy that `aims gate init` writes: which documents a deployment asks for beside the evidence."""

from __future__ import annotations

from typing import Literal

from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.gates.required_documents import STANDARD

Level = Literal["starter", "standard", "high-risk"]
HIGH_RISK = (*STANDARD, "risk-register", "intended-use", "technical-documentation", "user-information", "log-plan")
DOCUMENTS: dict[Level, tuple[str, ...]] = {"starter": (), "standard": STANDARD, "high-risk": HIGH_RISK}
APPROVALS: dict[Level, int] = {"starter": 1, "standard": 1, "high-risk": 2}


def policy_text(level: Level = "starter") -> str:
    """Return the policy that ships, with the documents and approvals that a level asks for at deployment."""
    head, mark, deployment = default_policy_text().partition("\n  deployment:\n")
    evidence, end, rest = deployment.partition("model-card]\n")
    asked = "".join(f"      - document: {kind}\n" for kind in DOCUMENTS[level])
    if asked:
        names = evidence.partition("require: [")[2] + "model-card"
        listed = "".join(f"      - {name.strip()}\n" for name in names.split(","))
        said = f"    # What people write, published and approved by another person than its author (level {level}).\n"
        evidence, end = evidence.partition("    require: [")[0] + "    require:\n" + listed, said + asked
    rest = rest.replace("approvals: {count: 1}", f"approvals: {{count: {APPROVALS[level]}}}", 1)
    return head + mark + evidence + end + rest
