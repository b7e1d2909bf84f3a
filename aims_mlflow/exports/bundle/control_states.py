"""The states of all controls for the versions that a bundle is about: those in use, else the last one allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.verify import TRAINER, CheckedSession, check_session
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.published_documents import shelf_of
from aims_mlflow.gates.rules_in_force import RulesInForce, read_rules
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.lifecycle.tenures import FACTS, tenures_in
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.keyring import ROLES
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf
from aims_mlflow.records.leaves.others import EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.signing.keyring_history import KeyringHistory


@dataclass(frozen=True)
class VersionStates:
    """One model version with the aliases that it holds, and the state of each control and clause."""

    model: str
    version: str
    aliases: tuple[str, ...]
    decided: str
    statuses: tuple[ControlStatus, ...]
    coverage: str


def sessions_of(
    view: PartLedger | Ledger, content: LeafContent, history: KeyringHistory, roles: Sequence[str] = TRAINER
) -> list[CheckedSession]:
    """Return the sessions that a leaf names, checked against the keyrings; with small cells, if not erased."""
    out, beside = [], _beside(view, content)
    for name, lines in content.session_files().items():
        kept = view.envelopes([line for line in lines if line])
        data = b"\n".join(beside_line(kept[line], beside.get(line)) if line in kept else b"" for line in lines)
        out.append(check_session(data, name, history.known, roles))
    return out


def _beside(view: PartLedger | Ledger, content: LeafContent) -> dict[str, str]:
    """Return what stands beside the envelopes of a decision, by their sha256."""
    leaf = next((x for x in view.leaves(request=content.request) if x.fact == content), None)
    try:
        body = view.body(leaf.sequence) if leaf is not None else None
    except AimsError:  # the bundle's verification names what is wrong with it
        return {}
    return body.beside or {} if isinstance(body, DecisionBody) else {}


def states_in_use(view: PartLedger, leaves: Sequence[Leaf], history: KeyringHistory) -> list[VersionStates]:
    """Return the states as of the bundle's last leaf, for each version in use; without one, for the last allowed."""
    made = [leaf.fact for leaf in leaves if isinstance(leaf.fact, DecisionLeaf)]
    out = []
    for name in dict.fromkeys(d.model_name for d in made):
        mine = [d for d in made if d.model_name == name and d.model_digest]
        held = _held(leaves, name)
        chosen = {d.request: d for d in mine if d.request in held} or {
            d.request: d for d in [x for x in mine if x.allowed][-1:]
        }
        by_digest: dict[str, list[DecisionLeaf]] = {}
        for decision in chosen.values():
            by_digest.setdefault(str(decision.model_digest), []).append(decision)
        out += [_states(view, leaves, group, history) for group in by_digest.values()]
    return out


def _held(leaves: Sequence[Leaf], name: str) -> dict[str, str]:
    """Return the gated aliases that are held at the last leaf, by the request that set them."""
    mine = [leaf for leaf in leaves if leaf.fact.type in FACTS and leaf.fact.model_name == name]
    return {t.fact.request: t.place for t in tenures_in(mine) if t.until is None}


def _states(
    view: PartLedger,
    leaves: Sequence[Leaf],
    group: Sequence[DecisionLeaf],
    history: KeyringHistory,
) -> VersionStates:
    last, digest = group[-1], str(group[-1].model_digest)
    sessions = {s.name: s for s in sessions_of(view, last, history)}
    for leaf in leaves:
        if isinstance(leaf.fact, EvidenceLeaf) and digest in leaf.fact.model_digests:
            sessions |= {s.name: s for s in sessions_of(view, leaf.fact, history)}
    system = next((r.evidence.system for s in sessions.values() for r in s.records if r.evidence.system), None)
    subject = _decided(StatusSubject(system, digest=digest, sessions=tuple(sessions.values())), view, leaves, group)
    subject, aliases = with_documents(subject, view, leaves, history), subject.aliases
    statuses = control_statuses(subject, parse_time(leaves[-1].fact.time), with_clauses=True)
    outcome = next(view.leaves(types=("outcome",), request=last.request), None)
    return VersionStates(
        last.model_name,
        str((outcome.fact.version if outcome else None) or last.version or ""),
        aliases,
        (last.decided or last.time)[:19],
        tuple(statuses),
        ControlCoverage.of([s for s in statuses if s.control.id.startswith("A.")]).sentence(),
    )


def with_documents(
    subject: StatusSubject, view: PartLedger | Ledger, leaves: Iterable[Leaf], history: KeyringHistory
) -> StatusSubject:
    """Return the subject with the documents that were sealed: approvals, reviews and withdrawals are among them."""
    about = [leaf.fact for leaf in leaves if isinstance(leaf.fact, EvidenceLeaf) and leaf.fact.documents]
    shelf = shelf_of(session for fact in about for session in sessions_of(view, fact, history, ROLES))
    return replace(subject, documents=shelf.documents, approvals=shelf.approvals)


def decided(subject: StatusSubject, view: Ledger, name: str) -> StatusSubject:
    """Return a model version's subject with what the ledger knows of its bytes under this name.

    That is the decisions about them, the rules and the keyring of the one that holds a gated alias (else of the last),
    and the gated aliases. A version that the ledger has no decision about stays as it is.
    """
    leaves = list(view.leaves(model_name=name))
    made = [leaf.fact for leaf in leaves if isinstance(leaf.fact, DecisionLeaf)]
    mine = [d for d in made if d.model_digest == subject.digest]
    held = _held(leaves, name)
    group = [d for d in mine if d.request in held] or [d for d in mine if d.allowed][-1:] or mine[-1:]
    return _decided(subject, view, leaves, group) if group else subject


def _decided(
    subject: StatusSubject, view: PartLedger | Ledger, leaves: Sequence[Leaf], group: Sequence[DecisionLeaf]
) -> StatusSubject:
    """Return the subject with its decisions, aliases, rules and keyring; the last of `group` says which rules."""
    last, held = group[-1], _held(leaves, group[-1].model_name)
    force = _force(view, last)
    return replace(
        subject,
        rules=force.policy.rules(last.model_name, last.stage or "registration", last.alias) if force else None,
        keyring=force.keyring if force else None,
        decisions=tuple(d for leaf in leaves if (d := _decision(view, leaf, str(subject.digest))) is not None),
        aliases=tuple(dict.fromkeys(held[str(d.request)] for d in group if str(d.request) in held)),
    )


def _force(view: PartLedger | Ledger, decision: DecisionLeaf) -> RulesInForce | None:
    try:
        return read_rules(cast("Ledger", view), str(decision.policy_digest), str(decision.keyring_digest))
    except AimsError:  # the bundle's verification names what is missing
        return None


def _decision(view: PartLedger | Ledger, leaf: Leaf, digest: str) -> Decision | None:
    """Return a decision about these bytes; None where its body was erased or cannot be read."""
    if not isinstance(leaf.fact, DecisionLeaf) or leaf.fact.model_digest != digest:
        return None
    try:
        body = view.body(leaf.sequence)
        said = body.plain().get("decision") if body else None
        return Decision.model_validate(said) if said else None
    except (AimsError, ValidationError):
        return None
