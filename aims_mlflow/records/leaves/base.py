"""Base models of every leaf of the ledger, and of the erasable body beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from aims_mlflow.records.base import Sha256, Time
from aims_mlflow.records.open_record import OpenRecord

# One line of a session file by its sha256; an empty line by "".
Line = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Sessions = dict[str, list[Line]]
Name = Annotated[str, StringConstraints(max_length=1000)]
Control = Annotated[str, StringConstraints(max_length=100)]
# The file that counts the lines of other files that no known key signed: it is no session.
UNSIGNED = "unsigned.jsonl"
# `time` and `commitment` of content that is not sealed yet.
UNSEALED = ""


class LeafContent(OpenRecord):
    """The public fields of a leaf: they stay for good. `time` and `commitment` are set when it is sealed."""

    v: Literal[1] = Field(1, description="version of the format of leaves")
    type: Name = Field(description="type of the leaf")
    time: Time = Field(UNSEALED, description="time of sealing, in UTC")
    request: Name = Field("", description="id of the request, which joins the leaves of one change")
    commitment: Sha256 = Field(UNSEALED, description="`sha256(salt \\|\\| body)`")
    model_name: Name | None = Field(None, description="registered model, as `workspace/name` outside the default one")
    version: Name | None = Field(None, description="version of the registered model")

    def public(self) -> dict[str, Any]:
        """Return the fields that the writer of the leaf gives; the ledger adds the rest."""
        given = self.plain()
        return {
            name: value for name, value in given.items() if name not in ("v", "type", "time", "request", "commitment")
        }

    def session_files(self) -> Sessions:
        """Return the session files that the leaf names: name to the sha256 of each line."""
        return {}

    def sessions_about(self) -> dict[str, Sessions]:
        """Return the sessions that speak of a model's bytes, by the digest of these bytes."""
        return {}

    def envelopes(self) -> list[str]:
        """Return the sha256 of the envelopes that the leaf names."""
        return [line for lines in self.session_files().values() for line in lines if line]

    def rules(self) -> list[str]:
        """Return the digests of the policy and the keyring that the leaf names."""
        return []


class LeafBody(OpenRecord):
    """The salted body beside a leaf, which may be erased."""


class EmptyBody(LeafBody):
    """The body of a leaf that has nothing to erase."""


class CallerBody(LeafBody):
    """Who made a request, as far as the server could tell."""

    login: str | None = Field(None, description="login of the caller; empty where the server did not tell")
    address: str | None = Field(None, description="network address of the caller")
