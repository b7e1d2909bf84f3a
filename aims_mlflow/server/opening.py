"""Opening a registry's gate: its policy folder, its ledger and log, and the server's stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.ledger.ledger import Ledger, ledger_uri
from aims_mlflow.ledger.log import configured_log
from aims_mlflow.lifecycle.ledger_guard import LedgerGuard
from aims_mlflow.server.active_policy import ActivePolicy, init_policy
from aims_mlflow.server.decision_evidence import DecisionEvidence
from aims_mlflow.server.gate import Gate
from aims_mlflow.server.gate_log import write_lines
from aims_mlflow.server.stored_evidence import ServerEvidence, in_server
from aims_mlflow.settings import LEDGER_URI, POLICY, policy_folder, value_of

if TYPE_CHECKING:
    from aims_mlflow.lifecycle.ledger_guard import MadeVersion


def open_gate(registry_uri: str, tracking_uri: str | None, made: list[MadeVersion] | None = None) -> Gate:
    """Return the gate of a registry, as the settings configure it; a missing default policy is written.

    `made` are versions of the registry that a gate let in: its ledger must know them.

    Raises:
        AimsError: policy, keys or ledger cannot be opened.
    """
    if in_server():
        write_lines()
    folder = policy_folder()
    if value_of(POLICY) is None and not folder.exists():
        init_policy(folder)
    ledger = Ledger(ledger_uri(registry_uri, value_of(LEDGER_URI)), configured_log())
    ledger.proofs.deliverer.start()
    policy = ActivePolicy(ledger, folder)
    stored = ServerEvidence(tracking_uri, lambda: policy.current().policy.policy.locations or ())
    evidence = DecisionEvidence(ledger, stored)
    return Gate(ledger, policy, evidence, LedgerGuard(ledger, made or []), registry_uri)
