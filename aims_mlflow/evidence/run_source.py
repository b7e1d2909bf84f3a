"""Evidence of a run, a model or a folder that a user names: its checked sessions, and access to its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.model_files import model_folder
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.verify import CheckedSession, KeyLookup, check_session
from aims_mlflow.records.details.attachments import EVENTS
from aims_mlflow.records.documents import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass
class EvidenceSource:
    """Opened evidence: its checked sessions, and access to its files.

    `located` is where MLflow keeps it, None for a folder; `model_digest` that of the model's bytes, None where no
    model was named.
    """

    name: str
    sessions: list[CheckedSession]
    read: Callable[[str], bytes]
    lookup: KeyLookup
    model_digest: str | None = None
    located: tracking.Target | None = None
    files: dict[str, bytes | None] = field(default_factory=dict)

    def file(self, path: str) -> bytes | None:
        """Return a file that a record names; None if it is missing."""
        if path not in self.files:
            try:
                tracking.check_inside(path)
                self.files[path] = self.read(path)
            except AimsError:
                self.files[path] = None
        return self.files[path]


def open_source(target: str, lookup: KeyLookup) -> EvidenceSource:
    """Read the evidence for `target`, and check it against the keys of `lookup`.

    Raises:
        ConfigError, Unreachable: it names nothing that can be read.
    """
    folder = Path(target)
    if folder.is_dir():
        return _from_folder(folder, lookup)
    if ("/" not in target and not tracking.RUN_ID.match(target)) or target.startswith("."):
        raise Unreachable(
            "there is no such folder", where=target, next="name a run, a model (models:/NAME/VERSION) or a folder"
        )
    located = tracking.resolve(target)
    files = tracking.session_files(located.run_id)
    sessions = [_checked(data, name, lookup) for name, data in sorted(files.items())]
    source = EvidenceSource(
        target, sessions, lambda path: tracking.read_file(located.run_id, path), lookup, located=located
    )
    if located.model_id is not None:
        with model_folder(located.model_id) as model:
            source.model_digest = model_digest(model)
    return source


def _from_folder(folder: Path, lookup: KeyLookup) -> EvidenceSource:
    root = folder.parent if folder.name == "aims" else folder
    sessions_at = root / SESSION_DIR if (root / SESSION_DIR).is_dir() else folder
    paths = sorted(p for p in sessions_at.glob("*.jsonl") if p.is_file() and not p.is_symlink())

    def read(path: str) -> bytes:
        place = root / path
        if not place.resolve().is_relative_to(root.resolve()) or not place.is_file():
            raise Unreachable("there is no such file", where=path)
        if place.stat().st_size > MAX_FILE_BYTES:
            raise Unreachable("the file is too large to be evidence", where=path)
        return place.read_bytes()

    return EvidenceSource(str(folder), [_checked(p.read_bytes(), p.name, lookup) for p in paths], read, lookup)


def _checked(data: bytes, name: str, lookup: KeyLookup) -> CheckedSession:
    """Check a session file: a trainer signs evidence, and any role what people say of documents."""
    session = check_session(data, name, lookup)
    signers = [lookup(record.envelope.key_id) for record in session.records]
    roles = {role for entry in signers if entry is not None for role in entry.roles}
    about = {record.evidence.kind for record in session.records if record is not session.manifest}
    return check_session(data, name, lookup, sorted(roles)) if about and about <= {*KINDS, *EVENTS} else session
