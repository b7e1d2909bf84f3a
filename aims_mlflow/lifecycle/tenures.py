"""History of production: the versions with a gated alias or stage over time, their evidence and approvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.wording import set_aside, waiver_lines
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.leaves.changes import (
    AdoptionLeaf,
    DecisionBody,
    DecisionLeaf,
    OutcomeLeaf,
    RenamingLeaf,
    SupersessionLeaf,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.records.leaves.changes import DoneLeaf

FACTS = ("outcome", "legacy", "superseded")


@dataclass
class Tenure:
    """A period in which a version had an alias or a stage; `until` is None for the current holder."""

    place: str
    version: str
    since: str
    until: str | None
    ended_by: str | None
    fact: DoneLeaf


def place(alias: str | None, mlflow_stage: str | None, version: str | None) -> str:
    """Return the name of the alias or stage. An alias has one version; a stage may have several."""
    return f"stage {mlflow_stage.lower()} (version {version})" if mlflow_stage else str(alias)


class Timeline:
    """The holders of aliases and stages, updated leaf by leaf; `all` are the tenures that began since.

    `held` are the tenures that are current at its beginning.
    """

    def __init__(self, held: Iterable[Tenure] = ()) -> None:
        self.all: list[Tenure] = []
        self._now = {tenure.place: tenure for tenure in held}

    def follow(self, content: LeafContent) -> None:
        """Update the holders by the next leaf of the ledger."""
        if isinstance(content, AdoptionLeaf):
            stage = [place(None, content.mlflow_stage, content.version)] if content.mlflow_stage else []
            for adopted in (*content.aliases, *stage):
                self._begin(adopted, content)
        elif isinstance(content, SupersessionLeaf):
            if content.mlflow_stage:
                at = place(None, content.mlflow_stage, content.version)
                self._end(at, content.time, f"version {content.by}")
        elif isinstance(content, OutcomeLeaf) and content.done:
            self._follow_outcome(content)

    def _follow_outcome(self, content: OutcomeLeaf) -> None:
        at = place(content.alias, content.mlflow_stage, content.version)
        if content.of == "withdrawn":
            self._end(at, content.time, "withdrawn")
        elif content.of == "deleted":
            for gone in [k for k, held in self._now.items() if content.version in (None, held.version)]:
                self._end(gone, content.time, "deleted")
        elif content.stage == "deployment":
            self._begin(at, content)

    def _begin(self, at: str, content: DoneLeaf) -> None:
        self._end(at, content.time, f"version {content.version}")
        self._now[at] = Tenure(at, str(content.version), content.time, None, None, content)
        self.all.append(self._now[at])

    def _end(self, at: str, time: str, why: str) -> None:
        if held := self._now.pop(at, None):
            held.until, held.ended_by = time, why


def tenures_of(past: ModelHistory) -> list[Tenure]:
    """Return all tenures of a model, in order of time."""
    return tenures_in(leaf for leaf in past.leaves(FACTS) if past.counts(leaf))


def tenures_in(leaves: Iterable[Leaf]) -> list[Tenure]:
    """Return all tenures that one model's leaves tell of, in order of time."""
    timeline = Timeline()
    for leaf in leaves:
        timeline.follow(leaf.fact)
    return timeline.all


def holders(past: ModelHistory) -> dict[str, DoneLeaf]:
    """Return the current holders by the ledger: alias or stage -> the outcome or adoption of the version."""
    return {held.place: held.fact for held in tenures_of(past) if held.until is None}


def standing_versions(past: ModelHistory) -> set[str]:
    """Return the versions that exist according to the ledger."""
    out: set[str] = set()
    for content in past.done():
        if isinstance(content, AdoptionLeaf) or content.stage == "registration":
            out.add(str(content.version))
        elif content.of == "deleted":
            out.discard(str(content.version))
    if past.spans()[0].start and _ended(past):
        return set()
    return out


def ways_back(past: ModelHistory) -> tuple[str, ...]:
    """Return the versions to which a release could go back: those that exist, and whose bytes are not retired."""
    retired = past.retired()
    return tuple(v for v in versions_of(past) if past.registered(v) not in retired)


def versions_of(past: ModelHistory) -> tuple[str, ...]:
    """Return the versions of a model that exist, in the order of their numbers."""
    return tuple(sorted(standing_versions(past), key=int))


def _ended(past: ModelHistory) -> bool:
    """Return whether a name was deleted or renamed away, and has no later changes."""
    span = past.spans()[0]
    first = next(iter(past.leaves(("deleted", "renamed"))), None)
    renamed_here = first is not None and isinstance(first.fact, RenamingLeaf) and first.fact.previous is not None
    begun = first is not None and first.sequence == span.start and not renamed_here
    return begun and not past.done()


def at_time(found: list[Tenure], first: datetime, last: datetime) -> list[Tenure]:
    """Return the tenures between two moments, both included; twice the same moment asks for that moment."""
    return [
        held
        for held in found
        if parse_time(held.since) <= last and (held.until is None or first < parse_time(held.until))
    ]


def grounds(ledger: Ledger, held: Tenure) -> dict[str, Any]:
    """Return the grounds of a deployment: basis, evidence, approvals, waivers, digests, run."""
    fact = held.fact
    if isinstance(fact, AdoptionLeaf):
        return {"basis": "legacy", "model_digest": fact.model_digest, "run_id": fact.run_id}
    leaf = next(ledger.leaves(types=("decision",), request=fact.request), None)
    content = leaf.fact if leaf else None
    if leaf is None or not isinstance(content, DecisionLeaf):
        return {"basis": "unknown"}
    body = ledger.body(leaf.sequence)
    said = Decision.model_validate(body.decision) if isinstance(body, DecisionBody) and body.decision else None
    return {
        "basis": "observed" if content.would_refuse else content.basis,
        "request": content.request,
        "decided": content.decided,
        "model_digest": content.model_digest,
        "run_id": content.run_id,
        "evidence": content.evidence,
        "approvals": list(said.approvals) if said else [],
        "waivers": waiver_lines(said) if said else [],
        "set_aside": set_aside(said) if said else [],
        "policy_digest": content.policy_digest,
        "keyring_digest": content.keyring_digest,
    }
