"""Published documents as the rules about their words read them, beside the evidence of what is live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import Folder, FolderDocument
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.strict_yaml import Document

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument


def wording_context(state: ManagementState, now: datetime) -> LintContext:
    """Return what rules about words compare with: every document in force, and the evidence of deployed versions."""
    ordered = state.records_in_use
    digests = tuple(dict.fromkeys(v.digest for v in state.deployed or () if v.digest))
    view = EvidenceView(ordered, ("the ledger",) if ordered else (), (), digests)
    documents = tuple(state.texts.get(d.id) or _bare(d) for d in state.documents)
    return LintContext(Folder(Path(), documents, state.unreadable), view, state.keyring, now.strftime("%Y-%m-%d"))


def _bare(written: WrittenDocument) -> FolderDocument:
    """Return a document whose file is not here: what it states in its fields is known, and its words are not."""
    return FolderDocument(Path(written.id), b"", written, Document({}, {}, written.id))
