"""Making a sealed decision again from the ledger alone: the same policy, keyring, evidence, consents and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.remembered import Remembered
from aims_mlflow.gates.decide import Asked, decide
from aims_mlflow.hooks.active_policy import in_force
from aims_mlflow.hooks.consents import MOST_KNOWN, KnownConsents, sealed_consents
from aims_mlflow.hooks.gate import check_sessions
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Decision, Standing

if TYPE_CHECKING:
    from aims_mlflow.evidence.ledger import Ledger


def recorded(ledger: Ledger, request: str) -> Decision:
    """Return a decision as it was sealed.

    Raises:
        EvidenceError: the ledger has no such decision, or its body was erased or changed.
    """
    leaf = next(ledger.leaves(types=("decision",), request=request), None)
    body = ledger.body(leaf.sequence) if leaf else None
    if not body or "decision" not in body:
        raise EvidenceError(f"the ledger has no decision {request} with its body", next="see `aims gate history`")
    return Decision.model_validate(body["decision"])


def replay(ledger: Ledger, request: str) -> Decision:
    """Return what `decide` says of what the ledger recorded for a request.

    Raises:
        EvidenceError: something that the decision was made from is missing or changed, or its model's bytes or
            evidence could not be read then, so that there is nothing to decide again.
    """
    said = recorded(ledger, request)
    leaf = next(ledger.leaves(types=("decision",), request=request))
    content, body = leaf.content, ledger.body(leaf.sequence) or {}
    if said.model_digest is None:
        raise EvidenceError("the model could not be read then: there is nothing to decide again", where=request)
    force = in_force(ledger, str(said.policy_digest), str(said.keyring_digest))
    rules = force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
    mine, known = ledger.of_model(str(content["model_name"])), KnownConsents(MOST_KNOWN)
    consents = sealed_consents(ledger, mine, said.model_digest, force, known, leaf.sequence)
    asked = Asked(
        said.model_digest,
        content.get("registered"),
        Standing.model_validate(body["standing"]) if "standing" in body else None,
        said.run_id,
        said.model_id,
        said.version,
        said.keyring_digest,
    )
    files = {name: _joined(ledger, lines) for name, lines in content.get("sessions", {}).items()}
    sessions = check_sessions(files, force, rules, Remembered(0))
    return decide(rules, sessions, list(consents.values()), asked, parse_time(said.time))


def _joined(ledger: Ledger, lines: list[str]) -> bytes:
    """Return a session file as it was read: its lines by sha256, an empty line by an empty name."""
    kept = ledger.envelopes([name for name in lines if name])
    missing = [name for name in lines if name and name not in kept]
    if missing:
        raise EvidenceError(f"the envelope {missing[0]} that the decision rests on is missing")
    return b"\n".join(kept[name] if name else b"" for name in lines)
