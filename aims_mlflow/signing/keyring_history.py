"""History of the keyrings in force: the leaf that relied on a signature decides which keyring judges the signature.

A keyring is in force from its leaf on. Sequence numbers give the order, since the clocks of workers differ. Times only
limit which earlier versions a worker may still have used while another worker sealed the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.records.base import parse_time
from aims_mlflow.signing.keyring import checked_keyring, follow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aims_mlflow.records.keyring import KeyEntry, Keyring, Role


# Workers' clocks may differ by this much.
CLOCKS = timedelta(seconds=60)


@dataclass(frozen=True)
class KeyringVersion:
    """One version of the keyring, with the sequence and the time of the leaf that put it in force."""

    sequence: int
    since: str
    keyring: Keyring


@dataclass(frozen=True)
class Verdict:
    """Whether a signature counted under the keyring of its leaf: it did if `why_not` is None.

    `later` is set where a later keyring revoked the key as of a time before the sealing: it counted when it was
    decided on, and would not count now.
    """

    entry: KeyEntry | None
    why_not: str | None
    later: str | None = None


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

    def judge(self, key_id: str, roles: Sequence[Role], sealed: str, sequence: int, decided: str) -> Verdict:
        """Judge a signature that the leaf with this sequence sealed, at the ledger's time `sealed`.

        `decided` is when the leaf's worker read the keyring: one that was put in force less than a minute before, or
        since then, may have stood aside while the worker still went by the one before it.
        """
        entry, why = None, f"no keyring was in force at leaf {sequence}"
        for number, keyring in enumerate(self._possible(sequence, decided)):
            found = keyring.find(key_id)
            said = found.why_not(roles, sealed) if found else self._unknown(key_id, keyring, sequence)
            if number == 0 or said is None:
                entry, why = found, said or ""
            if said is None:
                break
        return Verdict(entry, why or None, None if why else self._revoked_later(key_id, sealed))

    def _possible(self, sequence: int, decided: str) -> list[Keyring]:
        """Return the keyrings that a leaf's worker may have used, newest first."""
        moment, out = parse_time(decided) - CLOCKS, []
        for version in reversed([v for v in self.versions if v.sequence < sequence]):
            out.append(version.keyring)
            if parse_time(version.since) <= moment:
                break
        return out

    def _unknown(self, key_id: str, keyring: Keyring, sequence: int) -> str:
        where = "it is in a later one" if self.known(key_id) else "nor in any other"
        return f"key {key_id} is not in the keyring of leaf {sequence} (version {keyring.version}), {where}"

    def _revoked_later(self, key_id: str, sealed: str) -> str | None:
        """Return why the newest keyring rejects a signature that counted."""
        now = self.known(key_id)
        if now is None or not now.revoked or parse_time(now.revoked) > parse_time(sealed):
            return None
        return f"the key of {now.owner} was later revoked as of {now.revoked}"


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
                keyring = follow(checked[-1].keyring, version.keyring, where)
            else:
                keyring = checked_keyring(version.keyring, where, root_id)
        except ConfigError as exc:
            raise EvidenceError(exc.what, where=where, next=exc.next) from None
        checked.append(KeyringVersion(version.sequence, version.since, keyring))
    return KeyringHistory(tuple(checked))
