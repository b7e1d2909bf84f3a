"""Checks of a session by itself: complete and in order under its manifest, with its pack fixed before training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.evidence.session import MANIFEST_KIND, PACK_FILE
from aims_mlflow.evidence.statement import SealedRecord
from aims_mlflow.evidence.verify import Problem, order_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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


def _around_erased(who: str, lines: Sequence[str], records: Sequence[SealedRecord | str], out: PartResult) -> None:
    """Check that the records of a session that are left have their places between the lines of its file."""
    for number, record in enumerate(records):
        if not isinstance(record, SealedRecord):
            continue
        body, before = record.evidence, lines[number - 1] if number else None
        if (body.sequence, body.previous) != (number, before):
            name = f"{who}, {body.kind} {record.id}"
            out.wrong(
                "completeness", name, "it does not follow the record before it", "a record was taken out or moved"
            )
    last = records[-1]
    if isinstance(last, SealedRecord):
        listed = [s.digest.get("sha256") for s in last.subjects]
        if last.evidence.kind != MANIFEST_KIND or listed != list(lines[:-1]):
            out.wrong("completeness", who, "its manifest lists other records", "a record was taken out or added")


def check_sealed(
    leaf: str,
    sessions: Mapping[str, Sequence[str]],
    records: Mapping[str, SealedRecord | str],
    erased: Collection[str],
    out: PartResult,
) -> None:
    """Check the sessions on which a leaf relied: their files' lines by sha256, and the records that these name.

    Missing or changed envelopes and bad signatures are reported by `EnvelopeCheck`. Of a session with `erased` lines,
    the records that are left are checked against the lines that the leaf names.
    """
    for name, file_lines in sessions.items():
        lines = file_lines[:-1] if file_lines and not file_lines[-1] else file_lines
        named = [records.get(line, "") for line in lines]
        if any(
            line in erased and not isinstance(record, SealedRecord) for line, record in zip(lines, named, strict=True)
        ):
            _around_erased(f"{name} of {leaf}", lines, named, out)
            continue
        found = [record for record in named if isinstance(record, SealedRecord)]
        who = f"{name} of {leaf}"
        problems = order_problems(who, found)
        if len(found) == len(named):
            problems += pack_problems(who, found)
        for problem in problems:
            out.wrong("completeness", problem.record, problem.what, problem.meaning)
