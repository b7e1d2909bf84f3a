"""The keyrings that a ledger says were in force, checked from the root on; and the keys of its log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.canonical import canonical
from aims_mlflow.evidence.keyring import keyring_digest
from aims_mlflow.evidence.keyring_history import InForce, KeyringHistory, checked_history
from aims_mlflow.evidence.keys import PublicKey
from aims_mlflow.evidence.log import LOG_ROLE
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.keyring import KeyEntry, Keyring

if TYPE_CHECKING:
    from collections.abc import Collection

    from aims_mlflow.audit.report import Step
    from aims_mlflow.audit.view import View

RESTORE = "what was signed with its keys cannot be judged"


def history_of(view: View, step: Step, root: Collection[str] | None) -> KeyringHistory:
    """Return the history of keyrings in a ledger; what is wrong with it is noted in `step`.

    `root` are the key ids of pinned roots; without one, the first keyring's own root is taken at its word.
    """
    versions = []
    for leaf in view.leaves(types=("keyring",)):
        where, digest = f"leaf {leaf.sequence}, keyring", str(leaf.content.get("keyring_digest"))
        try:
            versions.append(InForce(leaf.sequence, str(leaf.content["time"]), _keyring(view, digest)))
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


def log_keys(history: KeyringHistory) -> list[tuple[PublicKey, KeyEntry]]:
    """Return every key that was ever a log's, with its newest entry."""
    found: dict[str, KeyEntry] = {}
    for version in history.versions:
        found |= {entry.key_id: entry for entry in version.keyring.keys if LOG_ROLE in entry.roles}
    return [(PublicKey.from_pem(entry.pem), entry) for entry in found.values()]


def why_no_log(entry: KeyEntry, time: str) -> str | None:
    """Return why a log key does not count for a checkpoint of `time`, or None when it does."""
    if entry.revoked and parse_time(entry.revoked) <= parse_time(time):
        return f"the log's key {entry.key_id[:12]} was revoked at {entry.revoked}"
    return None
