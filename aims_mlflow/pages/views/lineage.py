"""Lineage of a version: a picture from the sources of its data to where it is in use, and the rights to the data."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.index_view import DatasetRow
from aims_mlflow.documents.notes import own_details
from aims_mlflow.documents.page_blocks import Facts, PageTable, Picture, PictureBox, Prose
from aims_mlflow.pages.views.common import digest_cell, record_cell
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.training import AcquisitionDetails, DatasetDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.status_subject import StatusSubject

MOST_ROLES, MOST_STEPS = 8, 5
LETTERS = 24
STATED = ("owner", "licence", "rights", "subjects", "selection_reason", "retention")


def lineage_picture(subject: StatusSubject | None, name: str, places: Sequence[str]) -> Picture | Prose:
    """Return boxes and arrows from acquisition over preparation, data and model to the aliases; `name` is the model's.

    A data set whose origin no record proves has a box that says so.
    """
    title = "Lineage"
    if subject is None or not subject.data:
        return Prose(title, ("No sealed record names the data that it was trained on.",))
    chains = [_chain(subject, role) for role in list(subject.data)[:MOST_ROLES]]
    wide = max(len(chain) for chain in chains)
    boxes, arrows, told = [], [], []
    middle = (len(chains) - 1) / 2
    model = PictureBox(_short(name), f"model {(subject.digest or '')[:12]}", wide, middle)
    for row, chain in enumerate(chains):
        placed = [PictureBox(*text, wide - len(chain) + at, row) for at, text in enumerate(chain)]
        boxes += placed
        arrows += [*itertools.pairwise(placed), (placed[-1], model)]
        told.append(" to ".join(f"{first} ({second})" for first, second in chain) + f" to {name}")
    ends = [
        PictureBox(_short(place), "in use", wide + 1, middle + at - (len(places) - 1) / 2)
        for at, place in enumerate(places[:MOST_ROLES])
    ]
    arrows += [(model, end) for end in ends]
    told.append(f"{name} is in use as {', '.join(places)}" if places else f"{name} is not in use")
    left_out = len(subject.data) - len(chains)
    note = f"{left_out} further data sets are in the table only. " if left_out > 0 else ""
    return Picture(title, f"{note}{'. '.join(told)}.", [*boxes, model, *ends], arrows)


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _chain(subject: StatusSubject, role: str) -> list[tuple[str, str]]:
    """Return the two lines of each box on the way to the data of a role."""
    data, link = subject.data[role], subject.links.get(role)
    steps = [(_short(s.name.rpartition(".")[2] or s.name), s.kind) for s in (link.steps if link else ())][-MOST_STEPS:]
    rows = f"{data.rows:,} rows" if data.rows is not None else "rows not recorded"
    joined = link.link if link else "no lineage record"
    origin = steps or [("origin not proved", joined)]
    return [*((first, _short(second)) for first, second in origin), (_short(f"{role} data"), rows)]


def data_table(records: Sequence[SealedRecord]) -> PageTable:
    """Return the data sets with their size, digest and origin."""
    rows = [(r.role, r.name, r.rows, r.columns, r.origin, digest_cell(r.digest)) for r in DatasetRow.of(records)]
    return PageTable(
        "Data, and where it comes from",
        ("Role", "Name", "Rows", "Columns", "Comes from", "Digest"),
        rows,
        empty="No sealed record describes its data.",
    )


def rights_table(subject: StatusSubject | None) -> PageTable:
    """Return what is stated about the right to use each source of the data."""
    rows: list[tuple[Any, ...]] = []
    for role in subject.data if subject else ():
        for record in _stating(subject, role) if subject else ():
            details = own_details(record)
            source = source_of(record) or SourceStatement()
            acquired = details if isinstance(details, AcquisitionDetails) else AcquisitionDetails()
            said = [getattr(source, name) or "not stated" for name in STATED]
            what = "; ".join(filter(None, (source.description, source.collected))) or "not stated"
            place = source.uri or ", ".join(acquired.files or {}) or "not stated"
            name = acquired.name or source.name or "no name"
            rows.append((role, name, what, place, *said, record_cell(record.evidence.kind, record.id)))
    columns = (
        "Role", "Source", "What, and how collected", "Address or file", "Owner", "Licence", "Rights",
        "People it is about", "Why selected", "Kept for", "Record",
    )  # fmt: skip
    return PageTable(
        "Rights to the data",
        columns,
        rows,
        "The team's own words, from aims.yaml or the decorator of the function that acquired the data.",
        "No sealed record describes how its data were acquired, so no right to use them is known.",
    )


def _stating(subject: StatusSubject, role: str) -> Sequence[SealedRecord]:
    """Return the records that state where the data of a role come from: of their acquisition, else of the data set."""
    described = [r for r in subject.about_data("dataset-record", role) if source_of(r) is not None]
    return subject.acquisitions(role) or described


def source_of(record: SealedRecord) -> SourceStatement | None:
    """Return what a record of data states of their source; None where it states nothing."""
    details = own_details(record)
    return details.source if isinstance(details, AcquisitionDetails | DatasetDetails) else None


def origin_facts(record: SealedRecord) -> list[Facts]:
    """Return what a record states of the origin of data and the right to use them; nothing where it states none."""
    source = source_of(record)
    if source is None:
        return []
    fields = SourceStatement.model_fields.items()
    rows = [(field.description or name, _said(getattr(source, name))) for name, field in fields]
    return [Facts("Origin of the data, and the right to use them", rows)]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value or "not stated")
