"""Pictures on paper: the boxes and arrows of a page, drawn into a PDF, or as PNG for a Word document."""

from __future__ import annotations

import io
import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, how_to_install

if TYPE_CHECKING:
    from fpdf import FPDF

    from aims_mlflow.documents.page_blocks import Picture, PictureBox

NEEDS = f"{how_to_install('report')}, or --format html"
STEP, ROW, BOX, HIGH = 220, 70, 178, 54  # of the grid, in the units of the page's SVG
INK, SOFT, TINT = (28, 29, 31), (86, 91, 98), (241, 242, 238)
SCALE = 3  # pixels of the PNG for one unit


def fonts() -> Path:
    """Return the folder of the DejaVu fonts that matplotlib brings.

    Raises:
        ConfigError: matplotlib is not installed, or came without its fonts.
    """
    found = find_spec("matplotlib")
    folder = Path(str(found.origin)).parent / "mpl-data" / "fonts" / "ttf" if found else Path()
    if not (folder / "DejaVuSans.ttf").is_file():
        raise ConfigError("writing paper needs the fonts that matplotlib brings", next=NEEDS)
    return folder


def size(picture: Picture) -> tuple[float, float]:
    """Return width and height of a picture, in units."""
    return picture.columns * STEP, picture.rows * ROW


def draw(sheet: FPDF, picture: Picture, font: str, widest: float) -> None:
    """Draw a picture at the sheet's place, at most `widest` wide; the sheet's place moves below it."""
    _, high = size(picture)
    unit = _unit(picture, widest)
    if sheet.will_page_break(high * unit):
        sheet.add_page()
    left, top = sheet.l_margin, sheet.get_y()
    sheet.set_draw_color(*SOFT)
    sheet.set_fill_color(*TINT)
    for one, other in picture.arrows:
        _arrow(sheet, *((left + x * unit, top + y * unit) for x, y in _ends(picture, one, other)))
    for box in picture.boxes:
        x, y = _corner(picture, box)
        sheet.rect(left + x * unit, top + y * unit, BOX * unit, HIGH * unit, style="DF")
        for text, style, down, ink in ((box.first, "B", 23, INK), (box.second, "", 42, SOFT)):
            sheet.set_font(font, style, 13 * unit / 0.3528)  # points
            sheet.set_text_color(*ink)
            sheet.text(left + (x + 10) * unit, top + (y + down) * unit, text)
    sheet.set_y(top + high * unit + 2)


def height(picture: Picture, widest: float) -> float:
    """Return how high a picture is drawn, in millimetres."""
    return size(picture)[1] * _unit(picture, widest)


def _unit(picture: Picture, widest: float) -> float:
    return min(widest / size(picture)[0], 0.26)  # millimetres


def _arrow(sheet: FPDF, start: tuple[float, float], end: tuple[float, float]) -> None:
    sheet.line(*start, *end)
    sheet.set_fill_color(*SOFT)
    sheet.polygon(_tip(start, end, 1.6), style="F")
    sheet.set_fill_color(*TINT)


def png(picture: Picture) -> bytes:
    """Return a picture as PNG on white."""
    from PIL import Image, ImageDraw, ImageFont

    wide, high = size(picture)
    image = Image.new("RGB", (math.ceil(wide * SCALE), math.ceil(high * SCALE)), "white")
    canvas, folder = ImageDraw.Draw(image), fonts()
    for one, other in picture.arrows:
        start, end = ((x * SCALE, y * SCALE) for x, y in _ends(picture, one, other))
        canvas.line((start, end), fill=SOFT, width=SCALE)
        canvas.polygon(_tip(start, end, 7 * SCALE), fill=SOFT)
    for box in picture.boxes:
        x, y = (each * SCALE for each in _corner(picture, box))
        canvas.rectangle((x, y, x + BOX * SCALE, y + HIGH * SCALE), fill=TINT, outline=SOFT, width=SCALE)
        for text, name, down, ink in ((box.first, "DejaVuSans-Bold", 9, INK), (box.second, "DejaVuSans", 30, SOFT)):
            font = ImageFont.truetype(folder / f"{name}.ttf", 12 * SCALE)
            canvas.text((x + 10 * SCALE, y + down * SCALE), text, fill=ink, font=font)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _corner(picture: Picture, box: PictureBox) -> tuple[float, float]:
    return box.column * STEP + 2, (box.row - picture.top) * ROW + 8


def _ends(picture: Picture, one: PictureBox, other: PictureBox) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where an arrow begins, at the right side of a box, and where it ends, at the left side of the next."""
    (x, y), (to_x, to_y) = _corner(picture, one), _corner(picture, other)
    return (x + BOX, y + HIGH / 2), (to_x, to_y + HIGH / 2)


def _tip(start: tuple[float, float], end: tuple[float, float], long: float) -> list[tuple[float, float]]:
    """Return the three corners of the tip of an arrow."""
    turn = math.atan2(end[1] - start[1], end[0] - start[0])
    sides = (turn + math.pi - 0.4, turn + math.pi + 0.4)
    return [end, *((end[0] + long * math.cos(side), end[1] + long * math.sin(side)) for side in sides)]
