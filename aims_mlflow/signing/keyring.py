"""keyring.yaml: read, verified against its root, and written again with a higher version.

A root key signs the keyring. The signed content names the roots that may sign the next version: the keys with the role
`root`, or, without any, the key that signed this version. An additional signature therefore gives nobody any right.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.canonical import canonical, digest_of
from aims_mlflow.errors import AimsError, ConfigError, EvidenceError
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.keyring import KeyEntry, Keyring, RootSignature
from aims_mlflow.settings import keyring_roots
from aims_mlflow.signing import dsse
from aims_mlflow.signing.keys import PublicKey, SigningKey
from aims_mlflow.signing.owners import other_spellings
from aims_mlflow.strict_yaml import parse, read

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

PAYLOAD_TYPE = "application/vnd.aims-mlflow.keyring+json"
ROOT_ROLE = "root"
RESTORE = "take the keyring that the root signed, and change it with `aims keys` alone"


def keyring_digest(keyring: Keyring) -> str:
    """Return the sha256 of what the root signs."""
    return digest_of(keyring.unsigned())


def sign_keyring(keyring: Keyring, *roots: SigningKey) -> Keyring:
    """Return the keyring signed by these roots; earlier signatures are removed."""
    payload = canonical(keyring.unsigned())
    signatures = []
    for root in roots:
        sig = base64.b64encode(dsse.sign(payload, root, PAYLOAD_TYPE).signature).decode()
        signatures.append(RootSignature(key_id=root.key_id, pem=root.public.pem, sig=sig))
    return keyring.model_copy(update={"signatures": tuple(signatures)})


def roots_of(keyring: Keyring, at: str | None = None) -> frozenset[str]:
    """Return the key ids that may sign the next version, `at` a time; the signature of `keyring` was checked before.

    Nobody may where each root was revoked, has ended or got another role: its own signature does not bring it back.
    """
    named = [entry for entry in keyring.keys if ROOT_ROLE in entry.roles]
    if named:
        return frozenset(entry.key_id for entry in named if not entry.revoked and not _has_ended(entry, at))
    return frozenset(s.key_id for s in keyring.signatures[:1] if keyring.find(s.key_id) is None)


def _has_ended(entry: KeyEntry, at: str | None) -> bool:
    end = entry.valid_until
    return end is not None and at is not None and parse_time(end) <= parse_time(at)


def load_keyring(path: Path, root_id: str | Collection[str] | None = None) -> Keyring:
    """Read a keyring and check that a root signed it.

    Args:
        path: the file.
        root_id: key ids of pinned roots, one of which must have signed; without it, those of `AIMS_KEYRING_ROOT`.

    Raises:
        Unreachable: the file cannot be read.
        ConfigError: it is not a keyring.
        EvidenceError: no such root signed it.
    """
    return checked_keyring(read(path).validate(Keyring), str(path), root_id)


def parse_keyring(text: str, where: str, root_id: str | Collection[str] | None = None) -> Keyring:
    """Return the keyring in `text` after the checks of `load_keyring`.

    Raises:
        ConfigError: it is not a keyring.
        EvidenceError: no such root signed it.
    """
    return checked_keyring(parse(text, where).validate(Keyring), where, root_id)


def checked_keyring(keyring: Keyring, where: str, root_id: str | Collection[str] | None = None) -> Keyring:
    """Return the keyring with its valid signatures only; a pinned root must have signed it.

    Signatures by others than the pinned root and the keyring's own roots are left out.

    Raises:
        ConfigError: a key has another id than it says, or stands twice.
        EvidenceError: no pinned root signed it.
    """
    seen: set[str] = set()
    for entry in keyring.keys:
        if PublicKey.from_pem(entry.pem, where).key_id != entry.key_id:
            raise ConfigError(f"the key of {entry.owner} has another id than it says", where=where)
        if entry.key_id in seen:
            raise ConfigError(f"the key of {entry.owner} stands twice", where=where)
        seen.add(entry.key_id)
    pinned = _pinned(root_id)
    own = {entry.key_id for entry in keyring.keys if ROOT_ROLE in entry.roles}
    good = [s for s in keyring.signatures if not pinned or s.key_id in pinned | own]
    good = [s for s in good if _signed(keyring, s, where)]
    if not any(not pinned or s.key_id in pinned for s in good):
        named = ", ".join(sorted(pinned)) or "(none at all)"
        raise EvidenceError(f"not signed by the root key {named}", where=where, next=RESTORE)
    return keyring.model_copy(update={"signatures": tuple(sorted(good, key=lambda s: s.key_id not in own))})


def _pinned(root_id: str | Collection[str] | None) -> set[str]:
    if root_id is None:
        return set(keyring_roots())
    return {root_id} if isinstance(root_id, str) else set(root_id)


def _signed(keyring: Keyring, signature: RootSignature, where: str) -> bool:
    """Return whether the key that a signature names made it; a named key with a wrong signature is an error."""
    root = PublicKey.from_pem(signature.pem, where)
    if root.key_id != signature.key_id:
        return False
    try:
        sig = base64.b64decode(signature.sig, validate=True)
    except ValueError:
        raise EvidenceError("the root signature cannot be read", where=where, next=RESTORE) from None
    payload = canonical(keyring.unsigned())
    try:
        dsse.Envelope(payload, PAYLOAD_TYPE, root.key_id, sig, b"").verify(root)
    except EvidenceError:
        raise EvidenceError("the keyring was changed after the root signed it", where=where, next=RESTORE) from None
    return True


def follow(before: Keyring, after: Keyring, where: str, at: str | None = None) -> Keyring:
    """Return `after`, checked, if it may replace `before` at a time: it is higher, and a root of `before` signed it.

    Raises:
        EvidenceError: it may not.
    """
    if after.version <= before.version:
        raise EvidenceError(
            f"the keyring has version {after.version}, and version {before.version} is in force",
            where=where,
            next="a changed keyring needs a higher version: change it with `aims keys`",
        )
    try:
        roots = roots_of(before, at)
        if not roots:  # to `checked_keyring`, no root means that none is pinned
            raise EvidenceError("not signed by the root key: none is left")
        return checked_keyring(after, where, roots)
    except AimsError as exc:
        raise EvidenceError(
            f"version {after.version} may not follow version {before.version}: {exc.what}", where=where
        ) from None


def find_key(keyring: Keyring, name: str) -> KeyEntry:
    """Return the one key with this id, this beginning of an id, or this owner.

    Raises:
        ConfigError: none is meant, or several are.
    """
    by_id = [k for k in keyring.keys if len(name) >= 8 and k.key_id.startswith(name.lower())]
    found = by_id or [k for k in keyring.keys if k.owner == name and not k.revoked]
    if len(found) != 1:
        what = "no key" if not found else f"{len(found)} keys"
        raise ConfigError(f"{what} of the keyring can be meant by {name!r}", next="`aims keys list` shows their ids")
    return found[0]


def _next(keyring: Keyring, *changed: KeyEntry) -> Keyring:
    by_id = {entry.key_id: entry for entry in (*keyring.keys, *changed)}
    return Keyring(version=keyring.version + 1, keys=tuple(by_id.values()))


def add_key(keyring: Keyring, entry: KeyEntry) -> Keyring:
    """Return the next version of the keyring with one more key.

    Raises:
        ConfigError: the key is already in it, or its owner is there under another spelling.
    """
    here = keyring.find(entry.key_id)
    if here is not None:
        roles = " ".join(f"--role {role}" for role in dict.fromkeys((*here.roles, *entry.roles)))
        raise ConfigError(
            f"the keyring already has this key ({entry.key_id}), of {here.owner} as {', '.join(here.roles)}",
            next="roles of a key never change: for others make a second key with all roles (`aims keys new NEW.pem`, "
            f"`aims keys add NEW.pub.pem --owner {here.owner!r} {roles}`), and revoke this one",
        )
    spelt = other_spellings(entry.owner, (k.owner for k in keyring.keys))
    if spelt:
        raise ConfigError(
            f"{entry.owner!r} is the same person as {spelt[0]!r}, whom the keyring has already",
            next=f"add the key with --owner {spelt[0]!r}, or give another person a name that cannot be taken for it",
        )
    return _next(keyring, entry)


def require_one_spelling(keyring: Keyring, where: str) -> None:
    """Refuse a keyring that has one person under two spellings.

    Raises:
        ConfigError: it has; the sentence names both.
    """
    owners = [entry.owner for entry in keyring.keys]
    for owner in owners:
        for other in other_spellings(owner, owners):
            what = f"{owner!r} and {other!r} are one person: case, spaces, marks and look-alike letters make no other"
            raise ConfigError(what, where=where, next="write both with one spelling, and sign the keyring again")


def revoke_key(keyring: Keyring, name: str, time: str) -> Keyring:
    """Return the next version, in which signatures of the key from `time` on do not count.

    Raises:
        ConfigError: no one key is meant, or it was revoked from an earlier time already.
    """
    entry = find_key(keyring, name)
    if entry.revoked and parse_time(entry.revoked) <= parse_time(time):
        raise ConfigError(f"the key of {entry.owner} is revoked since {entry.revoked}")
    return _next(keyring, entry.model_copy(update={"revoked": time}))


def rotate_key(keyring: Keyring, name: str, new: PublicKey, time: str) -> Keyring:
    """Return the next version, in which `new` replaces the key from `time` on, with the same owner and roles.

    Raises:
        ConfigError: no one key is meant, it is no longer valid, or the new one is known.
    """
    old = find_key(keyring, name)
    if old.revoked or (old.valid_until and parse_time(old.valid_until) <= parse_time(time)):
        raise ConfigError(f"the key of {old.owner} is not valid any more", next="`aims keys add` trusts a new one")
    follower = KeyEntry(
        key_id=new.key_id, owner=old.owner, roles=old.roles, pem=new.pem, valid_from=time, valid_until=old.valid_until
    )
    ended = old.model_copy(update={"valid_until": time})
    return _next(add_key(keyring, follower), ended).model_copy(update={"version": keyring.version + 1})


def rotate_root(keyring: Keyring, old: SigningKey, new: SigningKey, owner: str) -> Keyring:
    """Return the next version, signed by both roots; only the new root may sign later versions.

    Raises:
        ConfigError: the new root is the old one, or has another role.
        EvidenceError: the old one is not the keyring's root.
    """
    if old.key_id not in roots_of(keyring):
        raise EvidenceError(f"{old.key_id} is not the root of this keyring", next="name the root key with --root")
    if keyring.find(new.key_id) or new.key_id == old.key_id:
        raise ConfigError("a new root needs a key of its own", next="`aims keys new FILE` makes one")
    now = utc_text()
    ended = [k.model_copy(update={"revoked": now}) for k in keyring.keys if ROOT_ROLE in k.roles and not k.revoked]
    entry = KeyEntry(key_id=new.key_id, owner=owner, roles=(ROOT_ROLE,), pem=new.public.pem, valid_from=now)
    return sign_keyring(_next(keyring, *ended, entry), new, old)


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write keyring.yaml completely, or leave the old file."""
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(keyring_text(keyring), encoding="utf-8")
    part.replace(path)


def keyring_text(keyring: Keyring) -> str:
    """Return the keyring as the text of its file."""
    data: Any = keyring.model_dump(mode="json", exclude_none=True)
    text = "# Trusted keys, signed by the root. Change it with `aims keys`, never by hand.\n"
    return text + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
