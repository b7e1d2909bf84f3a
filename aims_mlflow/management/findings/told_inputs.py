"""Finding M5: what the software wrote for a management review was changed, or is not what the ledger has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.reviews import changed_inputs, line_digest
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.published import written_of
from aims_mlflow.management.review_inputs import input_lines
from aims_mlflow.records.documents.improvement import ReviewInputsDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument

AGAIN = "write the inputs again (aims document new review-inputs), and let top management review what is different"


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about inputs of management reviews that the software wrote."""
    for inputs in state.of(ReviewInputsDocument):
        changed = changed_inputs(inputs)
        for line in changed:
            fact = f"{inputs.id} does not have (any more) what the software wrote of {line.source} ({line.input})"
            yield _found(inputs, f"{line.input}/{line.source}", fact)
        known = _lines_of(inputs, state)
        for line in (w for w in inputs.written if known is not None and w not in changed):
            here = known.get((line.input, line.source)) if known is not None else None
            gone = here is None and line.input == "monitoring"  # a run of a version that is not in use any more
            if not gone and line.sha256 not in (here or ()):
                fact = f"what {inputs.id} says of {line.source} ({line.input}) is not what was published by its cut-off"
                yield _found(inputs, f"{line.input}/{line.source}", fact)
        yield from _other_head(inputs, state)


def _found(inputs: ReviewInputsDocument, about: str, fact: str) -> ManagementFinding:
    return ManagementFinding("M5", f"{inputs.id}/{about}", fact, AGAIN, None, (inputs.id,))


def _lines_of(inputs: ReviewInputsDocument, state: ManagementState) -> dict[tuple[str, str], set[str]] | None:
    """Return the digests of lines that the ledger gives for the inputs, by input and source; None where none was read.

    Of each document every version counts that was the newest at some time of the day of the cut-off.
    """
    if state.published is None or state.deployed is None or inputs.cutoff is None:
        return None
    versions: list[WrittenDocument] = []
    day = inputs.cutoff[:10]
    for name in dict.fromkeys(p.document.id for p in state.published.shelf.publications):
        until = [p for p in state.published.shelf.versions(name) if p.document.time[:10] <= day]
        wanted = [p for p in until if p.document.time[:10] == day] + [p for p in until if p.document.time[:10] < day][
            -1:
        ]
        versions += [written for p in wanted if (written := written_of(p)) is not None]
    known: dict[tuple[str, str], set[str]] = {}
    for line in input_lines(versions, state.records_in_use):
        known.setdefault((line.input, line.source), set()).add(line_digest(line.text))
    return known


def _other_head(inputs: ReviewInputsDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield M5 where the ledger that is here never ended as the inputs say that it did at their cut-off."""
    head = inputs.ledger
    if head is None or state.roots is None or state.roots.get(head.size) == head.root:
        return
    there = state.roots.get(head.size)
    other = f"has {there[:12]} there" if there else "is shorter"
    fact = f"{inputs.id} was written from a ledger of {head.size:,} leaves with the root {head.root[:12]}, "
    fact += f"and this one {other}"
    yield _found(inputs, "ledger", fact)
