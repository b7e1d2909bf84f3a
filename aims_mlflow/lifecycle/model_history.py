"""History of a registered model in the ledger: digests at registration, holders of aliases, open changes.

Version numbers restart when a model is deleted and created again, and a renamed model keeps its history. Both are
followed here, so that a new model cannot inherit authority by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.ledger.model_leaves import KEPT
from aims_mlflow.records.decision import PriorAuthority

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves

MAX_NAMES = 100


@dataclass(frozen=True)
class Span:
    """A name's leaves from `start` (inclusive) to `end` (exclusive)."""

    name: str
    start: int
    end: int | None

    def __contains__(self, sequence: int) -> bool:
        return self.start <= sequence and (self.end is None or sequence < self.end)


def qualified(name: str, workspace: str | None) -> str:
    """Return the name of a model in the ledger: `workspace/name`; MLflow allows no slash in a name."""
    return f"{workspace}/{name}" if workspace else name


class ModelHistory:
    """The history of one registered model, by its qualified name."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        """Read the ledger's leaves for the name.

        Raises:
            Unreachable: it does not answer.
        """
        self._ledger = ledger
        self.mine = ledger.of_model(name)
        self.name = name
        self._known: list[Span] | None = None

    def spans(self) -> list[Span]:
        """Return the spans of the ledger that belong to this model, newest first."""
        if self._known is None:
            self._known = list(self._find_spans())
        return self._known

    def _find_spans(self) -> Iterator[Span]:
        name, end = self.name, None
        for _ in range(MAX_NAMES):
            begins = [leaf for leaf in self._beginnings(name) if end is None or leaf.sequence < end]
            if not begins:
                yield Span(name, 0, end)
                return
            last = begins[-1]
            yield Span(name, last.sequence, end)
            previous = last.content.get("previous")
            if previous is None:
                return
            name, end = str(previous), last.sequence

    def _beginnings(self, name: str) -> list[Leaf]:
        """Return the leaves of completed deletions and renamings, after which a name belonged to another model."""
        out = []
        for leaf in self._of(name).of(("deleted", "renamed")):
            whole = leaf.content["type"] == "renamed" or "version" not in leaf.content
            if whole and self._done(str(leaf.content["request"])):
                out.append(leaf)
        return out

    def _of(self, name: str) -> ModelLeaves:
        return self.mine if name == self.name else self._ledger.of_model(name)

    def _done(self, request: str) -> bool:
        found = outcome(self._ledger, request)
        return found is not None and bool(found["done"])

    def leaves(self, types: Sequence[str], version: str | None = None) -> list[Leaf]:
        """Return this model's leaves in order."""
        out = []
        for span in reversed(self.spans()):
            found: Iterable[Leaf] = (
                self._of(span.name).of(types, version)
                if set(types) <= set(KEPT)
                else self._ledger.leaves(start=span.start, types=types, model_name=span.name, version=version)
            )
            out += [leaf for leaf in found if leaf.sequence in span]
        return out

    def done(self, version: str | None = None) -> list[dict[str, Any]]:
        """Return the completed changes and the adoptions, in order."""
        found = (leaf.content for leaf in self.leaves(("outcome", "legacy"), version))
        return [content for content in found if content["type"] == "legacy" or content["done"]]

    def registered(self, version: str) -> str | None:
        """Return the model digest of a version at its registration or adoption."""
        made = [c for c in self.done(version) if c["type"] == "legacy" or c.get("stage") == "registration"]
        return str(made[-1]["model_digest"]) if made and made[-1].get("model_digest") else None

    def retired(self) -> set[str]:
        """Return the model digests that have a retirement record."""
        return {str(leaf.content["model_digest"]) for leaf in self.leaves(("retirement",))}

    def put_into_use(self, version: str | None = None) -> list[dict[str, Any]]:
        """Return the outcomes and adoptions by which versions held a gated alias or stage."""
        return [
            c
            for c in self.done(version)
            if (c["type"] == "outcome" and c.get("stage") == "deployment") or c.get("aliases") or _adopted_stage(c)
        ]

    def prior_authority(self, version: str, alias: str, legacy_until: str | None) -> PriorAuthority | None:
        """Return the earlier authority of a version for an alias, the newest first."""
        for content in reversed(self.put_into_use(version)):
            if content.get("would_refuse") or content.get("basis") == "legacy":
                continue
            if content["type"] == "outcome" and content.get("alias") == alias:
                found = self._allowed(content)
                if found is not None:
                    return found
            elif alias in _adopted(content) and legacy_until and content.get("model_digest"):
                return PriorAuthority(
                    basis="legacy",
                    request=content["request"],
                    model_digest=content["model_digest"],
                    time=content["time"],
                    until=f"{legacy_until}T23:59:59Z",
                )
        return None

    def _allowed(self, content: dict[str, Any]) -> PriorAuthority | None:
        """Return an earlier allowing decision as prior authority.

        One that only observed has given no authority, and one that let an adopted version return gave none of its own.
        """
        decision = decision_of(self._ledger, content["request"])
        if decision is None or decision["would_refuse"] or decision.get("basis") == "legacy":
            return None
        if not decision.get("model_digest"):
            return None
        return PriorAuthority(
            basis="restored",
            request=content["request"],
            model_digest=decision["model_digest"],
            time=decision["time"],
            until=decision.get("waived_until"),
            evidence=tuple(decision["evidence"]),
            approvals=tuple(self._approvers(content["request"])),
        )

    def _approvers(self, request: str) -> list[str]:
        for leaf in self._ledger.leaves(types=("decision",), request=request):
            body = self._ledger.body(leaf.sequence)
            return list(body["decision"].get("approvals", ())) if body and "decision" in body else []
        return []

    def waived_until(self, content: dict[str, Any]) -> str | None:
        """Return the end of the first waiver behind a change to expire; None for a change without waivers."""
        decision = decision_of(self._ledger, str(content["request"]))
        return str(decision["waived_until"]) if decision and decision.get("waived_until") else None

    def unfinished(self) -> Leaf | None:
        """Return the last announced change if it has no outcome, because its server died before sealing it."""
        last = self.mine.last()
        if last is None or last.content["type"] == "outcome" or not last.content.get("allowed", True):
            return None
        return last if outcome(self._ledger, str(last.content["request"])) is None else None


def _adopted_stage(content: dict[str, Any]) -> list[str]:
    stage = content.get("mlflow_stage") if content["type"] == "legacy" else None
    return [str(stage).lower()] if stage else []


def _adopted(content: dict[str, Any]) -> list[str]:
    """Return the aliases, and the stage as an alias, with which a version was adopted."""
    return [*content.get("aliases", ()), *_adopted_stage(content)]


def outcome(ledger: Ledger, request: str) -> dict[str, Any] | None:
    """Return the outcome of a request, None where there is none (yet)."""
    found = next(ledger.leaves(types=("outcome",), request=request), None)
    return found.content if found else None


def decision_of(ledger: Ledger, request: str) -> dict[str, Any] | None:
    """Return the public fields of a request's decision."""
    found = next(ledger.leaves(types=("decision",), request=request), None)
    return found.content if found else None
