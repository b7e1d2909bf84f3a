"""`aims/index.html`: one self-contained page: the result of the evidence, its data, its controls, its records."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.documents.evidence_summary import decided_later
from aims_mlflow.documents.index_boxes import CLAIM_COLUMNS, claim_cells, control_blocks, record_boxes, record_link
from aims_mlflow.documents.index_view import DatasetRow, ModelView, Signer, model_views
from aims_mlflow.documents.notes import details
from aims_mlflow.documents.page_blocks import (
    MET_MEANS,
    Facts,
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    state_cell,
)
from aims_mlflow.documents.page_html import page_html, stylesheet
from aims_mlflow.documents.run_blocks import Gallery, Image
from aims_mlflow.evidence.verify import told_once
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.wording import verdict_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import Block, Text
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.records.evidence import Claim

MOST_PROBLEMS, MOST_SENTENCES, MOST_LOOKED_AT = 20, 12, 20
CAPTIONS = {
    "fairness": "Outcomes by group, each with its interval",
    "drift": "Drift of test against training data, by column",
}
LEFT = "This is the evidence as the training left it."


def render_index(
    sessions: Sequence[CheckedSession],
    pictures: Mapping[str, bytes],
    model_digests: Sequence[str],
    now: datetime | None = None,
) -> bytes:
    """Return the page: self-contained UTF-8 HTML that opens offline and in a sandboxed frame.

    Args:
        sessions: checked sessions of the run.
        pictures: SVG files by the path that records name.
        model_digests: the models to show; if empty, only data are shown.
        now: time at which states are judged.
    """
    moment = now or datetime.now(UTC)
    records = [r for s in sessions for r in s.records]
    start = next((r for r in reversed(records) if r.evidence.kind == "session-start"), None)
    latest = records[-1].evidence if records else None
    run_id = (latest.mlflow.run_id if latest else None) or ""
    models = model_views(sessions, model_digests, moment)
    drawn = [(record, each) for record in records for each in _pictures(record, pictures)]
    blocks: list[Block] = [
        *_problems(sessions),
        *(block for model in models for block in _verdict(model, several=len(models) > 1)),
        *_looked_at(records),
        *([Gallery("Pictures", [image for _, image in drawn])] if drawn else []),
        _about(run_id, start, Signer.of(records)),
        *_data(DatasetRow.of(records)),
        *(block for number, model in enumerate(models, 1) for block in control_blocks(model, number)),
        record_boxes(records, [record for record, _ in drawn], run_id),
    ]
    system = (start or records[-1]).evidence.system if records else None
    view = PageView(f"Training of {system or 'a system that no record names'}", "", (MET_MEANS,), blocks)
    return page_html(
        "run_page.html.j2", view, style=stylesheet().decode(), time=moment.strftime("%Y-%m-%d %H:%M:%SZ"),
        run_id=run_id, records=len(records), sessions=len(sessions),
    )  # fmt: skip


def looked_at(records: Sequence[SealedRecord]) -> list[tuple[SealedRecord, Claim]]:
    """Return the claims that a reader looks at first: failed ones, warned ones, and those that could not be judged."""
    order = {"failed": 0, "not enough data": 1, "not evaluated": 2, "warned": 3}
    found = [(order[word], r, c) for r in records for c in r.evidence.claims if (word := verdict_word(c)) in order]
    return [(record, claim) for _, record, claim in sorted(found, key=lambda each: each[0])]


def _problems(sessions: Sequence[CheckedSession]) -> list[Block]:
    problems = list(told_once(p for s in sessions for p in s.problems))
    more = len(problems) - MOST_PROBLEMS
    said = [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
    return (
        [Prose("This evidence does not verify", [PageCell(text, mark="✗", tone="bad") for text in said], loud=True)]
        if said
        else []
    )


def _verdict(model: ModelView, *, several: bool) -> list[Block]:
    verdict = model.verdict
    of = f" of {model.name}" if several else ""
    said: list[Text] = [
        state_cell(verdict.word, "", f"{verdict.sentence().capitalize()}. {model.coverage}."),
    ]
    if model.not_compared:
        said.append(PageCell(f"Outcomes by group: {model.not_compared}.", mark="!", tone="warn"))
    out: list[Block] = []
    for title, found in verdict.by_severity():
        more = len(found) - MOST_SENTENCES
        sentences: list[Text] = [PageCell(text, record_link(record).href) for text, record in found[:MOST_SENTENCES]]
        if more > 0:
            sentences.append(f"and {more} more: see the records below")
        if found:
            out.append(Prose(f"{title}{of}", sentences))
    loud = verdict.result in ("failed", "not_evaluated")
    return [
        Prose(
            f"Result of the evidence{of}: {verdict.word}",
            [*said, f"{LEFT} {decided_later(verdict.records)}"],
            loud=loud,
        ),
        *out,
    ]


def _looked_at(records: Sequence[SealedRecord]) -> list[Block]:
    found = looked_at(records)
    rows = [claim_cells(claim, record_link(record).href) for record, claim in found[:MOST_LOOKED_AT]]
    note = "The records below have the others." if len(found) > len(rows) else ""
    title = "What failed, is warned, or could not be judged"
    return [PageTable(title, CLAIM_COLUMNS, rows, note, total=len(found))] if rows else []


def _pictures(record: SealedRecord, pictures: Mapping[str, bytes]) -> list[Image]:
    """Return a record's pictures as data URIs: inside <img>, a picture can run no script."""
    caption, link = CAPTIONS.get(record.evidence.kind, record.evidence.kind), record_link(record)
    return [
        Image(
            "data:image/svg+xml;base64," + base64.b64encode(pictures[a.path]).decode(),
            f"{caption}: the values stand in the table of its record",
            PageCell(f"{caption}: {link.text}, its values and limits", link.href),
            f"p-{record.id}-{number}",
        )
        for number, a in enumerate((a for a in record.evidence.artifacts if a.path.endswith(".svg")), 1)
        if a.path in pictures
    ]


def _about(run_id: str, started: SealedRecord | None, signers: Sequence[Signer]) -> Facts:
    rows: list[tuple[str, Text | Sequence[Text]]] = [("Run", code_cell(run_id or "none"))]
    if started is not None:
        start = details(started, SessionStartDetails)
        favourable = f"; favourable for a person: {start.favourable}" if start.favourable else ""
        rows += [
            ("Predicted", f"{start.target or 'not recorded'}{favourable}"),
            ("Sensitive columns", ", ".join(start.sensitive or ()) or "none named: no group was compared"),
            (
                "Pack, fixed before training",
                f"{start.pack.name} {start.pack.version}" if start.pack else "not recorded",
            ),
            ("Digest of the pack", code_cell(started.evidence.pack_digest)),
        ]
    signed: list[Text] = [
        f"key {s.key_id}, used by the operating-system account {s.account}: {s.records:,} records" for s in signers
    ]
    rows.append(("Signed by", [*(signed or ["nobody"]), "Whose key that is, only a keyring says."]))
    return Facts("Run", rows)


def _data(found: Sequence[DatasetRow]) -> list[Block]:
    rows = [(d.role, d.name, d.rows, d.columns, code_cell(d.digest), d.origin) for d in found]
    columns = ("Role", "Name", "Rows", "Columns", "Digest of the Arrow stream", "Comes from")
    return [PageTable("Data", columns, rows)] if rows else []
