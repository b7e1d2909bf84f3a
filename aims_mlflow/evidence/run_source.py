"""Where a command's evidence comes from: a run, a model, or a folder; and which keys are trusted for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow import settings
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError, Unreachable
from aims_mlflow.evidence import statement, tracking
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL, SESSION_DIR
from aims_mlflow.evidence.verify import CheckedSession, KeyLookup, Problem, check_session, check_signature
from aims_mlflow.records.keyring import KeyEntry
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import load_keyring
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILE_BYTES = 64 * 1024 * 1024

keys_option = click.option(
    "--key", "keys", multiple=True, type=click.Path(), help="Trust the public key in this PEM file too."
)


@dataclass
class Source:
    """Opened evidence: its checked sessions, and a way to its files."""

    name: str
    sessions: list[CheckedSession]
    read: Callable[[str], bytes]
    lookup: KeyLookup
    model_digest: str | None = None
    found: tracking.Target | None = None
    model_line: str = "No model was named: its bytes were not compared."
    files: dict[str, bytes | None] = field(default_factory=dict)

    def file(self, path: str) -> bytes | None:
        """Return a file that a record names; None where it is not there."""
        if path not in self.files:
            try:
                tracking.check_inside(path)
                self.files[path] = self.read(path)
            except AimsError:
                self.files[path] = None
        return self.files[path]

    def page_problems(self) -> list[Problem]:
        """Return what is wrong with aims/index.html, which is signed on its own."""
        seal, page = self.file(PAGE_SEAL), self.file(PAGE)
        if seal is None and page is None:
            return []
        if seal is None or page is None:
            return [Problem(PAGE, "the page or its seal is missing", "the page shows nothing that can be relied on")]
        try:
            record = statement.read(seal.removesuffix(b"\n"), PAGE_SEAL)
            check_signature(record, self.lookup)
        except EvidenceError as exc:
            return [Problem(PAGE_SEAL, exc.what, "the page's seal was changed, or its key is not known")]
        if [a.sha256 for a in record.evidence.artifacts] != [sha256_hex(page)]:
            return [Problem(PAGE, "the page's content changed", "it does not show what the signed records say")]
        return []


def trusted(keys: tuple[str, ...]) -> KeyLookup:
    """Return the keys to verify with: the policy folder's keyring, this account's own key, and named files.

    Raises:
        EvidenceError, Unreachable: a named key or the keyring cannot be used.
    """
    entries: dict[str, KeyEntry] = {}
    for entry in _own_keys():
        entries[entry.key_id] = entry
    folder = settings.policy_folder()
    if (folder / "keyring.yaml").is_file():
        for entry in load_keyring(folder / "keyring.yaml").keys:
            entries[entry.key_id] = entry
    for name in keys:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise Unreachable(f"the key cannot be read ({type(exc).__name__})", where=name) from None
        key = PublicKey.from_pem(text, name)
        entries[key.key_id] = _entry(key, name)
    return entries.get


def _entry(key: PublicKey, owner: str) -> KeyEntry:
    return KeyEntry(key_id=key.key_id, owner=owner, roles=("trainer", "approver"), pem=key.pem)


def _own_keys() -> list[KeyEntry]:
    uri = settings.value_of(settings.SIGNING_KEY) or f"file:{settings.signing_key_path()}"
    try:
        return [_entry(load_key(uri).public, "this account's key")]
    except AimsError:
        return []


def open_source(target: str, keys: tuple[str, ...], known: KeyLookup | None = None) -> Source:
    """Read and check the evidence that `target` names; `known` are the keys to trust instead of those found here.

    Raises:
        ConfigError, Unreachable: it names nothing that can be read.
    """
    lookup = known or trusted(keys)
    folder = Path(target)
    if folder.is_dir():
        return _from_folder(folder, lookup)
    if ("/" not in target and not tracking.RUN_ID.match(target)) or target.startswith("."):
        raise Unreachable(
            "there is no such folder", where=target, next="name a run, a model (models:/NAME/VERSION) or a folder"
        )
    found = tracking.resolve(target)
    sessions = [
        check_session(data, name, lookup) for name, data in sorted(tracking.session_files(found.run_id).items())
    ]
    source = Source(target, sessions, lambda path: tracking.read_file(found.run_id, path), lookup, found=found)
    if found.model_id is not None:
        with tracking.model_folder(found.model_id) as model:
            source.model_digest = model_digest(model)
    return source


def _from_folder(folder: Path, lookup: KeyLookup) -> Source:
    root = folder.parent if folder.name == "aims" else folder
    sessions_at = root / SESSION_DIR if (root / SESSION_DIR).is_dir() else folder
    found = sorted(p for p in sessions_at.glob("*.jsonl") if p.is_file() and not p.is_symlink())

    def read(path: str) -> bytes:
        place: Any = root / path
        if not place.resolve().is_relative_to(root.resolve()) or not place.is_file():
            raise Unreachable("there is no such file", where=path)
        if place.stat().st_size > MAX_FILE_BYTES:
            raise Unreachable("the file is too large to be evidence", where=path)
        content: bytes = place.read_bytes()
        return content

    return Source(str(folder), [check_session(p.read_bytes(), p.name, lookup) for p in found], read, lookup)
