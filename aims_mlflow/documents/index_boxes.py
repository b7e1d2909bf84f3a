"""Parts of the page of a run: its controls, a table and a box for each, and its records, a box for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import crosswalk_for, kinds
from aims_mlflow.documents.notes import own_details
from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, Prose, state_cell
from aims_mlflow.documents.run_blocks import FoldedBox, FoldedBoxes
from aims_mlflow.documents.verdict import check_name
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.records.reading_notes import reading_notes
from aims_mlflow.records.result_words import result_word
from aims_mlflow.records.wording import (
    against_text,
    bound_text,
    limits_told,
    metric_text,
    note_beside,
    range_text,
    rows_shown,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.documents.index_view import ModelView
    from aims_mlflow.documents.page_blocks import Block, Text
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus
    from aims_mlflow.records.evidence import Claim

NO_EVIDENCE = "none: the reason names what is not here, or not due"
LOUD = ("failed", "failed and waived", "unverifiable", "stale")
MOST_CLAIMS = 60
CLAIM_COLUMNS = ("Measure", "Rows", "Role", "Value", "Interval", "n", "Limit", "Verdict")
FRAMEWORKS = {
    "nist_ai_rmf": "NIST AI RMF 1.0",
    "eu_ai_act": "EU AI Act",
    "iso_27001": "ISO/IEC 27001:2022",
    "soc_2": "SOC 2 (TSC)",
    "nist_csf": "NIST CSF 2.0",
    "hitrust": "HITRUST v11",
}


def record_link(record: SealedRecord) -> PageCell:
    """Return a link to a record's box on this page."""
    return PageCell(check_name(record), f"#r-{record.id}")


# -- controls ------------------------------------------------------------------------------------


def control_blocks(model: ModelView, number: int) -> list[Block]:
    """Return the controls of a model: their states in one table, a box for each, and those not assessed here.

    `number` tells the models of a run apart, in the anchors of their controls.
    """
    of = f" of {model.name}" if model.name else ""
    rows = [_control_row(s, f"#c{number}-{s.control.id}") for s in model.statuses]
    counts = ", ".join(f"{n} {state}" for state, n in model.counts.items() if n)
    note = (
        f"{counts}, of {model.controls} controls; {model.clauses} clauses stand after them. What is not assessed is "
        "named at the end."
    )
    table = PageTable(f"Controls{of}", ("State", "Control or clause", "Why", "Next change"), rows, note)
    boxes = [_control_box(s, f"c{number}-{s.control.id}") for s in model.statuses]
    out: list[Block] = [table, FoldedBoxes(f"Conditions of each control{of}", boxes)]
    if model.elsewhere:
        elsewhere = [f"{s.control.id} {s.control.title}: {s.reason}." for s in model.elsewhere]
        out.append(Prose(f"Not assessed here{of}", elsewhere))
    return out


def _control_row(status: ControlStatus, link: str) -> tuple[Text, ...]:
    ends = f"{status.next_change}, {last_day(status.next_time)}" if status.next_time else ""
    title = f"{status.control.id} {status.control.title}"
    return state_cell(status.state), PageCell(title, link), status.reason, ends


def _control_box(status: ControlStatus, name: str) -> FoldedBox:
    control = status.control
    records: list[Text] = [_with_result(r) for r in status.records]
    about: list[tuple[str, Text | Sequence[Text]]] = [
        ("What it is about", control.explanation),
        ("An auditor asks", control.auditor_asks),
        ("Answered by", control.answered_by),
        ("Kinds of evidence", ", ".join(f"{use.kind} ({use.need})" for use in control.evidence)),
        ("Goes stale when", control.stale_when or "it is superseded"),
        ("The state rests on evidence signed", status.since[:10] if status.since else NO_EVIDENCE),
        ("Records", records or "none yet"),
        *related_facts(status),
    ]
    blocks: list[Block] = [_conditions(status)] if status.conditions else []
    return FoldedBox(
        name, state_cell(status.state), f"{control.id} {control.title}", (*blocks, Facts("", about)),
        open=status.state in LOUD,
    )  # fmt: skip


def _with_result(record: SealedRecord) -> PageCell:
    link = record_link(record)
    return PageCell(f"{link.text}: {_result(record)}", link.href)


def _result(record: SealedRecord) -> str:
    return result_word(record.evidence.kind, record.evidence.result, len(record.evidence.claims))


def _conditions(status: ControlStatus) -> PageTable:
    rows = []
    for each in status.conditions:
        verdict = each.verdict
        said = [verdict.sentence, *(f"warning: {w}" for w in verdict.warnings)]
        said += [f"waived by {w.owner} until and including {last_day(w.expires)}" for w in each.waived]
        first = (
            PageCell(f"{verdict.evidence[0][:13]}…", f"#r-{verdict.evidence[0]}") if verdict.evidence else PageCell()
        )
        more = f"and {len(verdict.evidence) - 1} more" if len(verdict.evidence) > 1 else ""
        rows.append((state_cell(verdict.outcome), each.condition.holds, "; ".join(said), first, more, told(each)))
    return PageTable("", ("Verdict", "Condition", "What was found", "Evidence", "", "Rests on"), rows)


