"""A gated change of the registry, and the leaf of its decision."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.evidence.small_counts import split_line
from aims_mlflow.gates.replay import decision_leaf
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.model_history import qualified
from aims_mlflow.records.leaves.changes import DecisionBody

if TYPE_CHECKING:
    from aims_mlflow.errors import AimsError
    from aims_mlflow.ledger.model_leaves import LeavesNow
    from aims_mlflow.records.decision import Decision, PriorAuthority
    from aims_mlflow.records.leaves.base import CallerBody
    from aims_mlflow.records.leaves.changes import DecisionLeaf
    from aims_mlflow.records.policy import Stage

# What a session file is made of, by sha256 of its lines, so that a decision can be made again from the ledger.
SessionLines = dict[str, list[str]]


class KeptLines(NamedTuple):
    """What the ledger keeps of session files, from which a decision is replayed.

    Envelopes of the lines, the files by the sha256 of each envelope, and what stands beside which envelope: that goes
    into the erasable body.
    """

    envelopes: tuple[bytes, ...]
    sessions: SessionLines
    beside: dict[str, str]


NO_LINES = KeptLines((), {}, {})


@dataclass(frozen=True)
class RegistryChange:
    """A gated change of the registry. `mlflow_stage` is set for a stage transition."""

    stage: Stage
    name: str
    workspace: str | None = None
    alias: str | None = None
    version: str | None = None
    mlflow_stage: str | None = None

    @property
    def ledger_name(self) -> str:
        """The model's name in the ledger."""
        return qualified(self.name, self.workspace)


@dataclass(frozen=True)
class DecisionContext:
    """A decision with its inputs."""

    decision: Decision
    _: KW_ONLY
    lines: KeptLines = NO_LINES
    consents: tuple[str, ...] = ()
    registered: str | None = None
    prior: PriorAuthority | None = None
    # Why the model could not be read, where that is a failure of ours and the rules only observe.
    failure: AimsError | None = None
    # Who may neither approve nor waive, and one line for each waiver that covers nothing: told, and not sealed.
    involved: frozenset[str] = frozenset()
    void_waivers: tuple[str, ...] = ()
    # The ledger's leaves as they were read for the last time.
    read: LeavesNow | None = None
    # The sessions that the run does not have, which the ledger kept.
    kept: tuple[str, ...] = ()


def kept_lines(files: dict[str, bytes]) -> KeptLines:
    """Return what the ledger keeps of session files."""
    parts = {name: [split_line(line) for line in data.split(b"\n")] for name, data in sorted(files.items())}
    named = {name: [sha256_hex(line) if line else "" for line, _ in each] for name, each in parts.items()}
    everything = [part for each in parts.values() for part in each]
    beside = {sha256_hex(line): text.decode() for line, text in everything if text is not None}
    return KeptLines(tuple(line for line, _ in everything if line), named, beside)


def announced_decision(
    change: RegistryChange, context: DecisionContext, request: str, losing: list[str]
) -> DecisionLeaf:
    """Return the content of a decision's leaf.

    `losing` are the versions whose place it takes: whoever seals the outcome seals them as superseded.
    """
    return decision_leaf(context.decision, change.ledger_name).changed(
        request=request,
        mlflow_stage=change.mlflow_stage,
        sessions=context.lines.sessions,
        kept=list(context.kept) or None,
        consents=list(context.consents),
        registered=context.registered,
        standing=context.prior.request if context.prior else None,
        losing=losing or None,
    )


def decision_entry(content: DecisionLeaf, context: DecisionContext, call: str, who: CallerBody) -> Entry:
    """Return the leaf of a decision with its body: texts, logins and the inputs for a replay."""
    prior = context.prior.model_dump(mode="json", exclude_none=True) if context.prior else None
    body = DecisionBody(
        decision=context.decision.model_dump(mode="json", exclude_none=True), standing=prior,
        beside=context.lines.beside or None, login=who.login, address=who.address,
    )  # fmt: skip
    return Entry(content, body, context.lines.envelopes, call)
