"""The beginning of card and data sheet: the result of the evidence and of each check, and what a card cannot know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.documents.notes import Notes, details, own_details, plain, table
from aims_mlflow.documents.verdict import WORDS, EvidenceVerdict, check_name
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.reading_notes import RULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord

HEADINGS = {"not evaluated": "could not be evaluated", "not enough data": "not enough data"}
# A name that stands in a command as it is.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
DECIDED = ("failed", "not evaluated", "not enough data")


def summary(notes: Notes, verdict: EvidenceVerdict, training: SealedRecord | None) -> list[str]:
    """Return the verdict of a card, and where the decisions are that came after it."""
    unknown = [] if training is not None else ["No record says how the model was trained.", ""]
    return [
        *result(notes, verdict, "Limitations"),
        *unknown,
        "The numbers count limits. This is what the records of the training say.",
        decided_later(verdict.records),
        "",
    ]


def decided_later(records: Sequence[SealedRecord]) -> str:
    """Return where the decisions stand that came after the evidence: no file of a training can know them."""
    starts = [details(r, SessionStartDetails).system for r in records if r.evidence.kind == "session-start"]
    system = next((each for each in starts if each), None)
    name = (system.model or system.id or "") if system else ""
    model = name if PLAIN_NAME.fullmatch(name) else "NAME"
    return (
        "Whether a registry let the model in, who approved or waived what, and which versions are in use was decided "
        f"later, and stands in no file of this run: `aims gate explain models:/{model}/VERSION --stage deployment` "
        f"tells it, with the waivers in force. A server with the auditor's pages shows it at `/aims/models/{model}`."
    )


def result(notes: Notes, verdict: EvidenceVerdict, warnings: str) -> list[str]:
    """Return one sentence, the limits that do not hold by name, and the result of each check.

    `warnings` is the section that has the warnings.
    """
    head = ("check", "of", "result", *(HEADINGS.get(w, w) for w in WORDS))
    sentence = f"**Result of the evidence: {verdict.word}.** {_named(notes, verdict, warnings)}".rstrip()
    rows = table(head, _rows(notes, verdict))
    return [sentence, "", *rows, *([RULE, ""] if rows else [])]


def _named(notes: Notes, verdict: EvidenceVerdict, warnings: str) -> str:
    """Return the limits that failed or could not be decided, by metric and group; how many only warn."""
    parts = []
    for word in DECIDED:
        names = [
            f"{plain(f.short)}{notes.cite(f.record)}" for f in verdict.open_claims if f.word == word and not f.mild
        ]
        if names:
            parts.append(f"{HEADINGS.get(word, word).capitalize()}: {'; '.join(dict.fromkeys(names))}.")
    parts += [
        f"{record.evidence.kind}: {plain(reason)}{notes.cite(record)}."
        for record, reason in verdict.reasons
        if record.evidence.result in ("failed", "not_evaluated")
    ]
    if verdict.by_severity()[1][1]:
        parts.append(f"Warnings stand under {warnings}.")
    return " ".join(parts)


def _rows(notes: Notes, verdict: EvidenceVerdict) -> list[list[str]]:
    """Return one row for each record with limits, and for each that does not plainly pass."""
    rows = []
    for record in verdict.records:
        counts = {word: verdict.count(word, [record]) for word in WORDS}
        if not any(counts.values()) and record.evidence.result == "passed":
            continue
        cells = [notes.number(record, n) if n else "" for n in counts.values()]
        told = record.evidence.result.replace("_", " ")
        if record.evidence.result in ("warned", "failed") and not counts.get(told):
            told += ", for a reason that is no limit"
        rows.append([f"{plain(check_name(record))}{notes.cite(record)}", plain(_about(record)), told, *cells])
    return rows


def _about(record: SealedRecord) -> str:
    """Return the data that a record is about, by role."""
    roles = dict.fromkeys(c.role for c in record.evidence.claims)
    about = own_details(record)
    return ", ".join(roles) or str(getattr(about, "role", None) or getattr(about, "name", None) or "")
