"""Tables in a report as PDF: of one that parts between sheets, no sheet has a single row below its repeated head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import cell
from aims_mlflow.exports.report.columns import shares, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fpdf import FPDF

    from aims_mlflow.documents.page_blocks import PageTable, Text

LINE, PADDING, SIZE = 4.2, 0.6, 7.5  # millimetres, and points
FEW = 3  # rows: a table of no more is not parted
LONGEST = 1500  # letters of one cell; a row has to fit on a sheet


def draw_table(sheet: FPDF, block: PageTable, font: str, ink: dict[str, Any], soft: Any, below: float) -> None:
    """Draw a table, with a new sheet before each part of it; `below` is the height of what belongs under its end."""
    heights = _heights(sheet, block, font, len(block.rows))
    room, full = sheet.page_break_trigger - sheet.y, sheet.page_break_trigger - sheet.t_margin
    done = 0
    for number, count in enumerate(rows_per_sheet(heights[1:], heights[0], room, full, below)):
        if number:
            sheet.add_page()
        if count:
            _draw(sheet, block, block.rows[done : done + count], font, ink, soft)
        done += count


def least_height(sheet: FPDF, block: PageTable, font: str) -> float:
    """Return how high the head and the first two rows of a table are: they go with its title. Three do not part."""
    return sum(_heights(sheet, block, font, 2 if len(block.rows) > FEW else FEW))


def rows_per_sheet(heights: Sequence[float], head: float, room: float, full: float, below: float = 0.0) -> list[int]:
    """Return how many rows each sheet gets, of which the first has so much room left, and may get none.

    Neither the first nor the last row is alone on a sheet, and the last one has room for what is `below` it, where
    that can be avoided.
    """
    out, left = [0], room - head
    for number, height in enumerate(heights):
        needed = height + (below if number == len(heights) - 1 else 0.0)
        if needed > left + 1e-6:
            out.append(0)
            left = full - head
        out[-1] += 1
        left -= height
    if room < full and len(out) > 1 and (out[0] == 1 or out == [2, 1]):  # the first row goes on with the second one
        return [0, *rows_per_sheet(heights, head, full, full, below)]
    return _joined(out, sum(heights[-2:]) + below + head <= full)


def _joined(counts: list[int], fits: bool) -> list[int]:
    """Return the rows of each sheet, where a last row that is alone gets the one before it, if both fit on a sheet."""
    if fits and len(counts) > 1 and counts[-1] == 1 and counts[-2] > 2:
        return [*counts[:-2], counts[-2] - 1, 2]
    return counts


def _heights(sheet: FPDF, block: PageTable, font: str, most: int) -> list[float]:
    """Return the heights of the head and of the first rows of a table."""
    from fpdf.util import Padding

    given, around = shares(block.columns, block.rows), Padding.new(PADDING)
    widths = [sheet.epw * each / sum(given) for each in given]
    out = []
    for number, row in enumerate([block.columns, *block.rows[:most]]):
        sheet.set_font(font, "" if number else "B", SIZE)
        found: list[Any] = [
            sheet.multi_cell(w, LINE, _text(value), align="L", padding=around, dry_run=True, output="HEIGHT")
            for w, value in zip(widths, row, strict=True)
        ]
        out.append(max(found))
    return out


def _text(value: Text) -> str:
    return words(cell(value))[:LONGEST] or " "


def _draw(sheet: FPDF, block: PageTable, rows: Sequence[Sequence[Text]], font: str, ink: Any, soft: Any) -> None:
    from fpdf.fonts import FontFace

    sheet.set_font(font, size=SIZE)
    sheet.set_fill_color(0)  # none: the colour of a picture would fill the cells
    sheet.set_draw_color(*soft)
    head: Any = FontFace(emphasis="BOLD", color=soft)
    with sheet.table(
        line_height=LINE, text_align="LEFT", headings_style=head, borders_layout="HORIZONTAL_LINES",
        col_widths=shares(block.columns, block.rows), padding=PADDING, v_align="T",
    ) as table:  # fmt: skip
        table.row(list(block.columns))
        for row in rows:
            drawn = table.row()
            for value in row:
                tone = cell(value).tone
                drawn.cell(_text(value), style=FontFace(color=ink[tone]) if tone in ink else None)
