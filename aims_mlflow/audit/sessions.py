"""Checks of a session by itself: complete and in order under its manifest, with its pack fixed before training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.evidence.session import PACK_FILE
from aims_mlflow.evidence.statement import SealedRecord
from aims_mlflow.evidence.verify import Problem, order_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aims_mlflow.audit.parts import PartResult

AFTERWARDS = "limits may have been chosen afterwards"


def pack_problems(name: str, records: Sequence[SealedRecord]) -> Iterator[Problem]:
    """Yield problems if the pack of a session's checks was not fixed before its training."""
    if not any(r.evidence.kind == "training-provenance" for r in records):
        return
    first = records[0].evidence
    if first.kind != "session-start" or first.pack_digest is None:
        yield Problem(name, "no pack was named before training", AFTERWARDS)
    for artifact in first.artifacts:
        if artifact.path.endswith(f"/{PACK_FILE}") and artifact.sha256 != first.pack_digest:
            yield Problem(name, "the pack that it keeps is another than the one that it names", AFTERWARDS)
    for record in records:
        digest = record.evidence.pack_digest
        if digest is not None and digest != first.pack_digest:
            who = f"{name}, {record.evidence.kind} {record.id}"
            yield Problem(
                who, "it names another pack than the session began with", "limits were changed after training"
            )


def check_sealed(
    leaf: str, sessions: Mapping[str, Sequence[str]], records: Mapping[str, SealedRecord | str], out: PartResult
) -> None:
    """Check the sessions on which a leaf relied: their files' lines by sha256, and the records that these name.

    Missing or changed envelopes and bad signatures are reported by `EnvelopeCheck`.
    """
    for name, lines in sessions.items():
        named = [records.get(line, "") for line in (lines[:-1] if lines and not lines[-1] else lines)]
        found = [record for record in named if isinstance(record, SealedRecord)]
        who = f"{name} of {leaf}"
        problems = order_problems(who, found)
        if len(found) == len(named):
            problems += pack_problems(who, found)
        for problem in problems:
            out.wrong("completeness", problem.record, problem.what, problem.meaning)
