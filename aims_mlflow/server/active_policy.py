"""The policy and keyring in force: read from the server's folder, shared by workers through the ledger's database."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import AimsError, ConfigError, EvidenceError, KeyUnavailable, Unreachable
from aims_mlflow.gates.policy import FILE, load_policy
from aims_mlflow.gates.policy_levels import policy_text
from aims_mlflow.gates.rules_in_force import RulesInForce, keyring_of, read_rules
from aims_mlflow.ledger.in_force import in_force
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.log import LOG_OWNER, LOG_ROLE, log_key
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.records.leaves.others import FindingLeaf, KeyringLeaf, PolicyLeaf
from aims_mlflow.registers.findings import Finding, record
from aims_mlflow.server.proved_rules import ProvedRules
from aims_mlflow.settings import (
    LOG_KEY,
    POLICY,
    ROOT_KEY,
    keyring_roots,
    log_key_path,
    policy_folder,
    root_key_path,
    value_of,
    wait_seconds,
)
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import (
    follow,
    keyring_digest,
    load_keyring,
    require_one_spelling,
    sign_keyring,
    write_keyring,
)
from aims_mlflow.signing.keys import write_new_key
from aims_mlflow.signing.lasting_home import how_to_keep, why_home_passes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from aims_mlflow.gates.policy_levels import Level
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.signing.keys import SigningKey

KEYRING = "keyring.yaml"
Parsed = TypeVar("Parsed")
_log = logging.getLogger(__name__)


def init_policy(folder: Path, anywhere: Collection[str] = (), level: Level = "starter") -> SigningKey:
    """Write policy.yaml with the policy of a level, and a keyring with the log's key only, signed by a root key.

    Keys that are missing are made in the home folder where it lasts; those in `anywhere` (`root`, `log`) also where it
    may not last. If anything fails, nothing that was made stays. Returns the root key.

    Raises:
        ConfigError: the folder has a policy already.
        KeyUnavailable: a key cannot be read, or made.
    """
    if (folder / FILE).exists() or (folder / KEYRING).exists():
        raise ConfigError("the folder has a policy already", where=str(folder), next="edit it, or name another folder")
    _require_keys_that_last(folder, anywhere)
    with contextlib.ExitStack() as undo:
        if not root_key_path().exists() and not value_of(ROOT_KEY):
            write_new_key(root_key_path())
            undo.callback(root_key_path().unlink)
        root = load_key(value_of(ROOT_KEY) or f"file:{root_key_path()}", ROOT_KEY)
        if not log_key_path().exists():
            undo.callback(log_key_path().unlink, missing_ok=True)
        log = log_key(anywhere=True)
        entry = KeyEntry(
            key_id=log.key_id, owner=LOG_OWNER, roles=(LOG_ROLE,), pem=log.public.pem, valid_from=utc_text()
        )
        if not folder.exists():
            undo.callback(_remove_if_empty, folder)
        for name in (KEYRING, FILE):
            undo.callback((folder / name).unlink, missing_ok=True)
        write_keyring(folder / KEYRING, sign_keyring(Keyring(version=1, keys=(entry,)), root))
        (folder / FILE).write_text(policy_text(level), encoding="utf-8")
        undo.pop_all()
    return root


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _require_keys_that_last(folder: Path, anywhere: Collection[str]) -> None:
    """Refuse to make keys where they may be lost, before any is made."""
    places = {"root": (ROOT_KEY, root_key_path()), "log": (LOG_KEY, log_key_path())}
    lacking = {name: v for name, (v, path) in places.items() if not value_of(v) and not path.exists()}
    why = why_home_passes() if set(lacking) - set(anywhere) else None
    if why:
        keys = " and ".join(f"no {name} key" for name in lacking)
        command = "aims gate init" if folder == policy_folder() else f"aims gate init {folder}"
        how = how_to_keep(f"{command} --keys-here", *lacking.values())
        raise KeyUnavailable(f"there is {keys}, and none is made because {why}", next=how)


class ActivePolicy:
    """Reads the folder after each change; an invalid one is a finding, and the last valid one stays in force."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.folder = folder
        self.findings: tuple[str, ...] = ()
        self._ledger = ledger
        self._proof = ProvedRules(ledger)
        self._seen: tuple[object, ...] | None = None
        self._lock = threading.Lock()

    def current(self, for_all: ModelLeaves | None = None) -> RulesInForce:
        """Return the policy and keyring in force: those that the newest sealed leaves name, for all workers.

        `for_all` are the ledger's leaves that hold for every model, where they have just been read.

        Raises:
            ConfigError: there never was a valid policy.
            Unreachable: the ledger does not answer, or does not hold what it says is in force.
        """
        changed = self._refresh_alone()
        if for_all is None or changed:
            for_all = self._ledger.for_all()
        active = in_force(for_all)
        if "policy" not in active or "keyring" not in active:
            raise ConfigError(
                "the registry has no valid policy: " + "; ".join(self.findings), next="`aims gate lint` on the server"
            )
        try:
            self._proof.require(for_all)
            return read_rules(self._ledger, active["policy"], active["keyring"])
        except EvidenceError as exc:
            raise Unreachable(exc.what, next=exc.next) from exc

    def require(self) -> None:
        """Refuse to go on where no valid policy is in force: a server would refuse everything.

        Raises:
            ConfigError: there never was a valid policy; the sentence has the folder and what is wrong with it.
            Unreachable: the ledger does not answer, or does not hold what it says is in force.
        """
        try:
            self.current()
        except ConfigError as exc:
            make = f"`aims gate init {self.folder}` writes a policy there"
            if not self.folder.is_dir():
                what = "there is no such policy folder"
                raise ConfigError(what, where=str(self.folder), next=f"correct {POLICY}; {make}") from exc
            fix = f"`aims gate lint {self.folder}` checks it again"
            is_empty = not any((self.folder / name).exists() for name in (FILE, KEYRING))
            raise ConfigError(exc.what, where=str(self.folder), next=make if is_empty else fix) from exc

    def _refresh_alone(self) -> bool:
        """Refresh in one thread at a time; each may wait for the ledger, and those behind it do not wait for all."""
        if not self._lock.acquire(timeout=wait_seconds()):
            raise Unreachable("the policy's folder is being read for too long", next="check its disk, and the ledger")
        try:
            return self._refresh()
        finally:
            self._lock.release()

    def _refresh(self) -> bool:
        """Read the folder's changed files; return whether there were any."""
        marks = tuple(_mark(self.folder / name) for name in (FILE, KEYRING))
        if marks == self._seen:
            return False
        findings = []
        for take in (self._take_policy, self._take_keyring):
            try:
                take()
            except Unreachable:  # the ledger, not the folder, which is read again at the next decision
                raise
            except AimsError as exc:
                # Clients read findings too, and the folder's place is nobody's business but the server's.
                findings.append(exc.sentence().replace(f"{self.folder}{os.sep}", ""))
                active = {"policy", "keyring"} <= set(self._ledger.in_force())
                effect = "the last good policy stays in force" if active else "everything is refused without a policy"
                _log.error("aims: %s: %s", effect, exc.sentence())
        self.findings = tuple(findings)
        invalid = [FindingLeaf(about="policy", text_sha256=sha256_hex(text.encode())) for text in findings]
        record(self._ledger, ("policy",), [Finding(*each) for each in zip(invalid, findings, strict=True)])
        self._seen = marks
        return True

    def _take_policy(self) -> None:
        loaded = _from_folder(lambda: load_policy(self.folder))
        # A text that was stored once under its digest stays as it is: only comments can differ.
        text = self._ledger.state.stored(loaded.digest) or (self.folder / FILE).read_text(encoding="utf-8")
        self._ledger.put_in_force("policy", loaded.digest, text, policy_entry(loaded.digest, text))

    def _take_keyring(self) -> None:
        active = self._ledger.in_force().get("keyring")
        before = keyring_of(self._ledger, active) if active else None
        pinned = keyring_roots() or (before.signatures[0].key_id if before else None)
        keyring = _from_folder(lambda: load_keyring(self.folder / KEYRING, pinned))
        digest = keyring_digest(keyring)
        if digest != active:
            require_one_spelling(keyring, KEYRING)
        if before is not None and digest != active and keyring.version <= before.version:
            raise EvidenceError(
                f"keyring.yaml has version {keyring.version}, version {before.version} is in force",
                next="a changed keyring needs a higher version: change it with `aims keys`",
            )
        if before is not None and digest != active:
            keyring = follow(before, keyring, KEYRING, utc_text())
        content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
        leaf = KeyringLeaf(keyring_digest=digest, version=str(keyring.version), request=uuid7())
        self._ledger.put_in_force("keyring", digest, content, Entry(leaf))


def policy_entry(digest: str, text: str) -> Entry:
    """Return the leaf that puts a policy in force: with the digest of its content, and that of its text."""
    leaf = PolicyLeaf(policy_digest=digest, text_sha256=sha256_hex(text.encode()), request=uuid7())
    return Entry(leaf)


def _from_folder(load: Callable[[], Parsed]) -> Parsed:
    """Read a file of the folder; an unreadable file counts as invalid."""
    try:
        return load()
    except Unreachable as exc:
        raise ConfigError(exc.what, where=exc.where, next=exc.next) from exc


def _mark(path: Path) -> object:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
