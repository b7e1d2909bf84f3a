"""From a check's outcome to a signed record with its reports beside it."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.records.evidence import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aims_mlflow.capture.underway import Underway
    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.evidence.statement import SealedRecord, Subject

REPORTS = "aims/reports"
TYPES = {".md": "text/markdown", ".jsonl": "application/jsonl", ".svg": "image/svg+xml"}


def media_type(path: str) -> str:
    """Return a file's media type by its name."""
    ending = path[path.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def artifact(path: str, content: bytes) -> Artifact:
    """Return a file as a record names it."""
    return Artifact(path=path, sha256=sha256_hex(content), size=len(content), media_type=media_type(path))


def keep_files(training: Underway, files: Mapping[str, bytes], prefix: str = "") -> list[Artifact]:
    """Put files into the session's own reports folder; returns them as artifacts."""
    out = []
    for name, content in files.items():
        path = f"{REPORTS}/{training.writer.id}/{prefix}{name}"
        training.files[path] = content
        out.append(artifact(path, content))
    return out


def record_outcome(
    training: Underway, outcome: Outcome, subjects: Iterable[Subject], *, prefix: str = "", **details: Any
) -> SealedRecord:
    """Sign one check's outcome. `prefix` keeps the reports of several models apart."""
    return training.writer.add(
        outcome.kind,
        subjects,
        result=outcome.result,
        reason=outcome.reason,
        controls=outcome.controls or None,
        claims=outcome.claims,
        artifacts=tuple(keep_files(training, outcome.reports, prefix)),
        tools=outcome.tools,
        details={**outcome.details, **details},
    )
