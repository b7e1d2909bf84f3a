"""The gate's status, for `aims.status` and for the line that the server prints at its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aims_mlflow
from aims_mlflow.errors import AimsError
from aims_mlflow.ledger.in_force import exchanged_rules, exchanged_text
from aims_mlflow.ledger.log import LOG_ROLE
from aims_mlflow.lifecycle.ledger_guard import RESTORE
from aims_mlflow.records.base import utc_text
from aims_mlflow.server.workspaces import ungated

if TYPE_CHECKING:
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.log import Log
    from aims_mlflow.server.gate import Gate

TRUST_LOG = "give `aims keys export --key ...` of it to `aims keys add FILE --owner registry --role log`"
ENDED_LOG = "give the server the log's new key (AIMS_LOG_KEY) and restart it"


def gate_status(gate: Gate) -> dict[str, str]:
    """Return version, enforcement, digests in force, checkpoint and findings of a gate, by tag.

    Raises:
        Unreachable: the ledger does not answer.
    """
    head = gate.ledger.proofs.newest()
    version = {"aims.version": aims_mlflow.__version__}
    try:
        force = gate.policy.current()
    except AimsError as exc:
        return {**version, "aims.enforcement": "refuses all", "aims.findings": exc.sentence()}
    lost = gate.guard.finding
    findings = [
        *([f"{lost}. Next: {RESTORE}"] if lost else []),
        *gate.policy.findings,
        *(exchanged_text(kind, *pair) for kind, pair in exchanged_rules(gate.ledger).items()),
        *_log_findings(gate.ledger.log, force),
        *([door] if (door := ungated()) else []),
    ]
    modes = {entry.mode for entry in force.policy.policy.enforcement} or {"enforce"}
    return {
        **version,
        "aims.enforcement": "refuses all" if lost else modes.pop() if len(modes) == 1 else "mixed",
        "aims.policy_digest": force.policy.digest,
        "aims.keyring_digest": force.keyring_digest,
        "aims.keys": str(len(force.keyring.keys)),
        "aims.checkpoint": f"{head.size}:{head.root.hex()}" if head else "0:",
        **({"aims.findings": "; ".join(findings)} if findings else {}),
    }


def _log_findings(log: Log | None, force: RulesInForce) -> list[str]:
    """Return the findings about the key that signs checkpoints."""
    if not log:
        return []
    entry = force.keyring.find(log.key.key_id)
    if not entry or LOG_ROLE not in entry.roles:
        return [f"the keyring does not know the log's key: {TRUST_LOG}"]
    why = entry.why_not((LOG_ROLE,), utc_text())
    return [f"checkpoints are signed for nothing, {why}: {ENDED_LOG}"] if why else []
