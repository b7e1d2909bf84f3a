"""The gate's status, for `aims.status` and for the line that the server prints at its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

import aims_mlflow
from aims_mlflow.errors import AimsError
from aims_mlflow.ledger.in_force import exchanged_rules, exchanged_text
from aims_mlflow.ledger.log import LOG_ROLE
from aims_mlflow.lifecycle.ledger_guard import RESTORE
from aims_mlflow.records.base import utc_text
from aims_mlflow.registry.names import REFUSES_ALL
from aims_mlflow.server import artifact_repositories, callers_code
from aims_mlflow.server.workspaces import ungated
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.log import Log
    from aims_mlflow.records.policy import Caps
    from aims_mlflow.server.gate import Gate

APART = "give the ledger a database and a role of its own by AIMS_LEDGER_URI"
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
        return {**version, "aims.enforcement": REFUSES_ALL, "aims.findings": exc.sentence()}
    lost = gate.guard.finding
    findings = [
        *([f"{lost}. Next: {RESTORE}"] if lost else []),
        *gate.policy.findings,
        *(exchanged_text(kind, *pair) for kind, pair in exchanged_rules(gate.ledger).items()),
        *_log_findings(gate.ledger.log, force),
        *(each for each in (ungated(), artifact_repositories.finding()) if each),
        *callers_code.findings(),
        *shared_password(gate.registry_uri, gate.ledger.uri),
    ]
    modes = {entry.mode for entry in force.policy.policy.enforcement} or {"enforce"}
    return {
        **version,
        "aims.enforcement": REFUSES_ALL if lost else modes.pop() if len(modes) == 1 else "mixed",
        "aims.policy_digest": force.policy.digest,
        "aims.keyring_digest": force.keyring_digest,
        "aims.keys": str(len(force.keyring.keys)),
        "aims.checkpoint": f"{head.size}:{head.root.hex()}" if head else "0:",
        "aims.bytes_in_use": bytes_in_use(force.policy.policy.caps),
        **({"aims.findings": "; ".join(findings)} if findings else {}),
    }


def bytes_in_use(caps: Caps) -> str:
    """Return after which time at the latest changed files of a version in use are noticed, and what that rests on."""
    hashed = (
        f"hashed when an alias is set (over {caps.max_inline_bytes:,} bytes, on a disk, a digest counts for "
        f"{caps.hash_counts_seconds} s)"
    )
    if caps.reconcile_hours is None:
        return (
            f"{hashed}; a later change is noticed by the next `aims gate reconcile`, and the policy promises no "
            "schedule for it (caps.reconcile_hours), so no longest time can be stated"
        )
    hours = f"{caps.reconcile_hours} hour{'' if caps.reconcile_hours == 1 else 's'}"
    return (
        f"{hashed}; a later change is noticed after {hours} and one run of `aims gate reconcile` at the latest, if it "
        "runs as often as the policy says (caps.reconcile_hours), which no server sees; files that were put back "
        "before are noticed by nobody on a disk"
    )


def shared_password(registry_uri: str, ledger_uri: str) -> list[str]:
    """Return the finding that one password opens registry and ledger; a role that the address does not name is one."""
    registry, ledger = sa.make_url(registry_uri), sa.make_url(ledger_uri)
    if "sqlite" in (registry.get_backend_name(), ledger.get_backend_name()):
        return []
    where = [(url.host or value_of("PGHOST"), url.port or value_of("PGPORT")) for url in (registry, ledger)]
    if where[0] != where[1]:
        return []
    pairs = {"database": (registry.database, ledger.database), "role": (registry.username, ledger.username)}
    shared = [name for name, (one, other) in pairs.items() if one == other]
    what = " and one ".join(shared)
    return [f"registry and ledger share one {what}: its password opens both. Next: {APART}"] if shared else []


def _log_findings(log: Log | None, force: RulesInForce) -> list[str]:
    """Return the findings about the key that signs checkpoints."""
    if not log:
        return []
    entry = force.keyring.find(log.key.key_id)
    if not entry or LOG_ROLE not in entry.roles:
        return [f"the keyring does not know the log's key: {TRUST_LOG}"]
    why = entry.why_not((LOG_ROLE,), utc_text())
    return [f"checkpoints are signed for nothing, {why}: {ENDED_LOG}"] if why else []
