"""The keyring: the owner, roles and period of validity of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from aims_mlflow.records.base import Record, Sha256, Time, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

# These roles have a meaning of their own; a policy may name others for its approvals and re-evaluations.
ROLES = ("trainer", "approver", "log", "auditor", "top-management")
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
# Roles whose keys may erase what stands beside a leaf.
ERASERS = ("approver", "auditor")
# Roles whose keys may close an incident.
REVIEWERS = ("approver",)
# Roles whose keys may adopt versions from before the gate.
ADOPTERS = ("approver",)


class KeyEntry(Record):
    """One trusted key. `valid_from` and `valid_until` bound the times at which it may have signed."""

    key_id: Sha256
    owner: str = Field(min_length=1, max_length=200)
    roles: tuple[Role, ...] = Field(min_length=1)
    pem: str = Field(max_length=4000)
    valid_from: Time | None = None
    valid_until: Time | None = None
    revoked: Time | None = None

    def why_not_role(self, roles: Sequence[Role]) -> str | None:
        """Return why this key may never act in one of `roles`, or None when it may at some time."""
        if set(roles) & set(self.roles):
            return None
        wanted = " or ".join(repr(role) for role in roles)
        return f"the key of {self.owner} has no role {wanted} (it has {', '.join(self.roles)})"

    def why_not(self, roles: Sequence[Role], time: str) -> str | None:
        """Return why this key may act in none of `roles` at `time`, or None when it may."""
        moment = parse_time(time)
        if why := self.why_not_role(roles):
            return why
        if self.valid_from and moment < parse_time(self.valid_from):
            return f"the key of {self.owner} is valid only from {self.valid_from}"
        if self.valid_until and moment > parse_time(self.valid_until):
            return f"the key of {self.owner} was valid until {self.valid_until}"
        if self.revoked and moment >= parse_time(self.revoked):
            return f"the key of {self.owner} was revoked at {self.revoked}"
        return None


class RootSignature(Record):
    """The root key's signature over the keyring's canonical bytes (a DSSE signature, base64)."""

    key_id: Sha256
    pem: str = Field(max_length=4000)
    sig: str = Field(max_length=4000)


class Keyring(Record):
    """All trusted keys. A change needs a higher version."""

    version: int = Field(ge=1)
    keys: tuple[KeyEntry, ...] = ()
    signatures: tuple[RootSignature, ...] = ()

    def find(self, key_id: str) -> KeyEntry | None:
        """Return the entry of a key id, or None."""
        return next((k for k in self.keys if k.key_id == key_id), None)

    def unsigned(self) -> dict[str, object]:
        """Return the canonical bytes that the root signs."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"signatures"})
