"""Leaves about changes of a registry: decisions, withdrawals, deletions, renamings, and their outcomes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aims_mlflow.records.base import Sha256, Time
from aims_mlflow.records.leaves.base import (
    UNSIGNED,
    CallerBody,
    Control,
    EmptyBody,
    LeafBody,
    LeafContent,
    Name,
    Sessions,
)
from aims_mlflow.records.policy import Stage


class DecisionBody(CallerBody):
    """The texts of a decision, and the inputs for its replay."""

    decision: dict[str, Any] | None = Field(None, description="the whole decision, with texts and people")
    standing: dict[str, Any] | None = Field(None, description="earlier authority that the decision rests on")
    beside: dict[Sha256, str] | None = Field(
        None, description="sha256 of an envelope to what stands beside it in the session file: numbers of small cells"
    )


class DecisionLeaf(LeafContent):
    """A decision of the gate, sealed before the registry changes."""

    type: Literal["decision"] = "decision"
    model_name: Name
    stage: Stage | None = Field(None, description="what the decision is about")
    alias: Name | None = Field(None, description="gated alias")
    mlflow_stage: Name | None = Field(None, description="MLflow stage, of a stage transition")
    basis: Name = Field("evidence", description="`evidence`, `restored`, `legacy` or `break-glass`")
    mode: Name | None = Field(None, description="`enforce` or `observe`")
    allowed: bool = Field(False, description="whether the change was let pass")
    would_refuse: bool = Field(
        False,
        description="whether a condition holds neither by itself nor by a waiver: the change was refused, or where "
        "`allowed`, only observed",
    )
    decided: Time | None = Field(None, description="the clock that the decision was made by")
    unmet: list[Control] = Field(default_factory=list, description="controls whose conditions do not hold")
    waivers: list[Name] = Field(default_factory=list, description="waivers that cover unmet conditions")
    waived_until: Time | None = Field(None, description="end of the first waiver to end")
    model_digest: Sha256 | None = Field(None, description="dirHash1 of the model's files")
    registered: Sha256 | None = Field(None, description="digest that the version had at its registration")
    run_id: Name | None = Field(None, description="MLflow run of the evidence")
    model_id: Name | None = Field(None, description="logged model")
    pack_digest: Sha256 | None = Field(None, description="checks and limits that the training used")
    policy_digest: Sha256 | None = Field(None, description="policy in force")
    keyring_digest: Sha256 | None = Field(None, description="keyring in force")
    stage_digest: Sha256 | None = Field(None, description="resolved rules of the system and stage")
    evidence: list[Sha256] = Field(default_factory=list, description="records that counted, by sha256")
    sessions: Sessions = Field(
        default_factory=dict, description="session files as they were read: name to the sha256 of each line"
    )
    kept: list[Name] | None = Field(
        None, description="those of `sessions` that the run did not have: an earlier leaf sealed them about these bytes"
    )
    consents: list[Sha256] = Field(default_factory=list, description="envelopes of approvals and waivers")
    standing: Name | None = Field(None, description="request whose authority the decision rests on")
    losing: list[Name] | None = Field(None, description="versions that lose the alias or stage by it")

    def session_files(self) -> Sessions:
        """Return the session files that the decision read."""
        return self.sessions

    def sessions_about(self) -> dict[str, Sessions]:
        """Return the sessions that the decision read, as about the model's bytes: a failure may be in any of them."""
        sessions = {name: lines for name, lines in self.sessions.items() if not name.endswith(f"/{UNSIGNED}")}
        return {self.model_digest: sessions} if self.model_digest else {}

    def rules(self) -> list[str]:
        """Return the digests of the policy and the keyring behind the decision."""
        return [digest for digest in (self.policy_digest, self.keyring_digest) if digest]


