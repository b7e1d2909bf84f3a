"""States of the controls of a model version, judged from sealed leaves alone: for pages, bundles and commands alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.verify import TRAINER, CheckedSession, check_session
from aims_mlflow.gates.authority import Authority, moment_of, why_not_now, why_not_sealed
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.published_documents import DocumentShelf
from aims_mlflow.gates.rules_in_force import RulesInForce, read_rules
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.ledger.in_force import in_force
from aims_mlflow.lifecycle.tenures import FACTS, tenures_in
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf
from aims_mlflow.records.leaves.others import EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.view import View
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.sealed_documents import KnownSessions
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keyring_history import KeyringHistory

LONGEST = timedelta(hours=24)  # states are judged again after it, whatever the conditions say of their end
NOT_COUNTING = "it counts for nothing: it was sealed when its key could not sign, or its key was taken back"


@dataclass(frozen=True)
class JudgedVersion:
    """A model version at a moment: its subject, and the states of all controls and clauses."""

    subject: StatusSubject
    statuses: tuple[ControlStatus, ...]
    at: str

    @property
    def coverage(self) -> str:
        """How many of the 38 controls are met, with the denominator and what is not assessed."""
        return ControlCoverage.of([s for s in self.statuses if s.control.id.startswith("A.")]).sentence()

    @property
    def until(self) -> str:
        """The moment from which on a state may be another by itself."""
        ends = [s.next_time for s in self.statuses if s.next_time and s.next_time > self.at]
        return min([*ends, utc_text(parse_time(self.at) + LONGEST)])


@dataclass(frozen=True)
class VersionLeaves:
    """What the ledger has about a model version.

    `deciding` is the decision whose evidence and rules count: that of an alias that it holds, else the last that let
    it in, else the last. `decisions` are all about its bytes, `ingested` is evidence that was added later.
    """

    deciding: Leaf | None
    decisions: Sequence[Leaf]
    ingested: Sequence[Leaf]
    aliases: Sequence[str]


def session_files(view: View, leaf: Leaf) -> dict[str, bytes]:
    """Return the session files that a leaf names, as they were read; with small cells, if not erased."""
    out, beside = {}, _beside(view, leaf)
    for name, lines in leaf.fact.session_files().items():
        kept = view.envelopes([line for line in lines if line])
        out[name] = b"\n".join(beside_line(kept[line], beside.get(line)) if line in kept else b"" for line in lines)
    return out


def sessions_of(
    view: View, leaf: Leaf, history: KeyringHistory, roles: Sequence[str] = TRAINER
) -> list[CheckedSession]:
    """Return the sessions that a leaf names, without signers whose signatures do not count; `roles` may sign them."""

    def why_not(record: SealedRecord) -> str | None:
        key_id, sealed = record.envelope.key_id, moment_of(leaf)
        why = why_not_sealed(history.at(sealed.sequence), key_id, roles, sealed)
        why = why or (why_not_now(history.newest, key_id, roles, sealed) if history.newest else None)
        return why and _why_not_earlier(view, leaf, record, roles)

    return [
        check_session(data, name, history.known, roles, timeless=True).counting(why_not, NOT_COUNTING)
        for name, data in session_files(view, leaf).items()
    ]


def _why_not_earlier(view: View, leaf: Leaf, record: SealedRecord, roles: Sequence[str]) -> str | None:
    """Return why a record that does not count by a leaf counts by no other; None if it was sealed before in time."""
    try:
        authority = authority_on(view, leaf.fact.model_name or "", parse_time(leaf.fact.time))
        return authority.why_no_evidence(record, roles)
    except AimsError as exc:
        return exc.what


def authority_on(view: View, name: str, at: datetime) -> Authority:
    """Return who may say something about a model, by the newest policy and keyring that are sealed.

    Raises:
        EvidenceError: there are none, or one is missing or changed.
    """
    active = in_force(view.for_all())
    ledger = cast("Ledger", view)
    return Authority(ledger, name, read_rules(ledger, active.get("policy", ""), active.get("keyring", "")), at)


def shelf_in(view: View, now: datetime, before: int | None = None, known: KnownSessions | None = None) -> DocumentShelf:
    """Return the documents that were sealed, as the gate counts them; none where no policy and keyring are here.

    `before` leaves out what was sealed from that leaf on; `known` remembers what was verified before.
    """
    try:
        authority = authority_on(view, "", now)
        return sealed_shelf(Authority(authority.ledger, "", authority.force, now, before), known)
    except AimsError:  # the ledger's verification names what is wrong with them
        return DocumentShelf()


def with_documents(subject: StatusSubject, shelf: DocumentShelf, at: datetime) -> StatusSubject:
    """Return the subject with the documents in force at a time: the same that the gate reads."""
    return replace(subject, documents=shelf.documents(at.strftime("%Y-%m-%d")), approvals=shelf.approvals)


def _beside(view: View, leaf: Leaf) -> dict[str, str]:
    try:
        body = view.body(leaf.sequence)
    except AimsError:  # the ledger's verification names what is wrong with it
        return {}
    return body.beside or {} if isinstance(body, DecisionBody) else {}


def decision_in(view: View, leaf: Leaf) -> Decision | None:
    """Return a decision with its texts; None where they were erased, or cannot be read."""
    return decision_at(view, leaf.sequence)


def decision_at(view: View, sequence: int) -> Decision | None:
    """Return the decision of the leaf with this sequence, as `decision_in`."""
    try:
        body = view.body(sequence)
        return Decision.model_validate(body.decision) if isinstance(body, DecisionBody) and body.decision else None
    except (AimsError, ValidationError):
        return None


def rules_of(view: View, decision: DecisionLeaf) -> RulesInForce | None:
    """Return the policy and keyring behind a decision; None where one is missing."""
    try:
        return read_rules(cast("Ledger", view), str(decision.policy_digest), str(decision.keyring_digest))
    except AimsError:
        return None


def leaves_about(view: View, name: str, digest: str | None) -> VersionLeaves | None:
    """Return what a ledger without an index has about a model's bytes under a name; None where no decision is."""
    leaves = list(view.leaves(model_name=name))
    mine = [leaf for leaf in leaves if isinstance(leaf.fact, DecisionLeaf) and leaf.fact.model_digest == digest]
    places = {t.fact.request: t.place for t in tenures_in([x for x in leaves if x.fact.type in FACTS]) if not t.until}
    held = [leaf for leaf in mine if leaf.fact.request in places]
    chosen = held or [x for x in mine if isinstance(x.fact, DecisionLeaf) and x.fact.allowed] or mine
    if not chosen:
        return None
    aliases = tuple(dict.fromkeys(places[str(leaf.fact.request)] for leaf in held))
    later = view.leaves(types=("evidence",))
    ingested = [x for x in later if isinstance(x.fact, EvidenceLeaf) and digest in x.fact.model_digests]
    return VersionLeaves(chosen[-1], mine, ingested, aliases)


