"""A report as a Word document (docx), for those who go on writing in it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageTable, Picture, Prose, cell
from aims_mlflow.documents.page_html import cells
from aims_mlflow.errors import ConfigError
from aims_mlflow.exports.report.columns import shares
from aims_mlflow.exports.report.pictures import NEEDS, png, size

if TYPE_CHECKING:
    from aims_mlflow.documents.page_blocks import Block, PageCell
    from aims_mlflow.exports.report.content import SystemReport

INK = {"good": "17663A", "bad": "A8201A", "warn": "7A4C00", "idle": "4A5568"}
PAPER, MARGIN = (210, 297), 18  # millimetres
WIDE = 6  # tables with more columns are written row by row


def as_word(report: SystemReport) -> bytes:
    """Return the report as a docx file, with headings that make a table of contents.

    Raises:
        ConfigError: python-docx is not installed.
    """
    try:
        import docx
    except ImportError:
        raise ConfigError("writing docx needs python-docx", next=NEEDS) from None
    file: Any = docx.Document()
    _sheet(file)
    file.core_properties.title = report.title
    file.core_properties.author = "aims_mlflow"
    file.core_properties.created = file.core_properties.modified = report.made.replace(tzinfo=None)
    file.add_heading(report.title, 0)
    _table(file, ("", ""), [(cell(name), cell(text)) for name, text in report.head], head=False)
    file.add_paragraph(report.sentence)
    for part in report.parts:
        file.add_page_break()
        file.add_heading(_plain(part.title), 1)
        for each in part.lead:
            _write(file.add_paragraph(), cell(each))
        for block in part.blocks:
            if block.title:
                file.add_heading(_plain(block.title), 2)
            _block(file, block)
    file.sections[0].footer.paragraphs[0].text = _plain(report.foot)
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def _sheet(file: Any) -> None:
    """Make the sheets A4, with narrow margins and small letters: tables of evidence are wide."""
    from docx.shared import Mm, Pt

    section, file.styles["Normal"].font.size = file.sections[0], Pt(9)
    file.styles["Normal"].paragraph_format.widow_control = True  # no first or last line alone on a sheet
    section.page_width, section.page_height = Mm(PAPER[0]), Mm(PAPER[1])
    section.left_margin = section.right_margin = Mm(MARGIN)
    section.top_margin = section.bottom_margin = Mm(MARGIN)


def _plain(text: str) -> str:
    """Return a text without the control characters that XML cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def _write(paragraph: Any, value: PageCell) -> None:
    from docx.shared import RGBColor

    written = paragraph.add_run(_plain(f"{value.mark} {value.text}" if value.mark else value.text))
    if value.tone in INK:
        written.font.color.rgb = RGBColor.from_string(INK[value.tone])


def _block(file: Any, block: Block) -> None:
    if isinstance(block, Facts):
        facts = [(cell(name), value) for name, values in block.rows for value in cells(values)]
        _table(file, ("", ""), facts, head=False)
    elif isinstance(block, Prose):
        for each in block.sentences:
            _write(file.add_paragraph(), cell(each))
    elif isinstance(block, Picture):
        _picture(file, block)
    elif isinstance(block, PageTable):
        rows = [tuple(map(cell, row)) for row in block.rows]
        if not rows:
            file.add_paragraph(_plain(block.empty))
        elif len(block.columns) > WIDE:
            for row in rows:
                _write(file.add_paragraph(style="List Bullet"), row[0])
                pairs = zip(block.columns[1:], row[1:], strict=True)
                _table(file, ("", ""), [(cell(name), value) for name, value in pairs if value.text], head=False)
        else:
            _table(file, block.columns, rows, head=True)
        note = ". ".join(filter(None, (block.shown, block.note)))
        if note:
            file.add_paragraph(_plain(note), style="Caption")


def _picture(file: Any, block: Picture) -> None:
    """Add a picture with its text: below it, and as the alternative that screen readers read."""
    from docx.shared import Mm

    drawn = file.add_picture(io.BytesIO(png(block)), width=Mm(min(150, size(block)[0] * 0.26)))
    drawn._inline.docPr.set("descr", _plain(block.told))  # noqa: SLF001 - python-docx has no other way to it
    file.add_paragraph(_plain(block.told), style="Caption")


def _table(file: Any, columns: Any, rows: Any, *, head: bool) -> None:
    if not rows:
        return
    table = file.add_table(rows=0, cols=len(columns), style="Light Grid Accent 1" if head else "Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, _widths(columns, rows, head=head), strict=True):
        column.width = width
    if head:
        for place, name in zip(table.add_row().cells, columns, strict=True):
            place.text = _plain(name)
        _repeated(table.rows[0])
    for row in rows:
        for place, value in zip(table.add_row().cells, row, strict=True):
            _write(place.paragraphs[0], value)
    _kept_whole(table)


def _widths(columns: Any, rows: Any, *, head: bool) -> list[Any]:
    """Return the width of each column, by the words in it; names of facts take a third."""
    from docx.shared import Mm

    given = shares(columns, rows) if head else (1, 2)
    return [Mm((PAPER[0] - 2 * MARGIN) * each / sum(given)) for each in given]


def _kept_whole(table: Any) -> None:
    """Let no row part between two sheets, and no first or last row be alone on one, nor the note below the table."""
    from docx.oxml import OxmlElement

    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - python-docx has no other way to it
    for row in (*table.rows[:2], *table.rows[-2:]):
        for place in row.cells:
            place.paragraphs[0].paragraph_format.keep_with_next = True


def _repeated(row: Any) -> None:
    """Let the names of the columns stand at the head of each sheet that the table goes on to."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 - python-docx has no other way to it
