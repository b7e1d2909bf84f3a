"""The states of all controls for the versions that a bundle is about: those in use, else the last one allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.lifecycle.tenures import FACTS, tenures_in
from aims_mlflow.pages.judging import VersionLeaves, judge_version, shelf_in
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.changes import DecisionLeaf
from aims_mlflow.records.leaves.others import EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.judging import JudgedVersion
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


def states_in_use(view: PartLedger, leaves: Sequence[Leaf], history: KeyringHistory) -> list[VersionStates]:
    """Return the states as of the bundle's last leaf, for each version in use; without one, for the last allowed."""
    made = [leaf for leaf in leaves if isinstance(leaf.fact, DecisionLeaf) and leaf.fact.model_digest]
    shelf, out = shelf_in(view, leaves, history), []
    for name in dict.fromkeys(str(leaf.fact.model_name) for leaf in made):
        mine = [leaf for leaf in made if leaf.fact.model_name == name]
        held = _held(leaves, name)
        chosen = [x for x in mine if x.fact.request in held] or [x for x in mine if _allowed(x)][-1:]
        by_digest: dict[str, list[Leaf]] = {}
        for leaf in chosen:
            by_digest.setdefault(_digest(leaf), []).append(leaf)
        for digest, group in by_digest.items():
            later = [x for x in leaves if isinstance(x.fact, EvidenceLeaf) and digest in x.fact.model_digests]
            aliases = tuple(dict.fromkeys(held[str(x.fact.request)] for x in group if x.fact.request in held))
            about = VersionLeaves(group[-1], [x for x in mine if _digest(x) == digest], later, aliases)
            judged = judge_version(view, about, history, parse_time(leaves[-1].fact.time), shelf)
            out += [_states(view, group[-1], aliases, judged)] if judged else []
    return out


def _allowed(leaf: Leaf) -> bool:
    return isinstance(leaf.fact, DecisionLeaf) and leaf.fact.allowed


def _digest(leaf: Leaf) -> str:
    return str(leaf.fact.model_digest) if isinstance(leaf.fact, DecisionLeaf) else ""


def _held(leaves: Sequence[Leaf], name: str) -> dict[str, str]:
    """Return the gated aliases that are held at the last leaf, by the request that set them."""
    mine = [leaf for leaf in leaves if leaf.fact.type in FACTS and leaf.fact.model_name == name]
    return {t.fact.request: t.place for t in tenures_in(mine) if t.until is None}


def _states(view: PartLedger, last: Leaf, aliases: tuple[str, ...], judged: JudgedVersion) -> VersionStates:
    fact = last.fact
    outcome = next(view.leaves(types=("outcome",), request=fact.request), None)
    version = str((outcome.fact.version if outcome else None) or fact.version or "")
    decided = (fact.decided if isinstance(fact, DecisionLeaf) else None) or fact.time
    return VersionStates(str(fact.model_name), version, aliases, decided[:19], judged.statuses, judged.coverage)
