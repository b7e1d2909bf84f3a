"""Checks of the keyrings of a ledger, starting at the root, and of the keys of its log."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.canonical import canonical
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.ledger.log import LOG_ROLE
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.signing.keyring import keyring_digest
from aims_mlflow.signing.keyring_history import KeyringHistory, KeyringVersion, checked_history
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from aims_mlflow.audit.report import Step
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf

RESTORE = "what was signed with its keys cannot be judged"
LOOK_AGAIN = "it counted when it was signed, and would not count now: look again at what was sealed since"
# An ended log key may sign for this long, until the server is started with the next one. Whoever has stolen it gains
# nothing by that: the time is in the leaf below, which an older checkpoint of an auditor's excludes.
CHANGEOVER = timedelta(seconds=60)
NEVER = "9998-12-31T00:00:00Z"


def history_of(view: View, step: Step, root: Collection[str] | None) -> KeyringHistory:
    """Return the history of keyrings in a ledger; note its problems in `step`.

    `root` are the key ids of pinned roots; without one, the root of the first keyring is trusted.
    """
    versions = []
    for leaf in view.leaves(types=("keyring",)):
        where, digest = f"leaf {leaf.sequence}, keyring", str(leaf.content.get("keyring_digest"))
        try:
            versions.append(KeyringVersion(leaf.sequence, str(leaf.content["time"]), _keyring(view, digest)))
        except EvidenceError as exc:
            step.wrong(where, exc.what, RESTORE)
    try:
        history = checked_history(versions, root)
    except AimsError as exc:
        step.wrong(exc.where or "keyring", exc.what, "someone who is not the root changed who is trusted")
        return KeyringHistory(tuple(versions))
    if history.newest is None:
        if not step.problems:
            step.wrong("keyring", "the ledger has none", "nobody's signature can be judged")
        return history
    pinned = "the pinned root" if root else "its own root, which is not pinned (AIMS_KEYRING_ROOT)"
    count = f"{len(versions)} version{'' if len(versions) == 1 else 's'}"
    step.said.append(f"{count}, each signed by the root before it, the first by {pinned}")
    return history


def _keyring(view: View, digest: str) -> Keyring:
    text = view.stored(digest)
    if text is None:
        raise EvidenceError(f"its text ({digest[:12]}) is missing")
    try:
        keyring = Keyring.model_validate(json.loads(text))
    except (ValueError, ValidationError, RecursionError):
        raise EvidenceError(f"its text ({digest[:12]}) is no keyring") from None
    if (
        keyring_digest(keyring) != digest
        or canonical(keyring.model_dump(mode="json", exclude_none=True)) != text.encode()
    ):
        raise EvidenceError(f"its text was changed: it is not {digest[:12]}")
    return keyring


def log_keys(history: KeyringHistory) -> list[PublicKey]:
    """Return every key that was ever a log key; `check_signer` decides which were valid for a checkpoint."""
    return [PublicKey.from_pem(entry.pem) for entry in _log_entries(v.keyring for v in history.versions).values()]


def _log_entries(keyrings: Iterable[Keyring]) -> dict[str, KeyEntry]:
    """Return the newest entry of each key that has the role log in one of these keyrings, by key id."""
    return {entry.key_id: entry for keyring in keyrings for entry in keyring.keys if LOG_ROLE in entry.roles}


def check_signer(head: Checkpoint, history: KeyringHistory, last: Leaf | None) -> str | None:
    """Return why a later keyring rejects the log key that signed a checkpoint; None if it accepts the key.

    A checkpoint of n leaves was signed after leaf n-1, so it is judged by the keyring in force there. `last` is the
    newest leaf below the checkpoint that is at hand; its time, unlike a database's column, is below the signature.

    Raises:
        EvidenceError: no log's key signed it, or none that was to sign any more.
    """
    signers = [key for key in log_keys(history) if head.note.signed_by(head.origin, key)]
    if not signers:
        head.verify(log_keys(history))
    verdicts = [_judge(history, key.key_id, head.size, _time(last)) for key in signers]
    good = [later for why, later in verdicts if why is None]
    if not good:
        raise EvidenceError(str(verdicts[0][0]))
    return None if None in good else good[0]


def _time(leaf: Leaf | None) -> str:
    """Return the time in a leaf; without one the latest possible time, at which all keys have expired."""
    try:
        time = leaf.content["time"] if leaf else NEVER
        parse_time(time)
    except (EvidenceError, LookupError, TypeError, ValueError):
        return NEVER
    return str(time)


def _judge(history: KeyringHistory, key_id: str, size: int, time: str) -> tuple[str | None, str | None]:
    """Return (why a log key is invalid for a checkpoint, later findings about the key)."""
    # A server goes on with its key while it seals the keyring that ends it.
    told = [_why_no_log(history, key_id, sequence, time) for sequence in dict.fromkeys((size, size - 1))]
    if None not in told:
        return told[0], None
    now = history.known(key_id)
    if now is None or not now.revoked or parse_time(now.revoked) > parse_time(time):
        return None, None
    return None, f"the log's key {key_id[:12]} was later revoked as of {now.revoked}"


def _why_no_log(history: KeyringHistory, key_id: str, sequence: int, time: str) -> str | None:
    """Return why a log key was no longer valid under the keyring in force at a leaf.

    A log may sign before its key is in the keyring, because the root may add the key later.
    """
    begun = [v.keyring for v in history.versions if v.sequence < sequence]
    since = [*begun[-1:], *(v.keyring for v in history.versions if v.sequence >= sequence)]
    entry = next((found[key_id] for keyring in since if key_id in (found := _log_entries([keyring]))), None)
    who = f"the log's key {key_id[:12]}"
    if entry is None:
        return f"{who} was no log's key any more at leaf {sequence - 1}"
    if entry.revoked and begun and entry == begun[-1].find(key_id):
        return f"{who} was revoked at {entry.revoked}"
    if entry.valid_until and parse_time(entry.valid_until) + CHANGEOVER < parse_time(time):
        return f"{who} was valid until {entry.valid_until}"
    return None
