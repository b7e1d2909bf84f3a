"""What documents are compared with: folder, keyring, and the evidence that is named or that the register leads to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow import settings
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.registered_models import name_filter
from aims_mlflow.evidence.trust import FILE, trusted_keys
from aims_mlflow.management.evidence_view import EvidenceView, read_evidence
from aims_mlflow.management.folder import NAME, Folder, find_folder, read_folder
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.signing.keyring import load_keyring

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.keyring import Keyring

MOST_VERSIONS = 20


def local_keyring() -> Keyring | None:
    """Return the keyring of the policy folder; None where there is none.

    Raises:
        EvidenceError, ConfigError: it is not signed by its root, or not valid.
    """
    path = settings.policy_folder() / FILE
    return load_keyring(path) if path.is_file() else None


def gather(
    folder: Path | None = None, evidence: Iterable[str] = (), *, make: bool = False, for_print: bool = False
) -> LintContext:
    """Read the management folder, the keyring and the evidence of the targets that are named.

    `make` makes the folder where there is none; `for_print` takes one that is not there as empty.

    Raises:
        Unreachable: there is no folder, or it cannot be read.
    """
    try:
        root = find_folder(folder, make=make)
    except Unreachable:
        if not for_print or folder is not None:
            raise
        root = None
    read = read_folder(root) if root else Folder(Path(NAME))
    targets = list(evidence)
    view = read_evidence(targets, trusted_keys()) if targets else EvidenceView()
    return LintContext(read, view, local_keyring(), datetime.now(UTC).strftime("%Y-%m-%d"))


def registered_versions(around: LintContext, system: str | None) -> list[str]:
    """Return the addresses of the newest versions of a system's registered models, as its register entry names them.

    Raises:
        Unreachable: the registry does not answer.
    """
    entry = around.systems.get(system or "")
    out = []
    for model in entry.models if entry else ():
        with tracking.reaching(f"list the versions of {model}"):
            found = tracking.client().search_model_versions(name_filter(model), max_results=MOST_VERSIONS)
        out += [f"models:/{model}/{v.version}" for v in found]
    return out
