"""Trusted keys and their roles for evidence that is verified without a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow import settings
from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.records.keyring import KeyEntry
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import load_keyring
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.evidence.verify import KeyLookup

OWN_KEY = "this account's key"
FILE = "keyring.yaml"


def trust_only(key: PublicKey, owner: str = OWN_KEY) -> KeyLookup:
    """Return a lookup with this key only, in the role trainer."""
    return {key.key_id: KeyEntry(key_id=key.key_id, owner=owner, roles=("trainer",), pem=key.pem)}.get


def trust_account(key: PublicKey, account: str) -> KeyLookup:
    """Return a lookup with an account's own key, of which nobody knows whose it is without a keyring."""
    return trust_only(key, f"the operating-system account {account}")


def trusted_keys(files: Iterable[str] = ()) -> KeyLookup:
    """Return the keys to verify with: this account's own, the policy folder's keyring, and those in `files`.

    A later source wins: the keyring says of this account's key which role it has, and until when.

    Raises:
        EvidenceError, Unreachable: a file or the keyring cannot be used.
    """
    keyring = settings.policy_folder() / FILE
    entries = [
        *_own_key(),
        *(load_keyring(keyring).keys if keyring.is_file() else ()),
        *(_entry(_public_key(name), name) for name in files),
    ]
    return {entry.key_id: entry for entry in entries}.get


def _entry(key: PublicKey, owner: str) -> KeyEntry:
    return KeyEntry(key_id=key.key_id, owner=owner, roles=("trainer", "approver"), pem=key.pem)


def _own_key() -> list[KeyEntry]:
    uri = settings.value_of(settings.SIGNING_KEY) or f"file:{settings.signing_key_path()}"
    try:
        return [_entry(load_key(uri).public, OWN_KEY)]
    except AimsError:
        return []


def _public_key(name: str) -> PublicKey:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Unreachable(f"the key cannot be read ({type(exc).__name__})", where=name) from None
    return PublicKey.from_pem(text, name)
