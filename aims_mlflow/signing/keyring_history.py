"""History of the keyrings in force: the leaf that relied on a signature decides which keyring judges the signature.

A keyring is in force from its leaf on. Sequence numbers give the order, and no clock: those of workers differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.signing.keyring import checked_keyring, follow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aims_mlflow.records.keyring import KeyEntry, Keyring


@dataclass(frozen=True)
class KeyringVersion:
    """One version of the keyring, with the sequence and the time of the leaf that put it in force."""

    sequence: int
    since: str
    keyring: Keyring


@dataclass(frozen=True)
class KeyringHistory:
    """Every keyring that was ever in force, oldest first."""

    versions: tuple[KeyringVersion, ...]

    @property
    def newest(self) -> Keyring | None:
        """The keyring in force last."""
        return self.versions[-1].keyring if self.versions else None

    def at(self, sequence: int) -> Keyring | None:
        """Return the keyring in force at a leaf: the last one that was sealed before it."""
        found = [v.keyring for v in self.versions if v.sequence < sequence]
        return found[-1] if found else None

    def known(self, key_id: str) -> KeyEntry | None:
        """Return the newest entry of a key in any of the keyrings."""
        entries = (version.keyring.find(key_id) for version in reversed(self.versions))
        return next((entry for entry in entries if entry is not None), None)


def checked_history(versions: Sequence[KeyringVersion], root_id: str | Collection[str] | None = None) -> KeyringHistory:
    """Return the history if a pinned root signed the first keyring, and each later one may replace the one before.

    `versions` are in the order of their leaves.

    Raises:
        EvidenceError: a version is not signed by a root of the version before, or is not higher than that.
    """
    checked: list[KeyringVersion] = []
    for number, version in enumerate(versions):
        where = f"keyring {number + 1} of {len(versions)} (version {version.keyring.version}, leaf {version.sequence})"
        try:
            if checked:
                keyring = follow(checked[-1].keyring, version.keyring, where, version.since)
            else:
                keyring = checked_keyring(version.keyring, where, root_id)
        except ConfigError as exc:
            raise EvidenceError(exc.what, where=where, next=exc.next) from None
        checked.append(KeyringVersion(version.sequence, version.since, keyring))
    return KeyringHistory(tuple(checked))
