"""History of production: the versions with a gated alias or stage over time, their evidence and approvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.wording import waiver_lines
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Decision

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory

FACTS = ("outcome", "legacy", "superseded")


@dataclass
class Tenure:
    """A period in which a version had an alias or a stage; `until` is None for the current holder."""

    place: str
    version: str
    since: str
    until: str | None
    ended_by: str | None
    fact: dict[str, Any]


def place(alias: str | None, mlflow_stage: str | None, version: str | None) -> str:
    """Return the name of the alias or stage. An alias has one version; a stage may have several."""
    return f"stage {mlflow_stage.lower()} (version {version})" if mlflow_stage else str(alias)


class _Timeline:
    """The holders of aliases and stages, updated leaf by leaf."""

    def __init__(self) -> None:
        self.all: list[Tenure] = []
        self._now: dict[str, Tenure] = {}

    def follow(self, content: dict[str, Any]) -> None:
        """Update the holders by the next leaf of the ledger."""
        at = place(content.get("alias"), content.get("mlflow_stage"), content.get("version"))
        if content["type"] == "legacy":
            for adopted in (*content.get("aliases", ()), *([at] if content.get("mlflow_stage") else ())):
                self._begin(adopted, content)
        elif content["type"] == "superseded":
            if content.get("mlflow_stage"):
                self._end(at, content["time"], f"version {content['by']}")
        elif content["done"]:
            self._follow_outcome(at, content)

    def _follow_outcome(self, at: str, content: dict[str, Any]) -> None:
        if content["of"] == "withdrawn":
            self._end(at, content["time"], "withdrawn")
        elif content["of"] == "deleted":
            for gone in [k for k, held in self._now.items() if content.get("version") in (None, held.version)]:
                self._end(gone, content["time"], "deleted")
        elif content.get("stage") == "deployment":
            self._begin(at, content)

    def _begin(self, at: str, content: dict[str, Any]) -> None:
        self._end(at, content["time"], f"version {content['version']}")
        self._now[at] = Tenure(at, str(content["version"]), content["time"], None, None, content)
        self.all.append(self._now[at])

    def _end(self, at: str, time: str, why: str) -> None:
        if held := self._now.pop(at, None):
            held.until, held.ended_by = time, why


def tenures_of(past: ModelHistory) -> list[Tenure]:
    """Return all tenures of a model, in order of time."""
    timeline = _Timeline()
    for leaf in past.leaves(FACTS):
        timeline.follow(leaf.content)
    return timeline.all


def holders(past: ModelHistory) -> dict[str, dict[str, Any]]:
    """Return the current holders by the ledger: alias or stage -> the outcome or adoption of the version."""
    return {held.place: held.fact for held in tenures_of(past) if held.until is None}


def at_time(found: list[Tenure], moment: datetime) -> list[Tenure]:
    """Return the tenures at a moment."""
    return [
        held
        for held in found
        if parse_time(held.since) <= moment and (held.until is None or moment < parse_time(held.until))
    ]


def grounds(ledger: Ledger, held: Tenure) -> dict[str, Any]:
    """Return the grounds of a deployment: basis, evidence, approvals, waivers, digests, run."""
    fact = held.fact
    if fact["type"] == "legacy":
        return {"basis": "legacy", "model_digest": fact.get("model_digest"), "run_id": fact.get("run_id")}
    leaf = next(ledger.leaves(types=("decision",), request=str(fact["request"])), None)
    if leaf is None:
        return {"basis": "unknown"}
    body = (ledger.body(leaf.sequence) or {}).get("decision", {})
    content = leaf.content
    return {
        "basis": "observed" if content["would_refuse"] else content.get("basis", "evidence"),
        "request": content["request"],
        "decided": content["decided"],
        "model_digest": content.get("model_digest"),
        "run_id": content.get("run_id"),
        "evidence": content.get("evidence", []),
        "approvals": body.get("approvals", []),
        "waivers": waiver_lines(Decision.model_validate(body)) if body else [],
        "policy_digest": content.get("policy_digest"),
        "keyring_digest": content.get("keyring_digest"),
    }
