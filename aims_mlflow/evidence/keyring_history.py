"""The keyrings that were in force, each from its time on: a signature is judged by that of its decision's time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence.keyring import checked_keyring, follow
from aims_mlflow.records.base import parse_time

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aims_mlflow.records.keyring import KeyEntry, Keyring, Role


@dataclass(frozen=True)
class InForce:
    """One version of the keyring, and the time from which it was in force."""

    since: str
    keyring: Keyring


@dataclass(frozen=True)
class Verdict:
    """What the keyring of its time says of a signature: `why_not` None means that it counted.

    `later` is set where a later keyring revoked the key as of a time before the signature: it counted when it was
    decided on, and would not count now.
    """

    entry: KeyEntry | None
    why_not: str | None
    later: str | None = None


@dataclass(frozen=True)
class KeyringHistory:
    """Every keyring that was ever in force, oldest first."""

    versions: tuple[InForce, ...]

    @property
    def newest(self) -> Keyring | None:
        """The keyring in force last."""
        return self.versions[-1].keyring if self.versions else None

    def at(self, time: str) -> Keyring | None:
        """Return the keyring that was in force at a time."""
        moment = parse_time(time)
        found = [v.keyring for v in self.versions if parse_time(v.since) <= moment]
        return found[-1] if found else None

    def known(self, key_id: str) -> KeyEntry | None:
        """Return the newest entry of a key that any of the keyrings has."""
        entries = (version.keyring.find(key_id) for version in reversed(self.versions))
        return next((entry for entry in entries if entry is not None), None)

    def judge(self, key_id: str, roles: Sequence[Role], signed: str, decided: str) -> Verdict:
        """Judge a signature of time `signed` by the keyring that was in force when it was relied on (`decided`)."""
        keyring = self.at(decided)
        if keyring is None:
            return Verdict(None, f"no keyring was in force at {decided}")
        entry = keyring.find(key_id)
        if entry is None:
            where = "it is in a later one" if self.known(key_id) else "nor in any other"
            return Verdict(
                None, f"key {key_id} is not in the keyring of {decided} (version {keyring.version}), {where}"
            )
        why = entry.why_not(roles, signed)
        now = self.known(key_id)
        if why or now is None or not now.revoked or parse_time(now.revoked) > parse_time(signed):
            return Verdict(entry, why)
        return Verdict(entry, None, f"the key of {now.owner} was later revoked as of {now.revoked}")


def checked_history(versions: Sequence[InForce], root_id: str | Collection[str] | None = None) -> KeyringHistory:
    """Return the history, when a pinned root signed the first keyring and each later one may follow the one before.

    Raises:
        EvidenceError: a version is not signed by a root of the version before, or their order is broken.
    """
    checked: list[InForce] = []
    for number, version in enumerate(versions):
        where = f"keyring {number + 1} of {len(versions)} (version {version.keyring.version}, {version.since})"
        if checked and parse_time(version.since) < parse_time(checked[-1].since):
            raise EvidenceError("it is older than the one before it", where=where)
        try:
            if checked:
                keyring = follow(checked[-1].keyring, version.keyring, where)
            else:
                keyring = checked_keyring(version.keyring, where, root_id)
        except ConfigError as exc:
            raise EvidenceError(exc.what, where=where, next=exc.next) from None
        checked.append(InForce(version.since, keyring))
    return KeyringHistory(tuple(checked))