def with_ingested(subject: StatusSubject, view: View, leaves: VersionLeaves, history: KeyringHistory) -> StatusSubject:
    """Return the subject with the evidence that was sealed later, such as runs of a monitor."""
    known = {s.name for s in subject.sessions}
    later = (s for leaf in leaves.ingested for s in sessions_of(view, leaf, history) if s.name not in known)
    return replace(subject, sessions=(*subject.sessions, *later))


def with_decisions(subject: StatusSubject, view: View, leaves: VersionLeaves) -> StatusSubject:
    """Return the subject with what its deciding decision went by, with all decisions, and the aliases that it holds."""
    last = leaves.deciding.fact if leaves.deciding else None
    if not isinstance(last, DecisionLeaf):
        return subject
    force = rules_of(view, last)
    return replace(
        subject,
        rules=_rules(force, last),
        keyring=force.keyring if force else None,
        decisions=tuple(d for leaf in leaves.decisions if (d := decision_in(view, leaf)) is not None),
        aliases=tuple(leaves.aliases),
    )


def judge_version(
    view: View, leaves: VersionLeaves, history: KeyringHistory, now: datetime, shelf: DocumentShelf
) -> JudgedVersion | None:
    """Judge a version by its deciding decision, with the documents on a shelf; None where no decision is about it."""
    last = leaves.deciding
    content = last.fact if last else None
    if last is None or not isinstance(content, DecisionLeaf) or not content.model_digest:
        return None
    sessions = {s.name: s for leaf in (last, *leaves.ingested) for s in sessions_of(view, leaf, history)}
    system = next((r.evidence.system for s in sessions.values() for r in s.records if r.evidence.system), None)
    subject = StatusSubject(system, digest=content.model_digest, sessions=tuple(sessions.values()))
    subject = with_documents(with_decisions(subject, view, leaves), shelf, now)
    moment = now.astimezone(UTC)
    return JudgedVersion(subject, tuple(control_statuses(subject, moment, with_clauses=True)), utc_text(moment))


def _rules(force: RulesInForce | None, content: DecisionLeaf) -> Rules | None:
    if force is None:
        return None
    workspace, _, name = content.model_name.rpartition("/")
    try:
        return force.policy.rules(name, content.stage or "registration", content.alias, workspace or None)
    except AimsError:
        return None
