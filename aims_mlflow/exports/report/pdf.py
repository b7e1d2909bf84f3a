"""A report as PDF on A4, made here without a network: fpdf2 draws it, in the DejaVu fonts that matplotlib brings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageTable, Picture, Prose, cell
from aims_mlflow.documents.page_html import cells
from aims_mlflow.errors import ConfigError
from aims_mlflow.exports.report.columns import words
from aims_mlflow.exports.report.pdf_table import draw_table, least_height
from aims_mlflow.exports.report.pictures import NEEDS, draw, fonts, height

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fpdf import FPDF

    from aims_mlflow.documents.page_blocks import Block, PageCell, PageView, Text
    from aims_mlflow.exports.report.content import SystemReport

WIDE = 6  # tables with more columns are written row by row
FONT, LINE, MARGIN = "DejaVu", 5.0, 18  # millimetres
BOTTOM, LOW = 16, 4.0  # the margin, and a line that fits between text and foot
BESIDE, ROW_INDENT = 48, 3  # values beside their names, and the facts of a row
FEW = 4  # lines: a text of fewer is not parted
INK = {"good": (23, 102, 58), "bad": (168, 32, 26), "warn": (122, 76, 0), "idle": (74, 85, 104)}
SOFT, BLACK = (86, 91, 98), (28, 29, 31)
PER_SHEET = 38  # parts in the contents, on the first sheet
LONGEST = 3000  # letters of one cell; a table's row has to fit on a sheet
_log = logging.getLogger(__name__)


def as_pdf(report: SystemReport) -> bytes:
    """Return the report as PDF, with an outline. Letters that the font lacks are shown as boxes.

    Raises:
        ConfigError: fpdf2 is not installed, or there is no font.
    """
    sheet = _sheet(report)
    sheet.add_page()
    sheet.set_title(report.title)
    sheet.set_creation_date(report.made)
    sheet.set_lang("en")
    _heading(sheet, report.title, 0)
    _facts(sheet, [(name, [cell(text)]) for name, text in report.head])
    _paragraph(sheet, report.sentence)
    sheet.ln(3)
    sheet.insert_toc_placeholder(_contents, pages=1 + len(report.parts) // PER_SHEET)
    for part in report.parts:
        if part is not report.parts[0]:  # the contents end with a new sheet
            sheet.add_page()
        _part(sheet, part)
    return bytes(sheet.output())


def _sheet(report: SystemReport) -> FPDF:
    try:
        from fpdf import FPDF
    except ImportError:
        raise ConfigError("writing PDF needs fpdf2", next=NEEDS) from None

    class Sheet(FPDF):
        """An A4 sheet with the report's name and the page's number at its foot."""

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(FONT, size=7)
            self.set_text_color(*SOFT)
            self.cell(0, 4, f"{report.foot}    page {self.page_no()} of {{nb}}", align="C")

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    sheet = Sheet(format="A4")
    folder = fonts()
    for style, name in (("", "DejaVuSans"), ("B", "DejaVuSans-Bold")):
        sheet.add_font(FONT, style, folder / f"{name}.ttf")
    sheet.set_margins(MARGIN, 15, MARGIN)
    sheet.set_auto_page_break(auto=True, margin=BOTTOM)
    return sheet


def _contents(sheet: FPDF, outline: Any) -> None:
    """Write the parts with their page numbers."""
    for section in outline:
        if section.level == 1:
            sheet.set_font(FONT, size=9)
            sheet.set_text_color(*BLACK)
            link = sheet.add_link(page=section.page_number)
            sheet.set_x(sheet.l_margin)
            sheet.cell(150, LINE, section.name[:90], link=link)
            sheet.cell(0, LINE, str(section.page_number), align="R", link=link, new_x="LMARGIN", new_y="NEXT")


def _heading(sheet: FPDF, text: str, level: int, below: float = 0.0) -> None:
    size = (18, 14, 11)[level]
    if sheet.will_page_break(max(size * 1.5, size * 0.5 + 4 + below)):
        sheet.add_page()
    sheet.ln(0 if level == 0 else 3)
    sheet.set_font(FONT, "B", size)
    sheet.set_text_color(*BLACK)
    if level < 2:
        sheet.start_section(text[:200], level)
    sheet.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT", align="L")
    sheet.ln(1)


def _paragraph(sheet: FPDF, text: str, tone: str = "", *, soft: bool = False, indent: float = 0) -> None:
    sheet.set_font(FONT, size=8 if soft else 9)
    sheet.set_text_color(*(SOFT if soft else INK.get(tone, BLACK)))
    _lines(sheet, text[:LONGEST], indent)


def _lines(sheet: FPDF, text: str, indent: float) -> None:
    """Write a text of which neither the first nor the last line is alone on a sheet, where that can be avoided."""
    _make_room(sheet, text, indent)
    lines, room = _split(sheet, text, indent), _room(sheet)
    if len(lines) == 1 and not room:  # it ends above the foot of this sheet all the same
        sheet.set_auto_page_break(auto=False)
        _write(sheet, text, indent, LOW)
        sheet.set_auto_page_break(auto=True, margin=BOTTOM)
    elif room and room == len(lines) - 1:
        _write(sheet, "\n".join(lines[: room - 1]), indent)
        sheet.add_page()
        _write(sheet, "\n".join(lines[room - 1 :]), indent)
    else:
        _write(sheet, text, indent)


def _make_room(sheet: FPDF, text: str, indent: float) -> None:
    """Go to the next sheet where only the first line of a text would fit, or where two or three lines cannot part."""
    count, room = len(_split(sheet, text, indent)), _room(sheet)
    if count > 1 and (room <= 1 or room < count < FEW):
        sheet.add_page()


def _room(sheet: FPDF) -> int:
    """Return how many lines the sheet still takes."""
    return int((sheet.page_break_trigger - sheet.y + 1e-6) // LINE)


def _split(sheet: FPDF, text: str, indent: float) -> list[str]:
    """Return a text as the lines in which it is written."""
    place = sheet.get_x()
    sheet.set_x(sheet.l_margin + indent)
    lines: Any = sheet.multi_cell(0, LINE, text, align="L", dry_run=True, output="LINES")
    sheet.set_x(place)
    return list(lines)


def _write(sheet: FPDF, text: str, indent: float, high: float = LINE) -> None:
    sheet.set_x(sheet.l_margin + indent)
    sheet.multi_cell(0, high, text, new_x="LMARGIN", new_y="NEXT", align="L")


def _part(sheet: FPDF, part: PageView) -> None:
    _heading(sheet, part.title, 1)
    for each in part.lead:
        _paragraph(sheet, words(each))
    for block in part.blocks:
        if block.title:
            _heading(sheet, block.title, 2, _below(sheet, block))
        _block(sheet, block)


def _below(sheet: FPDF, block: Block) -> float:
    """Return the height of what goes with its heading to the next sheet: a picture, or the beginning of a table."""
    if isinstance(block, Picture):
        return height(block, sheet.epw)
    if not isinstance(block, PageTable) or not block.rows:
        return 0.0
    if len(block.columns) > WIDE:
        return min(_row_height(sheet, block.rows[0]) + _note_height(sheet, block), sheet.eph / 2)
    return least_height(sheet, block, FONT) + _note_height(sheet, block)


def _note(block: PageTable) -> str:
    return ". ".join(filter(None, (block.shown, block.note)))


def _note_height(sheet: FPDF, block: PageTable) -> float:
    """Return how much of what is written below a table goes with its last row; one line fits above the foot too."""
    sheet.set_font(FONT, size=8)
    return 2 * LINE if len(_split(sheet, _note(block) or " ", 0)) > 1 else 0.0


def _block(sheet: FPDF, block: Block) -> None:
    if isinstance(block, Facts):
        _facts(sheet, [(name, cells(values)) for name, values in block.rows])
    elif isinstance(block, Prose):
        for each in block.sentences:
            _paragraph(sheet, words(each), cell(each).tone)
    elif isinstance(block, Picture):
        draw(sheet, block, FONT, sheet.epw)
        _paragraph(sheet, block.told, soft=True)
    elif isinstance(block, PageTable):
        if not block.rows:
            _paragraph(sheet, block.empty)
        elif len(block.columns) > WIDE:
            _rows(sheet, block, _note_height(sheet, block))
        else:
            sheet.set_text_color(*BLACK)
            draw_table(sheet, block, FONT, INK, SOFT, _note_height(sheet, block))
        if _note(block):
            _paragraph(sheet, _note(block), soft=True)


def _facts(sheet: FPDF, rows: list[tuple[str, list[PageCell]]], indent: float = 0) -> None:
    """Write names with values; a name stands above its values, so that both may be long."""
    for name, values in rows:
        sheet.set_font(FONT, size=9)
        _make_room(sheet, words(values[0])[:LONGEST] if values else " ", indent + BESIDE)
        if not _room(sheet):
            sheet.add_page()
        sheet.set_x(sheet.l_margin + indent)
        sheet.set_font(FONT, size=8)
        sheet.set_text_color(*SOFT)
        sheet.cell(45, LINE, name[:60])
        sheet.set_font(FONT, size=9)
        for value in values:
            sheet.set_text_color(*INK.get(value.tone, BLACK))
            _lines(sheet, words(value)[:LONGEST] or " ", indent + BESIDE)
        if not values:
            sheet.ln(LINE)


def _rows(sheet: FPDF, block: PageTable, below: float) -> None:
    """Write each row as a name with facts, whole on one sheet where it fits; `below` is what goes with the last one."""
    for row in block.rows:
        found = [cell(value) for value in row]
        after = below if row is block.rows[-1] else 0.0
        needed = _row_height(sheet, row) + after
        if sheet.will_page_break(needed if needed < sheet.eph else 4 * LINE):
            sheet.add_page()
        sheet.set_font(FONT, "B", 9)
        sheet.set_text_color(*INK.get(found[0].tone, BLACK))
        sheet.multi_cell(0, LINE, words(found[0])[:LONGEST] or " ", new_x="LMARGIN", new_y="NEXT", align="L")
        named = zip(block.columns[1:], found[1:], strict=True)
        _facts(sheet, [(name, [value]) for name, value in named if value.text], indent=ROW_INDENT)
        sheet.ln(max(min(1.0, sheet.page_break_trigger - sheet.y), 0.0))  # below the last line there is a note's place


def _row_height(sheet: FPDF, row: Sequence[Text]) -> float:
    """Return the height of a row that is written as a name with facts."""
    sheet.set_font(FONT, "B", 9)
    lines = len(_split(sheet, words(cell(row[0]))[:LONGEST] or " ", 0))
    sheet.set_font(FONT, size=9)
    values = [words(cell(value))[:LONGEST] for value in row[1:]]
    lines += sum(len(_split(sheet, value, ROW_INDENT + BESIDE)) for value in values if value)
    return lines * LINE
