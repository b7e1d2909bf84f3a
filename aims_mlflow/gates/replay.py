"""Replay of a sealed decision from the ledger alone: the same policy, keyring, evidence, consents and clock."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.verify import CheckedSession, check_session
from aims_mlflow.gates.authority import Authority, named_envelopes
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents, sealed_consents
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.decide import NO_DOCUMENTS, DecisionRequest, decide_with_kept
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.gates.sealed_documents import KnownSessions, sealed_shelf
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Decision, PriorAuthority, Unmet
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.keyring import Role

TRAIN_AGAIN = "train again with a key that may sign now"


def decision_leaf(decision: Decision, model_name: str) -> DecisionLeaf:
    """Return the content of a decision's leaf, as far as the decision gives it, under a qualified model name.

    Texts and people are in the body alone.
    """
    return DecisionLeaf(
        model_name=model_name,
        stage=decision.stage,
        alias=decision.alias,
        version=decision.version,
        basis=decision.basis,
        mode=decision.mode,
        allowed=decision.allowed,
        would_refuse=decision.would_refuse,
        decided=decision.time,
        unmet=[u.control for u in decision.unmet],
        waivers=sorted({name for w in decision.waived for name in w.waivers}),
        waived_until=min((w.expires for w in decision.waived), default=None),
        model_digest=decision.model_digest,
        run_id=decision.run_id,
        model_id=decision.model_id,
        pack_digest=decision.pack_digest,
        policy_digest=decision.policy_digest,
        keyring_digest=decision.keyring_digest,
        stage_digest=decision.stage_digest,
        evidence=list(decision.evidence),
    )


def recorded(ledger: Ledger, request: str) -> Decision:
    """Return a decision as it was sealed.

    Raises:
        EvidenceError: the ledger has no such decision, or its body was erased or changed.
    """
    _, _, body = _sealed(ledger, request)
    return Decision.model_validate(body.decision)


def _sealed(ledger: Ledger, request: str) -> tuple[int, DecisionLeaf, DecisionBody]:
    """Return the sequence of a decision's leaf, its content and its body, which is not erased."""
    leaf = next(ledger.leaves(types=("decision",), request=request), None)
    body = ledger.body(leaf.sequence) if leaf else None
    if leaf is not None and isinstance(leaf.fact, DecisionLeaf) and isinstance(body, DecisionBody) and body.decision:
        return leaf.sequence, leaf.fact, body
    raise EvidenceError(f"the ledger has no decision {request} with its body", next="see `aims gate history`")


def replay(
    ledger: Ledger,
    request: str,
    sessions: KnownSessions | None = None,
    consents: KnownConsents | None = None,
    *,
    now: datetime | None = None,
) -> Decision:
    """Return the decision of `decide` on the inputs that the ledger recorded for a request.

    `sessions` and `consents` remember what was verified for decisions before. `now` is the time at which it is made
    again, by default that of the decision.

    Raises:
        EvidenceError: something that the decision was made from is missing or changed, or its model's bytes or
            evidence could not be read then, so that there is nothing to decide again.
    """
    sequence, content, body = _sealed(ledger, request)
    said = Decision.model_validate(body.decision)
    if said.model_digest is None:
        raise EvidenceError("the model could not be read then: there is nothing to decide again", where=request)
    force = read_rules(ledger, str(said.policy_digest), str(said.keyring_digest))
    rules = force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
    now = now or parse_time(said.time)
    authority = Authority(ledger, content.model_name, force, now, sequence)
    said_by = sealed_consents(authority, said.model_digest, consents or KnownConsents(MAX_KNOWN))
    # A waiver's reason counts for nothing: where it was erased, what the decision said of it stands.
    reasons = {waived.waiver: waived.reason for waived in said.waived}
    given = [_given(each, reasons) for each in said_by.values()]
    checked = check_sessions(files_of(ledger, content, body), authority, rules, sessions or KnownSessions(0))
    asked = DecisionRequest(
        said.model_digest,
        registered=content.registered,
        standing=PriorAuthority.model_validate(body.standing) if body.standing is not None else None,
        run_id=said.run_id,
        model_id=said.model_id,
        version=said.version,
        keyring_digest=said.keyring_digest,
        seen_from=authority.seen_from(count(checked, said.model_digest)),
        shelf=NO_DOCUMENTS if said.documents_read is None else sealed_shelf(authority, sessions, said.documents_read),
        ways_back=said.ways_back,
    )
    return decide_with_kept(rules, checked, content.kept or (), given, asked, now)


