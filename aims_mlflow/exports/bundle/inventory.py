"""Checks that each file in a bundle is referenced, and that no other file is present."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.audit.run_files import page_problem
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.earlier_checkpoints import earlier_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.audit.report import Report
    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.signing.keyring_history import KeyringHistory

_PAGE = re.compile(r"evidence/([0-9a-f]{32})/" + re.escape(PAGE) + r"(?:\.txt)?", re.ASCII)
STRAY = "it was put there by someone else: rely on nothing that it says"


def check_accounted(view: PartLedger, history: KeyringHistory, evidence: set[str], report: Report) -> None:
    """Note unreferenced files, keys that are not in the keyring, and pages that differ from their seal.

    `evidence` are the names by which the files that records name are kept.
    """
    keys = _keys(view, history, report)
    pages = _pages(view, history, report)
    known = {layout.MANIFEST, *_ledger_files(view), *keys, *pages}
    known |= evidence | set(earlier_files(view.files))
    for name in view.files.names:
        if name not in known and not layout.is_page(name):
            report["completeness"].wrong(name, "nothing in the bundle names it", STRAY)


def _ledger_files(view: PartLedger) -> Iterator[str]:
    yield layout.CHECKPOINT
    for leaf in view.leaves():
        content, sequence = leaf.fact, leaf.sequence
        yield from (layout.leaf_path(sequence), layout.proof_path(sequence), layout.body_path(sequence))
        yield from map(layout.envelope_path, content.envelopes())
        yield from map(layout.stored_path, content.rules())


def _keys(view: PartLedger, history: KeyringHistory, report: Report) -> set[str]:
    """Compare the key files, which readers with openssl use, with the keyrings."""
    entries = {entry.key_id: entry for version in history.versions for entry in version.keyring.keys}
    names = {f"keys/{key_id}.pem": entry for key_id, entry in entries.items()}
    for name, entry in names.items():
        if name not in view.files or view.files.read(name) != entry.pem.encode():
            report["keyring"].wrong(name, "it is not the key that the keyring has under this id", STRAY)
    return set(names)


def _pages(view: PartLedger, history: KeyringHistory, report: Report) -> set[str]:
    """Check each run's page against its seal, which has its own signature."""
    out: set[str] = set()
    for name in view.files.names:
        named = _PAGE.fullmatch(name)
        if not named or name.removesuffix(".txt") in out:
            continue
        seal = layout.evidence_path(named[1], PAGE_SEAL)
        out |= {name, seal}
        if seal not in view.files:
            report["subject bytes"].wrong(name, "it has no seal", "the page shows nothing that can be relied on")
            continue
        page = (name, view.files.read(name))
        problem = page_problem(page, (seal, view.files.read(seal)), history.known, named[1])
        if problem:
            report["subject bytes"].add(problem)
    return out
