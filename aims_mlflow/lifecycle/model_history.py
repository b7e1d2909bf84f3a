"""History of a registered model in the ledger: digests at registration, holders of aliases, open changes.

Version numbers restart when a model is deleted and created again, and a renamed model keeps its history. Both are
followed here, so that a new model cannot inherit authority by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.ledger.lineage import spans
from aims_mlflow.ledger.model_leaves import KEPT
from aims_mlflow.lifecycle.adoptions import counts
from aims_mlflow.records.decision import Decision, PriorAuthority
from aims_mlflow.records.leaves.changes import (
    AdoptionLeaf,
    ChangeLeaf,
    DecisionBody,
    DecisionLeaf,
    OutcomeLeaf,
)
from aims_mlflow.records.leaves.others import ConsentLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.lineage import Span
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.records.leaves.changes import DoneLeaf


def qualified(name: str, workspace: str | None) -> str:
    """Return the name of a model in the ledger: `workspace/name`; MLflow allows no slash in a name."""
    return f"{workspace}/{name}" if workspace else name


class ModelHistory:
    """The history of one registered model, by its qualified name."""

    def __init__(self, ledger: Ledger, name: str, call: str | None = None) -> None:
        """Read the ledger's leaves for the name, and with them whether a `call` was made before (`now.called`).

        Raises:
            Unreachable: it does not answer.
        """
        self.ledger = ledger
        self.now = ledger.now(name, call)
        self.mine = self.now.mine
        self.name = name
        self._known: list[Span] | None = None
        self._adoptions: dict[int, bool] = {}

    def spans(self) -> list[Span]:
        """Return the spans of the ledger that belong to this model, newest first."""
        if self._known is None:
            self._known = spans(_LeavesAsRead(self), self.name)
        return self._known

    def of_model(self, name: str) -> ModelLeaves:
        """Return the leaves of a name: the model's own as they were read, another's as they are now."""
        return self.mine if name == self.name else self.ledger.of_model(name)

    def leaves(self, types: Sequence[str], version: str | None = None) -> list[Leaf]:
        """Return this model's leaves in order."""
        out = []
        for span in reversed(self.spans()):
            found: Iterable[Leaf] = (
                self.of_model(span.name).of(types, version)
                if set(types) <= set(KEPT)
                else self.ledger.leaves(start=span.start, types=types, model_name=span.name, version=version)
            )
            out += [leaf for leaf in found if leaf.sequence in span]
        return out

    def done(self, version: str | None = None) -> list[DoneLeaf]:
        """Return the completed changes and the signed adoptions, in order."""
        facts = (leaf.fact for leaf in self.leaves(("outcome", "legacy"), version) if self.counts(leaf))
        return [c for c in facts if isinstance(c, AdoptionLeaf) or (isinstance(c, OutcomeLeaf) and c.done)]

    def counts(self, leaf: Leaf) -> bool:
        """Return whether a leaf says something of this model's past: an adoption only by an approver's signature."""
        if not isinstance(leaf.fact, AdoptionLeaf):
            return True
        if leaf.sequence not in self._adoptions:
            self._adoptions[leaf.sequence] = counts(self.ledger, leaf, leaf.fact)
        return self._adoptions[leaf.sequence]

    def registered(self, version: str) -> str | None:
        """Return the model digest of a version at its registration or adoption."""
        made = [c for c in self.done(version) if isinstance(c, AdoptionLeaf) or c.stage == "registration"]
        return made[-1].model_digest if made else None

    def retired(self) -> set[str]:
        """Return the model digests that have a retirement record."""
        found = (leaf.fact for leaf in self.leaves(("retirement",)))
        return {c.model_digest for c in found if isinstance(c, ConsentLeaf) and c.model_digest is not None}

    def put_into_use(self, version: str | None = None) -> list[DoneLeaf]:
        """Return the outcomes and adoptions by which versions held a gated alias or stage."""
        return [c for c in self.done(version) if _put_into_use(c)]

    def prior_authority(self, version: str, alias: str, legacy_until: str | None) -> PriorAuthority | None:
        """Return the earlier authority of a version for an alias, the newest first."""
        for leaf in reversed(self.leaves(("outcome", "legacy"), version)):
            content = leaf.fact
            if not isinstance(content, OutcomeLeaf | AdoptionLeaf) or not _put_into_use(content):
                continue
            if isinstance(content, OutcomeLeaf):
                observed = content.would_refuse or content.basis == "legacy"
                found = self.authority_of(content.request, alias) if content.alias == alias and not observed else None
                if found is not None:
                    return found
            elif alias in adopted(content) and legacy_until and content.model_digest:
                return PriorAuthority(
                    basis="legacy",
                    request=content.request,
                    sequence=leaf.sequence,
                    model_digest=content.model_digest,
                    time=content.time,
                    until=f"{legacy_until}T23:59:59Z",
                )
        return None

    def sequence_of(self, request: str) -> int:
        """Return the leaf that announced a change; -1 where the ledger has none."""
        leaf = next(self.ledger.leaves(request=request), None)
        return leaf.sequence if leaf else -1

    def authority_of(self, request: str, alias: str | None) -> PriorAuthority | None:
        """Return an earlier decision that allowed this alias as prior authority.

        One that only observed has given no authority, and one that let an adopted version return gave none of its own.
        """
        leaf = next(self.ledger.leaves(types=("decision",), request=request), None)
        decision = leaf.fact if leaf else None
        if leaf is None or not isinstance(decision, DecisionLeaf):
            return None
        if not decision.allowed or decision.would_refuse or decision.basis == "legacy" or not decision.model_digest:
            return None
        if (decision.stage, decision.alias) != ("deployment", alias):
            return None
        body = self.ledger.body(leaf.sequence)
        said = Decision.model_validate(body.decision) if isinstance(body, DecisionBody) and body.decision else None
        if said is None or {name for w in said.waived for name in w.waivers} != set(decision.waivers):
            return (
                None  # the texts were erased: without them nobody can read whose word it rested on, and what was waived
            )
        return PriorAuthority(
            basis="restored",
            request=request,
            sequence=leaf.sequence,
            model_digest=decision.model_digest,
            time=decision.time,
            until=decision.waived_until,
            evidence=tuple(decision.evidence),
            approvals=said.approvals,
            waived=said.waived,
            superseded=said.superseded,
        )

    def waived_until(self, content: DoneLeaf) -> str | None:
        """Return the end of the first waiver behind a change to expire; None for a change without waivers."""
        decision = decision_of(self.ledger, content.request)
        return decision.waived_until if decision else None

    def unfinished(self) -> ChangeLeaf | None:
        """Return the last announced change if it has no outcome, because its server died before sealing it."""
        last = self.mine.last()
        change = last.fact if last else None
        if not isinstance(change, ChangeLeaf) or (isinstance(change, DecisionLeaf) and not change.allowed):
            return None
        return change if outcome(self.ledger, change.request) is None else None


class _LeavesAsRead:
    """A ledger with the leaves of one model as its history read them."""

    def __init__(self, past: ModelHistory) -> None:
        self.of_model, self.leaves = past.of_model, past.ledger.leaves


def _put_into_use(content: DoneLeaf) -> bool:
    if isinstance(content, AdoptionLeaf):
        return bool(adopted(content))
    return content.done and content.stage == "deployment"


def adopted(content: AdoptionLeaf) -> list[str]:
    """Return the aliases, and the stage as an alias, that a version had before the gate."""
    stage = [content.mlflow_stage.lower()] if content.mlflow_stage else []
    return [*content.aliases, *stage, *(content.lost_aliases or ())]


def outcome(ledger: Ledger, request: str) -> OutcomeLeaf | None:
    """Return the outcome of a request, None where there is none (yet)."""
    found = next(ledger.leaves(types=("outcome",), request=request), None)
    return found.fact if found and isinstance(found.fact, OutcomeLeaf) else None


def decision_of(ledger: Ledger, request: str) -> DecisionLeaf | None:
    """Return the content of a request's decision."""
    found = next(ledger.leaves(types=("decision",), request=request), None)
    return found.fact if found and isinstance(found.fact, DecisionLeaf) else None