def same(said: Decision, again: Decision) -> bool:
    """Return whether a decision that was made again is the sealed one.

    Earlier releases did not write `condition`, `value` and `comparator` of an unmet condition: there they are not
    compared.
    """
    # Earlier releases read no documents, and wrote neither how many nor which were not asked for.
    unwritten = [name for name in ("not_asked", "documents_read") if getattr(said, name) is None]
    again = again.model_copy(update=dict.fromkeys(unwritten))
    return said == (again if _names_conditions(said) else _without_conditions(again))


def _names_conditions(decision: Decision) -> bool:
    items = (*decision.unmet, *(w.unmet for w in decision.waived), *decision.warnings)
    return any(item.condition is not None for item in items)


def _without_conditions(decision: Decision) -> Decision:
    unnamed = {"condition": None, "value": None, "comparator": None}

    def plain(item: Unmet) -> Unmet:
        return item.model_copy(update=unnamed)

    waived = tuple(w.model_copy(update={"unmet": plain(w.unmet)}) for w in decision.waived)
    unmet, warnings = tuple(map(plain, decision.unmet)), tuple(map(plain, decision.warnings))
    return decision.model_copy(update={"unmet": unmet, "warnings": warnings, "waived": waived})


def _given(signed: SignedConsent, reasons: dict[str, str]) -> SignedConsent:
    if signed.consent.words is None or signed.consent.comment or signed.id not in reasons:
        return signed
    return replace(signed, consent=signed.consent.model_copy(update={"comment": reasons[signed.id]}))


def evidence_roles(rules: Rules) -> tuple[Role, ...]:
    """Return the roles whose evidence the rules accept."""
    return ("trainer", rules.reevaluation) if rules.reevaluation else ("trainer",)


def files_of(ledger: Ledger, content: DecisionLeaf, body: DecisionBody) -> dict[str, bytes]:
    """Return the session files that a decision read, by their names.

    Raises:
        EvidenceError: an envelope of one is missing or was changed.
    """
    return {name: joined(ledger, lines, body.beside or {}) for name, lines in content.sessions.items()}


def joined(ledger: Ledger, lines: list[str], beside: Mapping[str, str]) -> bytes:
    """Return a session file as it was read: its envelopes by sha256, an empty line by an empty name."""
    kept = named_envelopes(ledger, [name for name in lines if name])
    missing = [name for name in lines if name and name not in kept]
    if missing:
        raise EvidenceError(f"the envelope {missing[0]} that the decision rests on is missing or was changed")
    return b"\n".join(beside_line(kept[name], beside.get(name)) if name else b"" for name in lines)


def check_sessions(
    files: dict[str, bytes], authority: Authority, rules: Rules, known: KnownSessions
) -> list[CheckedSession]:
    """Check session files against a keyring, with the roles whose evidence the rules accept.

    A check of signatures is a function of bytes, name, keyring, roles and cap alone, no clock: with all of them the
    same, it is taken from `known`. Whether a signature counts now is asked each time.
    """
    roles = evidence_roles(rules)
    force, out = authority.force, []
    most = force.policy.policy.caps.max_records
    for name, data in sorted(files.items()):
        check = functools.partial(check_session, data, name, force.keyring.find, roles, most, timeless=True)
        checked = known.get((sha256_hex(data), name, force.keyring_digest, roles, most), check, len(data))
        out.append(checked.counting(lambda r: authority.why_no_evidence(r, roles), TRAIN_AGAIN))
    return out
