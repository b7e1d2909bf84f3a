"""What every leaf of the ledger has, and the types of what verification reads in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aims_mlflow.records.base import Sha256, Time

Line = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Name = Annotated[str, StringConstraints(max_length=1000)]


class LeafFields(BaseModel):
    """A leaf's public fields; leaves of one type have more, which decide nothing in verification."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", hide_input_in_errors=True)

    v: Literal[1]
    type: Name
    time: Time
    request: Name
    commitment: Sha256
    model_name: Name | None = None
    version: Name | None = None
    stage: Name | None = None
    alias: Name | None = None
    # A session file by name: the sha256 of its lines, "" for an empty one.
    sessions: dict[str, list[Line]] = Field(default_factory=dict)
    evidence: list[Sha256] = Field(default_factory=list)
    envelope: Sha256 | None = None
    model_digest: Sha256 | None = None
    policy_digest: Sha256 | None = None
    keyring_digest: Sha256 | None = None
    # Of a policy as it was written, comments too; of a finding's words.
    text_sha256: Sha256 | None = None
    decided: Time | None = None
    allowed: bool = False
    done: bool = False
    of: Name | None = None
    # Of an erasure: the leaf whose body is gone.
    sequence: int | None = None
