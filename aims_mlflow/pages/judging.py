"""States of the controls of a model version, judged from sealed leaves alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.verify import CheckedSession, check_session
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.rules_in_force import RulesInForce, read_rules
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.view import View
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keyring_history import KeyringHistory

LONGEST = timedelta(hours=24)  # states are judged again after it, whatever the conditions say of their end


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


def sessions_of(view: View, leaf: Leaf, history: KeyringHistory) -> list[CheckedSession]:
    """Return the sessions that a leaf names, checked against the keyrings."""
    return [check_session(data, name, history.known) for name, data in session_files(view, leaf).items()]


def _beside(view: View, leaf: Leaf) -> dict[str, str]:
    try:
        body = view.body(leaf.sequence)
    except AimsError:  # the ledger's verification names what is wrong with it
        return {}
    return body.beside or {} if isinstance(body, DecisionBody) else {}


def decision_in(view: View, leaf: Leaf) -> Decision | None:
    """Return a decision with its texts; None where they were erased, or cannot be read."""
    try:
        body = view.body(leaf.sequence)
        return Decision.model_validate(body.decision) if isinstance(body, DecisionBody) and body.decision else None
    except (AimsError, ValidationError):
        return None


def rules_of(view: View, decision: DecisionLeaf) -> RulesInForce | None:
    """Return the policy and keyring behind a decision; None where one is missing."""
    try:
        return read_rules(cast("Ledger", view), str(decision.policy_digest), str(decision.keyring_digest))
    except AimsError:
        return None


def judge_version(view: View, leaves: VersionLeaves, history: KeyringHistory, now: datetime) -> JudgedVersion | None:
    """Judge a version by the evidence and rules of its deciding decision; None for one that no decision is about."""
    last = leaves.deciding
    content = last.fact if last else None
    if last is None or not isinstance(content, DecisionLeaf) or not content.model_digest:
        return None
    sessions = {s.name: s for leaf in (last, *leaves.ingested) for s in sessions_of(view, leaf, history)}
    force = rules_of(view, content)
    decisions = tuple(d for leaf in leaves.decisions if (d := decision_in(view, leaf)) is not None)
    subject = StatusSubject(
        next((r.evidence.system for s in sessions.values() for r in s.records if r.evidence.system), None),
        digest=content.model_digest,
        sessions=tuple(sessions.values()),
        rules=_rules(force, content),
        keyring=force.keyring if force else None,
        decisions=decisions,
        aliases=tuple(leaves.aliases),
    )
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


def unmet_ids(text: str | None) -> list[str]:
    """Return the control ids that the index keeps of a decision."""
    return list(json.loads(text or "[]"))
