"""Creation of a bundle: one file with all evidence of a system, which an auditor verifies offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import aims_mlflow
from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import Step
from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import ConfigError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.collect import Collector
from aims_mlflow.exports.bundle.how_to import render_how_to
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.site import site_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.exports.bundle.collect import Fetch
    from aims_mlflow.ledger.ledger import Ledger

AuditStage = Literal["stage1", "stage2", "surveillance", "recertification"]
STAGES: dict[AuditStage, str] = {
    "stage1": "published documents, cards, data sheets, policies, keyrings, and what was decided by them",
    "stage2": "all evidence",
    "surveillance": "evidence since the last audit (--since), and that of what is in use",
    "recertification": "all evidence of the cycle",
}


def create(
    ledger: Ledger,
    system: str | None,
    stage: AuditStage,
    fetch: Fetch,
    *,
    since: str | None = None,
    outside: Sequence[OutsideCheckpoint] = (),
) -> dict[str, bytes]:
    """Return the files of a bundle; `write_archive` writes them as one file.

    Args:
        ledger: opened for reading.
        system: the system's id; None for the whole organisation, which is every leaf of the ledger.
        stage: which audit it is for.
        fetch: returns a file of a run, by run id and path.
        since: a time; older leaves stay out where nothing in use rests on them.
        outside: checkpoints that the auditor holds: the bundle proves that its own continues them.

    Raises:
        ConfigError: the ledger knows no such system, or surveillance lacks its `since`.
        EvidenceError: there is no checkpoint over it.
    """
    if stage == "surveillance" and since is None:
        raise ConfigError("a surveillance bundle begins at the last audit", next="--since DATE")
    collector = Collector(ledger, system, since)
    leaves = collector.leaves()
    collector.add_leaves(leaves)
    collector.add_earlier(outside)
    collector.add_run_files(leaves, fetch, documents_only=stage == "stage1")
    files = collector.files
    view = PartLedger(layout.FilesInMemory(files))
    for version in history_of(view, Step("keyring"), ()).versions:
        for entry in version.keyring.keys:
            files[f"keys/{entry.key_id}.pem"] = entry.pem.encode()
    about: dict[str, Any] = {
        "format": layout.FORMAT,
        "aims_mlflow": aims_mlflow.__version__,
        "system": system,
        "stage": stage,
        "since": since,
        "origin": collector.head.origin,
        "size": collector.head.size,
        "root": collector.head.root.hex(),
        "missing": sorted(collector.missing),
    }
    view = PartLedger(layout.FilesInMemory(files))
    files |= made_pages(view, about)
    files[layout.MANIFEST] = canonical({**about, "files": {name: sha256_hex(files[name]) for name in sorted(files)}})
    return files


def made_pages(view: PartLedger, about: dict[str, Any]) -> dict[str, bytes]:
    """Return every page of a bundle that is made from its other files, by its name in it."""
    return {**site_files(view, about), layout.HOW_TO: render_how_to(view, about)}
