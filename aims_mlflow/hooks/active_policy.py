"""The policy and keyring that are in force: read from the server's folder, agreed on through the ledger's database."""

from __future__ import annotations

import functools
import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError, ConfigError, EvidenceError
from aims_mlflow.evidence.canonical import canonical
from aims_mlflow.evidence.keyring import ROOT, keyring_digest, load_keyring, sign_keyring, write_keyring
from aims_mlflow.evidence.keys import aims_home, load_key, write_new_key
from aims_mlflow.gates.policy import FILE, LoadedPolicy, default_policy_text, load_policy, parse_policy
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.keyring import Keyring

if TYPE_CHECKING:
    from aims_mlflow.evidence.ledger import Ledger

POLICY = "AIMS_POLICY"
KEYRING = "keyring.yaml"
_log = logging.getLogger(__name__)


def policy_folder() -> Path:
    """Return the server's policy folder: `AIMS_POLICY`, else `$AIMS_HOME/policy`."""
    named = os.environ.get(POLICY)
    return Path(named).expanduser() if named else aims_home() / "policy"


def root_key_path() -> Path:
    """Return where the root key lies that signs the default keyring."""
    return aims_home() / "keys" / "root.pem"


def init_policy(folder: Path) -> None:
    """Write policy.yaml with the default policy and an empty keyring signed by a root key (made where missing).

    Raises:
        ConfigError: the folder has a policy already.
    """
    if (folder / FILE).exists() or (folder / KEYRING).exists():
        raise ConfigError("the folder has a policy already", where=str(folder), next="edit it, or name another folder")
    path = root_key_path()
    root = load_key(f"file:{path}") if path.exists() else write_new_key(path)
    write_keyring(folder / KEYRING, sign_keyring(Keyring(version=1), root))
    (folder / FILE).write_text(default_policy_text(), encoding="utf-8")


class ActivePolicy:
    """Reads the folder when it changed; an invalid one leaves the last good one in force and is a finding."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.folder = folder
        self.findings: tuple[str, ...] = ()
        self._ledger = ledger
        self._seen: tuple[object, ...] | None = None
        self._lock = threading.Lock()

    def current(self) -> tuple[LoadedPolicy, Keyring, str]:
        """Return the policy, the keyring and the keyring's digest that every worker goes by now.

        Raises:
            ConfigError: there never was a valid policy.
        """
        with self._lock:
            self._refresh()
        policy, keyring = self._ledger.active("policy"), self._ledger.active("keyring")
        if policy is None or keyring is None:
            raise ConfigError(
                "the registry has no valid policy: " + "; ".join(self.findings), next="`aims gate lint` on the server"
            )
        return _parsed_policy(policy[1], FILE), _parsed_keyring(keyring[1]), keyring[0]

    def _refresh(self) -> None:
        marks = tuple(_mark(self.folder / name) for name in (FILE, KEYRING))
        if marks == self._seen:
            return
        self._seen = marks
        findings = []
        for take in (self._take_policy, self._take_keyring):
            try:
                take()
            except AimsError as exc:
                findings.append(exc.sentence())
                _log.error("aims: the last good policy stays in force: %s", exc.sentence())
                self._ledger.append("finding", {"about": "policy"}, {"text": exc.sentence()}, request=uuid7())
        self.findings = tuple(findings)

    def _take_policy(self) -> None:
        loaded = load_policy(self.folder)
        text = (self.folder / FILE).read_text(encoding="utf-8")
        if self._ledger.activate("policy", loaded.digest, text):
            self._ledger.append("policy", {"policy_digest": loaded.digest}, request=uuid7())

    def _take_keyring(self) -> None:
        active = self._ledger.active("keyring")
        before = _parsed_keyring(active[1]) if active else None
        pinned = os.environ.get(ROOT) or (before.signatures[0].key_id if before else None)
        keyring = load_keyring(self.folder / KEYRING, pinned)
        digest = keyring_digest(keyring)
        if before is not None and active is not None and digest != active[0] and keyring.version <= before.version:
            raise EvidenceError(
                f"keyring.yaml has version {keyring.version}, version {before.version} is in force",
                next="a changed keyring needs a higher version: change it with `aims keys`",
            )
        content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
        if self._ledger.activate("keyring", digest, content):
            self._ledger.append("keyring", {"keyring_digest": digest, "version": keyring.version}, request=uuid7())


def _mark(path: Path) -> object:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


@functools.lru_cache(maxsize=8)
def _parsed_policy(text: str, name: str) -> LoadedPolicy:
    return parse_policy(text, name)


@functools.lru_cache(maxsize=8)
def _parsed_keyring(text: str) -> Keyring:
    return Keyring.model_validate(json.loads(text))
