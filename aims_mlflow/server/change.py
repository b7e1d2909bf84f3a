"""A gated change of the registry, and the leaf of its decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.gates.replay import public_fields
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.model_history import qualified

if TYPE_CHECKING:
    from aims_mlflow.errors import AimsError
    from aims_mlflow.records.decision import Decision, PriorAuthority
    from aims_mlflow.records.policy import Stage

# What a session file is made of, by sha256 of its lines, so that a decision can be made again from the ledger.
SessionLines = dict[str, list[str]]


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
    envelopes: tuple[bytes, ...] = ()
    sessions: SessionLines = field(default_factory=dict)
    consents: tuple[str, ...] = ()
    registered: str | None = None
    prior: PriorAuthority | None = None
    # Why the model could not be read, where that is a failure of ours and not the model's.
    failure: AimsError | None = None


def kept_lines(files: dict[str, bytes]) -> tuple[tuple[bytes, ...], SessionLines]:
    """Return (envelopes of session files, the files by the sha256 of each line), from which a decision is replayed."""
    lines = {name: data.split(b"\n") for name, data in sorted(files.items())}
    named = {name: [sha256_hex(line) if line else "" for line in each] for name, each in lines.items()}
    return tuple(line for each in lines.values() for line in each if line), named


def decision_entry(
    change: RegistryChange, context: DecisionContext, request: str, call: str, who: dict[str, str], losing: list[str]
) -> Entry:
    """Return the leaf of a decision; its body has texts, logins and the inputs for a replay.

    `losing` are the versions whose place it takes: whoever seals the outcome seals them as superseded.
    """
    decision = context.decision
    public = {
        **public_fields(decision),
        "model_name": change.ledger_name,
        "mlflow_stage": change.mlflow_stage,
        "sessions": context.sessions,
        "consents": list(context.consents),
        "registered": context.registered,
        "standing": context.prior.request if context.prior else None,
        "losing": losing or None,
    }
    body = {
        "decision": decision.model_dump(mode="json", exclude_none=True),
        **({"standing": context.prior.model_dump(mode="json", exclude_none=True)} if context.prior else {}),
        **who,
    }
    return Entry("decision", public, body, request, context.envelopes, call)
