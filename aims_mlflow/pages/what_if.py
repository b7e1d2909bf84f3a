"""What if: a sealed decision made again by the gate's own function on another day, by other rules, without a signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aims_mlflow.audit.decisions import DecisionCheck
from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.errors import AimsError
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.consents import KnownConsents, sealed_consents
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.decide import NO_DOCUMENTS, DecisionRequest, decide
from aims_mlflow.gates.replay import check_sessions
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.gates.waivers import last_moment
from aims_mlflow.ledger.in_force import in_force
from aims_mlflow.pages.judging import decision_in, session_files
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import PriorAuthority
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import Decision

MOST_KNOWN = 1000


@dataclass(frozen=True)
class WhatIf:
    """What is asked: the day of the decision, whether by the rules in force now, and without whose signatures."""

    day: str = ""
    rules_now: bool = False
    without: str = ""


def what_if(source: PageSource, leaf: Leaf, asked: WhatIf) -> Decision | str:
    """Return the decision as it would be; a sentence where it cannot be made again."""
    said, fact, ledger = decision_in(source.view, leaf), leaf.fact, cast("Ledger", source.view)
    if said is None or not isinstance(fact, DecisionLeaf) or said.model_digest is None:
        return "It cannot be decided again: its texts were erased, or the model could not be read then."
    by = DecisionCheck(source.view, whole=True).erased_behind(leaf, fact)
    if by is not None:
        return f"It cannot be decided again: its envelope was erased by leaf {by}."
    try:
        then = (str(said.policy_digest), str(said.keyring_digest))
        now = in_force(ledger.for_all())
        force = read_rules(ledger, *((now["policy"], now["keyring"]) if asked.rules_now else then))
        rules = force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
        moment = parse_time(last_moment(f"{asked.day}T23:59:59Z") if asked.day else said.time)
        authority = Authority(ledger, fact.model_name, force, moment, leaf.sequence)
        given = sealed_consents(authority, said.model_digest, KnownConsents(MOST_KNOWN))
        consents = [c for c in given.values() if not asked.without or person(c.owner) != person(asked.without)]
        sessions = check_sessions(session_files(source.view, leaf), authority, rules, BoundedCache(0))
        body = source.view.body(leaf.sequence)
        standing = body.standing if isinstance(body, DecisionBody) else None
        request = DecisionRequest(
            said.model_digest,
            registered=fact.registered,
            standing=PriorAuthority.model_validate(standing) if standing else None,
            run_id=said.run_id,
            model_id=said.model_id,
            version=said.version,
            keyring_digest=force.keyring_digest,
            seen_from=authority.seen_from(count(sessions, said.model_digest)),
            shelf=NO_DOCUMENTS if said.documents_read is None else sealed_shelf(authority, first=said.documents_read),
            ways_back=said.ways_back,
        )
        return decide(rules, sessions, consents, request, moment)
    except (AimsError, ValueError, KeyError) as exc:
        return (
            f"It cannot be decided again: {exc.what if isinstance(exc, AimsError) else 'the question cannot be read'}."
        )
