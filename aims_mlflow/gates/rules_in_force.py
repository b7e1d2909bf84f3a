"""The policy and the keyring behind a decision, read from the ledger by their digests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.gates.policy import FILE, LoadedPolicy, parse_policy
from aims_mlflow.records.keyring import ROLES, Keyring
from aims_mlflow.signing.keyring import keyring_digest

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_PARSED = 64
Parsed = TypeVar("Parsed")


class StoredTexts(Protocol):
    """Texts by digest."""

    def stored(self, digest: str) -> str | None:
        """Return the text of a policy or keyring."""


class TextLedger(Protocol):
    """A ledger, or a part of it, that has the texts of policies and keyrings."""

    @property
    def state(self) -> StoredTexts:
        """The store of the texts."""


@dataclass(frozen=True)
class RulesInForce:
    """The policy and the keyring behind a decision."""

    policy: LoadedPolicy
    keyring: Keyring
    keyring_digest: str

    @property
    def consenting(self) -> tuple[str, ...]:
        """The roles whose approvals and waivers the policy accepts."""
        named = (role for rules in self.policy.policy.stages.values() for role in rules.approvals.roles)
        return tuple(dict.fromkeys(("approver", *named)))

    @property
    def any_role(self) -> tuple[str, ...]:
        """All roles of people: any of them may publish a document, and what an approval needs is judged with it."""
        named = (role for key in self.keyring.keys for role in key.roles)
        return tuple(dict.fromkeys((*ROLES, *self.policy.roles, *named)))

    @property
    def training(self) -> tuple[str, ...]:
        """The roles whose evidence the policy accepts."""
        named = (rules.require_reevaluation for rules in self.policy.policy.stages.values())
        return tuple(dict.fromkeys(("trainer", *(role for role in named if role))))


def read_rules(ledger: TextLedger, policy: str, keyring: str) -> RulesInForce:
    """Return the policy and keyring with these digests, from the ledger's database.

    Raises:
        EvidenceError: one is missing there, or is not what its digest says.
    """
    return RulesInForce(_policy(ledger, policy), keyring_of(ledger, keyring), keyring)


# By ledger: a digest is over what a policy says, and two ledgers may hold it with other comments, on other lines.
_parsed: WeakKeyDictionary[TextLedger, dict[str, Any]] = WeakKeyDictionary()


def forget() -> None:
    """Forget what was parsed, as a process that just started."""
    _parsed.clear()


def _policy(ledger: TextLedger, digest: str) -> LoadedPolicy:
    return _once(ledger, digest, lambda text: parse_policy(text, FILE), lambda policy: policy.digest)


def keyring_of(ledger: TextLedger, digest: str) -> Keyring:
    """Return the keyring with a digest.

    Raises:
        EvidenceError: it is missing in the ledger's database, or is not what its digest says.
    """
    return _once(ledger, digest, lambda text: Keyring.model_validate(json.loads(text)), keyring_digest)


def _once(
    ledger: TextLedger, digest: str, parse: Callable[[str], Parsed], digest_of: Callable[[Parsed], str]
) -> Parsed:
    """Return the parsed text with this digest; each text of a ledger is parsed once."""
    parsed = _parsed.setdefault(ledger, {})
    if digest not in parsed:
        text = ledger.state.stored(digest)
        try:
            made = parse(text) if text is not None else None
        except (AimsError, ValueError):
            made = None
        if made is None or digest_of(made) != digest:
            raise EvidenceError(
                f"what was in force as {digest[:12]} is missing from the ledger's database, or was changed there",
                next="restore the ledger's database",
            )
        if len(parsed) >= MAX_PARSED:
            parsed.clear()
        parsed[digest] = made
    found: Parsed = parsed[digest]
    return found
