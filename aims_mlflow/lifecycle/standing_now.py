"""Whether what let a version into use still counts: asked of everything in use, and of each moment of its history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.authority import Authority, named_envelopes
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents, sealed_consents
from aims_mlflow.gates.standing import why_ended
from aims_mlflow.gates.taken_back import taken_back
from aims_mlflow.lifecycle.ingest import force_now
from aims_mlflow.records.leaves.changes import AdoptionLeaf, OutcomeLeaf

if TYPE_CHECKING:
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.decision import PriorAuthority
    from aims_mlflow.records.leaves.changes import DoneLeaf


def why_it_ended(ledger: Ledger, past: ModelHistory, fact: DoneLeaf, force: RulesInForce, now: datetime) -> str | None:
    """Return why what let a version into use does not count any more, now; None while it does.

    That a waiver or the time for adopted versions is over is not asked here. A decision that only observed gave no
    authority that could end: there, only what was taken back is told.

    Raises:
        Unreachable: the ledger does not answer.
    """
    if fact.model_digest is None:
        return None
    authority = Authority(ledger, past.name, force, now)
    consents = list(sealed_consents(authority, fact.model_digest, KnownConsents(MAX_KNOWN)).values())
    standing = past.authority_of(fact.request, fact.alias) if isinstance(fact, OutcomeLeaf) else None
    if standing is None or isinstance(fact, AdoptionLeaf):
        since = -1 if isinstance(fact, AdoptionLeaf) else past.sequence_of(fact.request)
        last = next((t for t in reversed(taken_back(consents)) if t.sequence > since), None)
        return f"a {last.action} of its files is sealed (leaf {last.sequence}, {last.time[:10]})" if last else None
    lasting = standing.model_copy(update={"until": None})
    rules = force.policy.rules(past.name.rpartition("/")[2], "deployment", fact.alias, _workspace(past.name))
    ended = why_ended(lasting, rules, consents, fact.model_digest, now)
    return ended or _evidence_ended(ledger, authority, standing)


def why_it_ended_now(ledger: Ledger, past: ModelHistory, fact: DoneLeaf) -> str | None:
    """Return `why_it_ended` by the rules in force; None also where no keyring ever was, so that nobody could sign.

    Raises:
        Unreachable: the ledger does not answer.
    """
    if not {"policy", "keyring"} <= ledger.in_force().keys():
        return None
    return why_it_ended(ledger, past, fact, force_now(ledger), datetime.now(UTC))


def _workspace(name: str) -> str | None:
    return name.rpartition("/")[0] or None


def _evidence_ended(ledger: Ledger, authority: Authority, standing: PriorAuthority) -> str | None:
    """Return why a record that a version rests on does not count any more."""
    kept = named_envelopes(ledger, list(standing.evidence))
    for name in standing.evidence:
        if name not in kept:
            return f"the record {name[:12]} that it rests on is missing in the ledger"
        try:
            why = authority.why_no_evidence(read(kept[name], name), authority.force.training)
        except EvidenceError as exc:
            why = exc.what
        if why:
            return why
    return None
