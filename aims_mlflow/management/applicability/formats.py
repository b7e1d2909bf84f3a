"""The statement of applicability as HTML, Markdown, CSV and a workbook: the same rows in each."""

from __future__ import annotations

import csv
import io
from functools import cache
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, how_to_install
from aims_mlflow.html_templates import templates_of
from aims_mlflow.management.applicability.statement import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

    from aims_mlflow.management.applicability.statement import ApplicabilityStatement

RESIDUAL_COLUMNS = ("Risk", "System", "Event", "Level that is left", "Accepted by")
JUDGEMENT = "Met means that the conditions on the evidence hold; conformity is the auditor's judgement."
# A spreadsheet computes cells that begin with one of these.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_CELL = 32_000


def head(statement: ApplicabilityStatement) -> list[tuple[str, str]]:
    """Return what stands above the rows: whose statement it is, since when, and what its states rest on."""
    return [
        ("Statement", f"{statement.title} ({statement.id}), version {statement.version}"),
        ("Owner, approver", f"{statement.owner}, {statement.approver}"),
        ("In force since, review by", f"{statement.effective_from}, {statement.review_by}"),
        ("States computed", f"{statement.computed[:19]}Z"),
        ("States are of", ", ".join(statement.subjects) or "nothing: no evidence and no document was judged"),
        ("In short", statement.sentence()),
    ]


def as_csv(statement: ApplicabilityStatement) -> bytes:
    """Return the 38 rows as CSV; a text that a spreadsheet would compute gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in statement.rows:
        writer.writerow([_inert(cell) for cell in row.cells()])
    return ("\ufeff" + out.getvalue()).encode()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def as_markdown(statement: ApplicabilityStatement) -> bytes:
    """Return the statement as Markdown."""
    lines = ["# Statement of applicability", "", *(f"- **{name}**: {_plain(text)}" for name, text in head(statement))]
    lines += ["", JUDGEMENT, "", *_table(COLUMNS, [r.cells() for r in statement.rows])]
    lines += ["", "## Remaining risks", ""]
    rows = [r.cells() for r in statement.residual]
    lines += _table(RESIDUAL_COLUMNS, rows) if rows else ["No risk register was read: what is left is not known here."]
    if statement.extra:
        lines += ["", "## Controls beyond Annex A", "", *(f"- {_plain(text)}" for text in statement.extra)]
    return ("\n".join(lines) + "\n").encode()


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(map(_plain, row))} |" for row in rows]


def _plain(text: str) -> str:
    """Return a text for one cell: what a document says is text, and no markup."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")
    return " ".join(escaped.split())


def as_html(statement: ApplicabilityStatement) -> bytes:
    """Return the statement as one page that needs nothing else."""
    page = _template().render(
        statement=statement,
        head=head(statement),
        columns=COLUMNS,
        residual_columns=RESIDUAL_COLUMNS,
        judgement=JUDGEMENT,
    )
    return (page + "\n").encode()


@cache
def _template() -> jinja2.Template:
    environment = templates_of("aims_mlflow.management.applicability")
    return environment.get_template("statement.html.j2")


def as_workbook(statement: ApplicabilityStatement) -> bytes:
    """Return the statement as a workbook: the statement, the remaining risks, and what it rests on.

    Raises:
        ConfigError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font
    except ImportError:
        fix = f"{how_to_install('excel')}, or write .csv"
        raise ConfigError("writing workbooks needs openpyxl", next=fix) from None
    book = Workbook()
    sheets = (
        ("Statement", COLUMNS, [r.cells() for r in statement.rows]),
        ("Remaining risks", RESIDUAL_COLUMNS, [r.cells() for r in statement.residual]),
        (
            "About",
            ("", ""),
            [*head(statement), ("States", JUDGEMENT), *(("Beyond Annex A", t) for t in statement.extra)],
        ),
    )
    book.remove(book.active)
    for title, columns, rows in sheets:
        sheet = book.create_sheet(title)
        sheet.append(list(columns))
        for row in rows:
            sheet.append([None] * len(row))
            for number, text in enumerate(row, 1):
                cell = sheet.cell(sheet.max_row, number)
                # As text, whatever it begins with.
                cell.value, cell.data_type = _readable(text), "s"
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for number, column in enumerate(columns, 1):
            sheet.cell(1, number).font = Font(bold=True)
            sheet.column_dimensions[sheet.cell(1, number).column_letter].width = 40 if len(column) > 7 else 12
        sheet.freeze_panes = "B2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _readable(text: str) -> str:
    """Return a text without the control characters that a workbook cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")[:LONGEST_CELL]


FORMATS: dict[str, Callable[[ApplicabilityStatement], bytes]] = {
    "html": as_html,
    "md": as_markdown,
    "csv": as_csv,
    "xlsx": as_workbook,
}


def rendered(statement: ApplicabilityStatement, form: str) -> bytes:
    """Return the statement in a format.

    Raises:
        ConfigError: there is no such format, or its library is not installed.
    """
    if form not in FORMATS:
        raise ConfigError(f"{form!r} is no format", next=f"the formats are {', '.join(FORMATS)}")
    return FORMATS[form](statement)
