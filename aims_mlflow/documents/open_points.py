"""What does not plainly hold, in words for card and data sheet; groups not judged and columns left out among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.metrics import OVER_GUESSING
from aims_mlflow.documents.notes import UNSTATED, Notes, own_details, plain, stated
from aims_mlflow.records.details.checks import ModelOutput
from aims_mlflow.records.wording import limit_text, note_beside, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.documents.verdict import EvidenceVerdict


def limitations(notes: Notes, verdict: EvidenceVerdict) -> list[str]:
    """Return what the team states, then each finding with its value, then groups, columns and settings left out."""
    said = stated(notes, "limitations")
    out = [f"{said} What follows was measured." if said.startswith(UNSTATED) else f"As stated: {said}", ""]
    measured = [*open_points(notes, verdict), *_no_better_than_guessing(notes)]
    return [*out, *(measured or ["No limit failed or warned, and no group or column was left out."])]


def _no_better_than_guessing(notes: Notes) -> Iterator[str]:
    """Yield of whom the model is right no more often than always guessing their most frequent label is."""
    record = notes.last("performance")
    for claim in record.evidence.claims if record is not None else ():
        if record is not None and claim.metric == OVER_GUESSING and claim.value is not None and float(claim.value) <= 0:
            whom = plain(slice_text(claim.slice)) or "all rows"
            said = notes.compared(record, claim)
            yield (
                f"- No better than guessing: for {whom} the accuracy minus that of always guessing their most frequent "
                f"label is {said} (performance, {plain(claim.role)} data)"
            )


def open_points(notes: Notes, verdict: EvidenceVerdict) -> Iterator[str]:
    """Yield each open claim with value and limit, each other record that does not pass, and what is left out."""
    yield from _open_claims(notes, verdict)
    yield from _reasons(notes, verdict)
    yield from _groups(notes, verdict)
    yield from _left_out(notes, verdict)


def _open_claims(notes: Notes, verdict: EvidenceVerdict) -> Iterator[str]:
    for finding in verdict.open_claims:
        record, claim = finding.record, finding.claim
        if claim.value is None:
            said = f"{plain(finding.short)}, {plain(claim.note or 'no value')}{notes.cite(record)}"
        else:
            why = f": {plain(note_beside(claim))}" if claim.passed is None and claim.note else ""
            said = f"{plain(finding.short)} is {notes.compared(record, claim)}{why}"
        limit = f", {limit_text(claim)}{notes.cite(record)}" if claim.limit is not None else ""
        yield f"- {finding.word.capitalize()}: {said}{limit} ({record.evidence.kind}, {plain(claim.role)} data)"


def _reasons(notes: Notes, verdict: EvidenceVerdict) -> Iterator[str]:
    for record, reason in verdict.reasons:
        result = record.evidence.result.replace("_", " ").capitalize()
        yield f"- {result}: {record.evidence.kind}, {plain(reason)}{notes.cite(record)}"


def _groups(notes: Notes, verdict: EvidenceVerdict) -> Iterator[str]:
    for record, claim in verdict.set_aside:
        yield f"- Not judged: {plain(slice_text(claim.slice))}, {plain(claim.note)}{notes.cite(record)}"


def _left_out(notes: Notes, verdict: EvidenceVerdict) -> Iterator[str]:
    """Yield the columns and probabilities that a check did not look at, and settings that are not recorded, and why."""
    for record in verdict.records:
        output = getattr(own_details(record), "output", None)
        if isinstance(output, ModelOutput) and output.scores_left_out:
            why = plain(output.scores_left_out)
            yield f"- Left out of {record.evidence.kind}: the model's probabilities, {why}{notes.cite(record)}"
        for entry, what in (("left_out", "column"), ("parameters_left_out", "argument")):
            for name, why in (getattr(own_details(record), entry, None) or {}).items():
                yield f"- Left out of {record.evidence.kind}: {what} {plain(name)}, {plain(why)}{notes.cite(record)}"
