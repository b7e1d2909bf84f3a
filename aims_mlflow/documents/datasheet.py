"""The data sheet: the questions of "Datasheets for Datasets" (Gebru et al., 2021), answered from the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.documents.evidence_summary import result
from aims_mlflow.documents.notes import Notes, claims_of, details, plain, stated, table
from aims_mlflow.documents.open_points import open_points
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.checks import DataQualityDetails
from aims_mlflow.records.details.training import (
    AcquisitionDetails,
    DatasetDetails,
    LineageDetails,
    PreparationDetails,
    SessionStartDetails,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord

NONE_NAMED = "no name of a column says one; whether the table is about one all the same, a person has to say"
DATA_KINDS = ("acquisition", "preparation", "dataset-record", "lineage", "data-quality", "representativeness")
SOURCE = (
    "uri",
    "description",
    "owner",
    "purpose",
    "licence",
    "rights",
    "subjects",
    "selection_reason",
    "collected",
    "retention",
    "personal_data",
)


def render_datasheet(records: Sequence[SealedRecord]) -> bytes:
    """Return the data sheet of the data sets that the records are about, in UTF-8 Markdown.

    `records` are those of a training, preceded by the acquisitions and preparations in its lineage.
    """
    notes, verdict = Notes(records), EvidenceVerdict.of(r for r in records if r.evidence.kind in DATA_KINDS)
    start = details(notes.last("session-start"), SessionStartDetails)
    run_id = records[-1].evidence.mlflow.run_id if records else None
    body = [
        f"# Data sheet: {plain((start.system.id if start.system else None) or 'data')}",
        "",
        *result(notes, verdict, "Quality"),
        "Written from signed evidence; the numbers above count limits. A mark such as [^e1] leads to the record that a",
        f"number comes from; `aims evidence show runs:/{run_id or 'ID'} RECORD` prints it.",
        "",
        "## Motivation",
        "",
        f"Data for: {stated(notes, 'intended_use')}",
        "",
        "## Composition",
        "",
        *_composition(notes),
        "## People in the data",
        "",
        *_people(notes, start),
        "## Collection process",
        "",
        *_collection(notes),
        "## Preparation",
        "",
        *_preparation(notes),
        "## Quality",
        "",
        *(list(open_points(notes, verdict)) or ["No limit on the data failed or warned, and no column was left out."]),
        "",
        *_overlap(notes),
        "## Uses",
        "",
        f"Predicted: {plain(start.target or 'unknown')}.",
        "",
        "## Distribution and maintenance",
        "",
        "The data themselves are not part of the evidence: only their digests, counts and results are.",
        "",
        *notes.footnotes(),
        "",
    ]
    return "\n".join(body).encode()


def _composition(notes: Notes) -> list[str]:
    out: list[str] = []
    for record in notes.of("dataset-record"):
        about = details(record, DatasetDetails)
        files, data = about.files, about.data
        if files is not None:
            out += [
                f"### {plain(files.name)} (files)",
                "",
                (
                    f"{notes.number(record, files.count)} files in `{plain(files.folder)}`, "
                    f"{notes.number(record, files.bytes)} bytes; digest of the list of (path, sha256, size) "
                    f"`{files.digest.get('sha256')}`."
                ),
                "",
            ]
            continue
        types, missing = about.column_types or {}, about.missing or {}
        out += [
            f"### {plain(about.role)}",
            "",
            (
                f"{notes.number(record, data.rows if data else None)} rows, "
                f"{notes.number(record, len(types))} columns; "
                f"digest of the Arrow stream `{data.digest.get('arrowIpcSha256') if data else None}`."
            ),
            "",
            *table(
                ("column", "type", "missing values"),
                [[plain(c), plain(t), notes.number(record, missing.get(c, 0))] for c, t in types.items()],
            ),
        ]
    return out or ["No data set is recorded in this session.", ""]


def _collection(notes: Notes) -> list[str]:
    sources = notes.of("acquisition") or [
        r for r in notes.of("dataset-record")[:1] if details(r, DatasetDetails).source
    ]
    lineage = notes.last("lineage")
    out: list[str] = []
    for record in sources:
        if record.evidence.kind == "acquisition":
            acquired = details(record, AcquisitionDetails)
            rows = notes.number(record, acquired.data.rows if acquired.data else None)
            out.append(f"- acquired: {plain(acquired.name)}, {rows} rows")
            files = acquired.files or {}
            out += [f"- file: {plain(name)}, sha256 `{sha256}`{notes.cite(record)}" for name, sha256 in files.items()]
            made = ", ".join(f"{plain(k)}={plain(v)}" for k, v in (acquired.parameters or {}).items())
            out += [f"- settings: {made}{notes.cite(record)}"] if made else []
            source = acquired.source or SourceStatement()
        else:
            source = details(record, DatasetDetails).source or SourceStatement()
        out += [
            f"- {key.replace('_', ' ')}: {plain(_words(value))}{notes.cite(record)}"
            for key in SOURCE
            if (value := getattr(source, key)) is not None
        ]
        lacking = [k for k in SOURCE if getattr(source, k) is None]
        if lacking:
            out.append(f"- Not stated in aims.yaml (`data.sources`): {', '.join(lacking)}")
    if lineage is not None:
        for entry in details(lineage, LineageDetails).links or []:
            steps = " → ".join(f"{step.kind} {plain(step.name)}" for step in entry.steps)
            why = f", from {steps}" if steps else f" ({plain(entry.reason)})" if entry.reason else ""
            out.append(f"- {entry.role}: {entry.link}{why}{notes.cite(lineage)}")
    return [*(out or ["No source is recorded: decorate what loads the data with `@aims.acquires`."]), ""]


def _words(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _preparation(notes: Notes) -> list[str]:
    out = [_step(notes, record) for record in notes.of("preparation")]
    known = {r.id for r in notes.records}
    lineage = notes.last("lineage")
    steps = {
        step.record: step
        for entry in details(lineage, LineageDetails).links or []
        for step in entry.steps
        if step.kind == "preparation" and step.record not in known
    }
    if lineage is not None:
        out += [f"- {plain(s.name)}, record `{s.record}`{notes.cite(lineage)}" for s in steps.values()]
    return [*(out or ["No preparation step is recorded."]), ""]


def _step(notes: Notes, record: SealedRecord) -> str:
    about = details(record, PreparationDetails)
    text = f"- {plain(about.function)}: {plain(about.why)}"
    changes = [
        f"{notes.number(record, rows)} rows {change}"
        for change, rows in (("removed", about.rows_removed), ("added", about.rows_added))
        if rows is not None
    ]
    changes += [
        f"columns {change}: {plain(', '.join(names))}{notes.cite(record)}"
        for change, names in (("removed", about.columns_removed), ("added", about.columns_added))
        if names
    ]
    return f"{text} ({'; '.join(changes)})" if changes else text + notes.cite(record)


def _people(notes: Notes, start: SessionStartDetails) -> list[str]:
    """Return the sensitive columns, the special categories, and what was found and is not declared."""
    first = notes.last("session-start")
    named = plain(", ".join(start.sensitive or [])) or f"none named{plain(_why_none(start))}"
    out = [f"- Sensitive columns: {named}{notes.cite(first) if first is not None else ''}"]
    for record in notes.of("data-quality"):
        about = details(record, DataQualityDetails)
        for claim in claims_of(record, metric="undeclared_personal_columns"):
            role = plain(about.role or claim.role)
            told = [f"{plain(name)} ({plain(what)})" for name, what in (about.special_categories or {}).items()]
            none = "not looked for" if about.special_categories is None else NONE_NAMED
            special = ", ".join(told) or none
            out.append(f"- Special categories of personal data in {role} data: {special}{notes.cite(record)}")
            out.append(f"- Personal columns that nobody declared: {notes.measured(record, claim)}")
            out.append(f"- What was looked at: {plain(claim.note)}{notes.cite(record)}")
    return [*out, ""]


def _why_none(start: SessionStartDetails) -> str:
    return f", as aims.yaml states: {start.not_compared}" if start.not_compared else ""


def _overlap(notes: Notes) -> list[str]:
    """Return the share of held-out rows that are in the training data too."""
    lineage = notes.last("lineage")
    out = [
        f"- share of {claim.role} rows that stand in the training data too: {notes.measured(lineage, claim)}"
        for claim in claims_of(lineage, metric="train_test_overlap")
        if lineage is not None
    ]
    return [*out, ""] if out else []
