"""keyring.yaml: read, verified against its root, and written again with a higher version."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence import dsse
from aims_mlflow.evidence.canonical import canonical, digest_of
from aims_mlflow.evidence.keys import PublicKey, SigningKey
from aims_mlflow.records.keyring import KeyEntry, Keyring, RootSignature
from aims_mlflow.strict_yaml import read

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD_TYPE = "application/vnd.aims-mlflow.keyring+json"
ROOT = "AIMS_KEYRING_ROOT"


def keyring_digest(keyring: Keyring) -> str:
    """Return the sha256 of what the root signs."""
    return digest_of(keyring.unsigned())


def sign_keyring(keyring: Keyring, root: SigningKey) -> Keyring:
    """Return the keyring with the root's signature in place of earlier ones."""
    envelope = dsse.sign(canonical(keyring.unsigned()), root, PAYLOAD_TYPE)
    signature = RootSignature(
        key_id=root.key_id, pem=root.public.pem, sig=base64.b64encode(envelope.signature).decode()
    )
    return keyring.model_copy(update={"signatures": (signature,)})


def load_keyring(path: Path, root_id: str | None = None) -> Keyring:
    """Read a keyring and check that the root signed it.

    `root_id` is the pinned root's key id; without it, `AIMS_KEYRING_ROOT` is, where set.

    Raises:
        Unreachable: the file cannot be read.
        ConfigError: it is not a keyring.
        EvidenceError: the root did not sign it.
    """
    keyring = read(path).validate(Keyring)
    pinned = root_id or os.environ.get(ROOT)
    again = "sign it again with the root key: `aims keys add ...` or `aims keys sign`"
    for entry in keyring.keys:
        if PublicKey.from_pem(entry.pem, str(path)).key_id != entry.key_id:
            raise ConfigError(f"the key of {entry.owner} has another id than it says", where=str(path))
    for signature in keyring.signatures:
        root = PublicKey.from_pem(signature.pem, str(path))
        if root.key_id != signature.key_id or (pinned and root.key_id != pinned):
            continue
        try:
            sig = base64.b64decode(signature.sig, validate=True)
        except ValueError:
            raise EvidenceError("the root signature cannot be read", where=str(path), next=again) from None
        payload = canonical(keyring.unsigned())
        try:
            dsse.Envelope(payload, PAYLOAD_TYPE, root.key_id, sig, b"").verify(root)
        except EvidenceError:
            raise EvidenceError(
                "the keyring was changed after the root signed it", where=str(path), next=again
            ) from None
        return keyring
    raise EvidenceError(f"not signed by the root key {pinned or '(none at all)'}", where=str(path), next=again)


def add_key(keyring: Keyring, entry: KeyEntry) -> Keyring:
    """Return the next version of the keyring with one more key.

    Raises:
        ConfigError: the key is already in it.
    """
    if keyring.find(entry.key_id):
        raise ConfigError(f"the keyring already has this key ({entry.key_id})", next="`aims keys list` shows it")
    return Keyring(version=keyring.version + 1, keys=(*keyring.keys, entry))


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write keyring.yaml whole or not at all."""
    data: Any = keyring.model_dump(mode="json", exclude_none=True)
    text = "# Trusted keys, signed by the root. Change it with `aims keys`, never by hand.\n"
    text += yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