def told(found: ConditionStatus) -> str:
    """Return what a condition's verdict rests on, or who owes what is missing."""
    if found.verdict.outcome in ("missing", "not due", "stale", "not evaluated"):
        return f"owed by {found.condition.owed_by}"
    return "a person's word" if found.verdict.basis == "person" else "recorded by the software"


def related_facts(status: ControlStatus) -> list[tuple[str, Sequence[Text]]]:
    """Return what other frameworks have about a control, by the crosswalk; nothing where it has no row."""
    pair = related(status)
    if pair is None:
        return []
    return [(f"Related requirements (of {pair[0]}; not verified)", [f"{name}: {value}" for name, value in pair[1]])]


def related(status: ControlStatus) -> tuple[str, list[tuple[str, str]]] | None:
    """Return the crosswalk's row about a control: what the row is of, and what other frameworks have there."""
    row = crosswalk_for(status.control.id)
    if row is None:
        return None
    of = "this control" if row.element == status.control.id else f"all of {row.element} {row.title}, not this one alone"
    return of, [(title, value) for key, title in FRAMEWORKS.items() if (value := getattr(row, key)) is not None]


# -- records -------------------------------------------------------------------------------------


def record_boxes(records: Sequence[SealedRecord], pictured: Sequence[SealedRecord], run_id: str) -> FoldedBoxes:
    """Return a box for each record, in the order in which they were signed; `pictured` have a picture on the page."""
    shown = [r for r in records if r.evidence.kind != "session"]
    notes = reading_notes([c for r in shown for c in r.evidence.claims])
    sentences = ["Each record stands here once, in the order in which it was signed.", *notes]
    boxes = [_record_box(r, r in pictured, run_id) for r in shown]
    return FoldedBoxes("Records", boxes, " ".join(sentences))


def _record_box(record: SealedRecord, drawn: bool, run_id: str) -> FoldedBox:
    body = record.evidence
    role = getattr(own_details(record), "role", None)
    facts: list[tuple[str, Text | Sequence[Text]]] = [
        ("What it is", kinds()[body.kind].description if body.kind in kinds() else "a kind that this release lacks"),
        (
            "Signed",
            f"{body.time[:19].replace('T', ' ')}Z by the signer's clock, key {body.key_id[:12]}…, account {body.actor}",
        ),
        ("Record", PageCell(record.id, code=True)),
        ("Controls", ", ".join(body.controls) or "none"),
    ]
    if drawn:
        facts.append(("Its picture", PageCell("stands above", f"#p-{record.id}-1")))
    if body.artifacts:
        facts.append(("Files", [PageCell(f"{a.path} (sha256 {a.sha256[:12]}…)", code=True) for a in body.artifacts]))
    word = _result(record)
    blocks = (*_claims(record, run_id), Facts("", facts))
    title = check_name(record) + (f", {role} data" if role else "")
    return FoldedBox(
        f"r-{record.id}", state_cell(word), title, blocks, body.reason or "", body.result in ("failed", "not_evaluated")
    )


def _claims(record: SealedRecord, run_id: str) -> list[Block]:
    claims = shown_claims(record)
    if not claims:
        return []
    count = len(record.evidence.claims)
    note = f"The others: aims evidence show runs:/{run_id} {record.id}" if count > len(claims) else ""
    name = check_name(record)
    out: list[Block] = [
        PageTable(f"Claims of {name}", CLAIM_COLUMNS, [claim_cells(c) for c in claims], note, total=count)
    ]
    if limits := limits_told(record.evidence.claims):
        out.append(PageTable(f"Limits of {name} and their reasons", ("Measure", "Limit", "Set by", "Why"), limits))
    return out


def claim_cells(claim: Claim, link: str = "") -> tuple[Text, ...]:
    """Return a claim as a row of `CLAIM_COLUMNS`; a number that has none says why."""
    word = verdict_word(claim)
    note = f"; {note_beside(claim)}" if claim.note and claim.value is not None else ""
    return (
        PageCell(metric_text(claim.metric), link),
        claim_slice(claim),
        claim.role,
        value_text(claim) if claim.value is not None else (claim.note or "undefined"),
        range_text(claim),
        rows_shown(claim),
        bound_text(claim),
        state_cell(word, "", f"{word}{note}") if word else PageCell(f"no limit{note}"),
    )


def shown_claims(record: SealedRecord, most: int = MOST_CLAIMS) -> list[Claim]:
    """Return the claims by importance: failed ones, those with limits, then the others."""

    def weight(claim: Claim) -> tuple[int, int]:
        return (0 if claim.passed is False else 1 if claim.limit is not None else 2, len(claim.slice))

    return sorted(record.evidence.claims, key=weight)[:most]


def claim_slice(claim: Claim) -> str:
    """Return a description of the rows that a claim is about."""
    parts = [f"{k}: all groups" if v == "*" else f"{k} = {v}" for k, v in claim.slice.items()]
    return f"{', '.join(parts) or 'all rows'} {against_text(claim)}".rstrip()