class OutcomeLeaf(LeafContent):
    """The outcome of an announced change, readable without the leaf that announced it."""

    type: Literal["outcome"] = "outcome"
    of: Name | None = Field(None, description="type of the leaf that announced the change")
    done: bool = Field(False, description="whether the registry carried it out")
    stage: Name | None = Field(None, description="as in the announcing leaf")
    alias: Name | None = Field(None, description="as in the announcing leaf")
    mlflow_stage: Name | None = Field(None, description="as in the announcing leaf")
    model_digest: Sha256 | None = Field(None, description="as in the announcing leaf")
    previous: Name | None = Field(None, description="as in the announcing leaf")
    renamed_to: Name | None = Field(None, description="as in the announcing leaf")
    would_refuse: bool = Field(False, description="the decision only observed: it gives no authority for later")
    basis: Name | None = Field(None, description="`legacy` where the decision rested on an adoption")
    closed_by: Name | None = Field(None, description="what sealed it in place of a server that died")


class WithdrawalLeaf(LeafContent):
    """An alias or stage that is about to be taken from a version."""

    type: Literal["withdrawn"] = "withdrawn"
    model_name: Name
    alias: Name | None = Field(None, description="gated alias, or the stage as an alias")
    mlflow_stage: Name | None = Field(None, description="MLflow stage that the version leaves")


class WithdrawalBody(CallerBody):
    """Who withdrew, or why a restored registry lost the alias."""

    reason: str | None = Field(None, description="why the registry was restored")


class SupersessionLeaf(LeafContent):
    """A version whose alias or stage another version took."""

    type: Literal["superseded"] = "superseded"
    model_name: Name
    alias: Name | None = Field(None, description="alias that was taken")
    mlflow_stage: Name | None = Field(None, description="MLflow stage that was taken")
    by: Name | None = Field(None, description="version that holds it now")


class DeletionBody(CallerBody):
    """MLflow's values of the deleted rows, which MLflow overwrites."""

    rows: list[dict[str, Any]] | None = Field(None, description="deleted versions as MLflow showed them")
    reason: str | None = Field(None, description="why the registry was restored")


class DeletionLeaf(LeafContent):
    """A version, or without `version` a whole registered model, that is about to be deleted."""

    type: Literal["deleted"] = "deleted"
    model_name: Name
    model_digest: Sha256 | None = Field(None, description="digest that the version was registered with")


class RenamingLeaf(LeafContent):
    """One of the two leaves of a renaming: the new name has `previous`, the old one `renamed_to`."""

    type: Literal["renamed"] = "renamed"
    model_name: Name
    previous: Name | None = Field(None, description="name before")
    renamed_to: Name | None = Field(None, description="name after")


class AdoptionBody(LeafBody):
    """Where an adopted version came from."""

    source: str | None = Field(None, description="source of the version in MLflow")
    problem: str | None = Field(None, description="why its files could not be read; empty where they could")
    owner: str | None = Field(None, description="owner of the key that signed the adoption")


class AdoptionLeaf(LeafContent):
    """A version that was registered before the gate, with the gated aliases that it held."""

    type: Literal["legacy"] = "legacy"
    model_name: Name
    model_digest: Sha256 | None = Field(None, description="dirHash1 of its files; absent where they cannot be read")
    aliases: list[Name] = Field(default_factory=list, description="gated aliases that it held")
    mlflow_stage: Name | None = Field(None, description="gated MLflow stage that it was in")
    lost_aliases: list[Name] | None = Field(
        None, description="gated aliases that it held before the gate, and lost while the gate observed"
    )
    run_id: Name | None = Field(None, description="MLflow run of the version")
    envelope: Sha256 | None = Field(None, description="sha256 of the signed adoption; without it nothing is adopted")

    def envelopes(self) -> list[str]:
        """Return the signed record of the adoption."""
        return [self.envelope] if self.envelope else []


# Leaves that announce a change of the registry, before it takes place; an outcome closes each.
ChangeLeaf = DecisionLeaf | WithdrawalLeaf | DeletionLeaf | RenamingLeaf
# Leaves of what took place: the outcome of an announced change, and an adoption.
DoneLeaf = OutcomeLeaf | AdoptionLeaf

BODIES: dict[str, type[LeafBody]] = {
    "decision": DecisionBody,
    "outcome": EmptyBody,
    "withdrawn": WithdrawalBody,
    "superseded": EmptyBody,
    "deleted": DeletionBody,
    "renamed": CallerBody,
    "legacy": AdoptionBody,
}
