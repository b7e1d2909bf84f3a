"""The report of a system on paper: the same content in three formats, and nothing that it cannot show left unsaid."""

import io
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aims_mlflow.documents.page_blocks import PageTable, Picture, cell
from aims_mlflow.errors import ConfigError
from aims_mlflow.exports.report import pdf
from aims_mlflow.exports.report.columns import LIMITS
from aims_mlflow.exports.report.content import system_report
from aims_mlflow.exports.report.html import as_html
from aims_mlflow.exports.report.pdf import as_pdf
from aims_mlflow.exports.report.pdf_table import rows_per_sheet
from aims_mlflow.exports.report.pictures import png
from aims_mlflow.exports.report.word import as_word
from support.commands import run
from support.good_documents import FIELDS
from support.ledger_with_decisions import SYSTEM, decided_ledger
from support.sealed_documents import ENTRY, DocumentOffice, publish_all

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>\x07"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    publish_all(registry)
    risk = {**FIELDS["risk-register"]["risks"][0], "event": SCRIPT}
    office = DocumentOffice(registry)
    office.publish("risk-register", name="hostile", system=SYSTEM, fields={"risks": [risk]})
    office.publish("system", name="bought-entry", system="bought", fields={**ENTRY, "models": []})
    return registry.ledger


@pytest.fixture(scope="module")
def report(ledger):
    return system_report(ledger, SYSTEM, NOW)


def test_it_has_the_pages_about_the_system_and_ends_with_what_it_does_not_cover(report):
    titles = [part.title for part in report.parts]
    assert titles[:2] == [f"System {SYSTEM}", "income version 1"]
    assert {f"Risks of {SYSTEM}", f"Suppliers of {SYSTEM}", "Statement of applicability"} <= set(titles)
    assert any(title.startswith("The impact-assessment") for title in titles)
    assert titles[-1] == "What this report does not cover"
    assert dict(report.head)["As of"] == "2027-01-15 12:00:00Z"
    assert "checkpoint" in dict(report.head)["Ledger"]
    assert "conformity is the auditor's judgement" in report.sentence


def test_a_bought_system_has_a_report_of_what_is_published_about_it(ledger):
    made = system_report(ledger, "bought", NOW)
    titles = [part.title for part in made.parts]
    assert titles[0] == "System bought"
    assert {"Risks of bought", "Suppliers of bought", "Statement of applicability"} <= set(titles)
    assert "The system (bought-entry), version 1" in titles
    assert "no version was let in by the gate" in as_html(made).decode()
    with pytest.raises(ConfigError, match=r"the ledger knows no system 'bougth', did you mean 'bought'\?"):
        system_report(ledger, "bougth", NOW)


def test_measured_values_are_one_table_and_the_reasons_of_limits_another_each_told_once(report):
    (version,) = [part for part in report.parts if part.title == "income version 1"]
    tables = {b.title: b for b in version.blocks if isinstance(b, PageTable)}
    measured = tables["Behaviour: what was measured, against its limits"]
    assert len(measured.columns) == 6
    cells = [[getattr(cell, "text", cell) for cell in row] for row in measured.rows]
    shown = {f"{row[0]} {row[1]}": row[2] for row in cells}
    assert shown["selection-rate ratio sex = Female (test)"] == "0.91 (95% 0.28 to 0.34)"
    reasons = [row[1:] for row in tables[LIMITS].rows] if LIMITS in tables else []
    assert len(reasons) == len(set(reasons))


def test_no_sentence_of_the_report_is_a_link_that_leads_nowhere(report):
    assert "How these states came about" not in as_html(report).decode()


def test_html_runs_nothing_fetches_nothing_and_shows_every_part(report):
    page = as_html(report).decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(?:href|src)="(?!#)', page)
    assert page.count("<h2") == len(report.parts)
    assert "default-src 'none'" in page


def test_pdf_is_drawn_in_its_own_fonts_with_an_outline(report):
    content = as_pdf(report)
    assert content.startswith(b"%PDF-")
    assert b"DejaVuSans" in content
    assert content.count(b"/Type /Page\n") > len(report.parts)
    assert b"/Outlines" in content
    assert b"/URI" not in content
    assert as_pdf(report) == content, "the same report gives the same bytes"


@pytest.mark.parametrize(("below", "sheets"), [(0.0, 1), (60.0, 2)])
def test_a_heading_goes_to_the_next_sheet_with_the_picture_below_it(report, below, sheets):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_y(220)
    pdf._heading(sheet, "Lineage", 2, below)
    assert sheet.page_no() == sheets


def test_docx_has_the_states_with_their_symbols(report):
    import docx

    file = docx.Document(io.BytesIO(as_word(report)))
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    assert "✗ failed" in cells
    sheet = file.sections[0]
    room = sheet.page_width - sheet.left_margin - sheet.right_margin
    for table in file.tables:
        assert abs(sum(cell.width for cell in table.rows[0].cells) - room) < room / 50
    (states,) = [t for t in file.tables if [c.text for c in t.rows[0].cells][:3] == ["Control", "State", "Why"]]
    assert states.rows[0].cells[2].width > 1.5 * states.rows[0].cells[3].width
    assert "<script>alert(1)</script> (sex=Female)" in cells
    assert [p.text for p in file.paragraphs if p.style.name == "Heading 1"] == [part.title for part in report.parts]


def test_the_lineage_is_a_picture_in_every_format_with_the_same_in_words(report):
    import docx
    from PIL import Image

    (picture,) = (b for part in report.parts for b in part.blocks if isinstance(b, Picture))
    page = as_html(report).decode()
    assert page.count("<svg ") == 1
    assert page.count('class="box"') == len(picture.boxes)
    assert page.count('class="arrow"') == len(picture.arrows)
    file = docx.Document(io.BytesIO(as_word(report)))
    (drawn,) = file.inline_shapes
    assert drawn._inline.docPr.get("descr") == picture.told
    assert picture.told in [p.text for p in file.paragraphs]
    image = Image.open(io.BytesIO(png(picture)))
    assert image.getpixel((image.width // 2, 0)) == (255, 255, 255)
    for box in picture.boxes:
        at = (round((box.column * 220 + 170) * 3), round(((box.row - picture.top) * 70 + 12) * 3))
        assert image.getpixel(at) != (255, 255, 255), f"no box for {box.first}"
    without = replace(report, parts=[replace(p, blocks=[b for b in p.blocks if b != picture]) for p in report.parts])
    assert len(as_pdf(report)) > len(as_pdf(without)) + 200


@pytest.mark.parametrize(("library", "write"), [("fpdf", as_pdf), ("docx", as_word)])
def test_without_its_library_a_format_says_what_to_install(report, monkeypatch, library, write):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[report\]' in the checkout|needs"):
        write(report)


def test_an_unknown_system_is_told_with_the_nearest(ledger):
    with pytest.raises(ConfigError, match="did you mean 'income-screening'"):
        system_report(ledger, "income-screenin", NOW)


def test_the_command_takes_the_format_from_the_name_and_keeps_a_file_that_exists(ledger, tmp_path):
    path = tmp_path / "r.pdf"
    said = run("document", "report", "--system", SYSTEM, "--ledger", ledger.uri, "--output", path)
    assert re.search(r"wrote .*r\.pdf: \d+ parts", said)
    assert path.read_bytes().startswith(b"%PDF-")
    again = run("document", "report", "--system", SYSTEM, "--ledger", ledger.uri, "--output", path, status=2)
    assert "the file exists" in again


def drawn_on(report, first_y, text, indent=0):
    """The lines of a text on each sheet, where it begins at a height of the first one."""
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_font(pdf.FONT, size=9)
    sheet.set_y(first_y)
    written, write = [], pdf._write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pdf,
            "_write",
            lambda s, t, i, *h: (written.append((s.page_no(), len(pdf._split(s, t, i)))), write(s, t, i, *h)),
        )
        pdf._lines(sheet, text, indent)
    assert sheet.page_no() == written[-1][0], "no text went on to a sheet by itself"
    return written


@pytest.mark.parametrize(
    ("room", "lines", "parts"),
    [
        (9, 5, [(1, 5)]), (5, 5, [(1, 5)]), (4, 5, [(1, 3), (2, 2)]), (1, 5, [(2, 5)]), (0, 5, [(2, 5)]),
        (2, 3, [(2, 3)]), (1, 2, [(2, 2)]), (1, 1, [(1, 1)]), (0, 1, [(1, 1)]),
    ],
)  # fmt: skip
def test_no_line_of_a_text_is_alone_on_a_sheet(report, room, lines, parts):
    sheet = pdf._sheet(report)
    sheet.add_page()
    text = "\n".join(f"line {n}" for n in range(lines))
    assert drawn_on(report, sheet.page_break_trigger - room * pdf.LINE - 0.4, text) == parts


def test_a_name_goes_to_the_next_sheet_with_its_value(report):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_y(sheet.page_break_trigger - pdf.LINE - 1)
    pdf._facts(sheet, [("Purpose", [cell("one\ntwo\nthree")])])
    drawn = {number: bytes(page.contents) for number, page in sheet.pages.items()}
    assert len(drawn) == 2
    assert drawn[1].count(b" Tj ") == 1, "only the foot is left there: the name went with its value"


def test_word_keeps_rows_whole_and_the_last_ones_together(report):
    import docx

    file = docx.Document(io.BytesIO(as_word(report)))
    assert file.styles["Normal"].paragraph_format.widow_control
    for table in file.tables:
        assert all("w:cantSplit" in row._tr.xml for row in table.rows)
        assert all(c.paragraphs[0].paragraph_format.keep_with_next for c in table.rows[-1].cells)


@pytest.mark.parametrize(
    ("rows", "room", "below", "counts"),
    [
        (5, 6, 0, [5]), (9, 6, 0, [5, 4]), (6, 6, 0, [4, 2]), (15, 6, 0, [5, 8, 2]), (5, 6, 1, [3, 2]),
        (1, 2, 0, [1]), (1, 1, 0, [0, 1]), (4, 2, 0, [0, 4]), (3, 3, 0, [0, 3]), (0, 1, 0, [0]), (10, 10, 0, [8, 2]),
        (4, 3, 0, [2, 2]),
    ],
)  # fmt: skip
def test_no_row_of_a_table_is_alone_below_its_head_on_a_sheet(rows, room, below, counts):
    assert rows_per_sheet([10.0] * rows, 10.0, room * 10.0, 100.0, below * 10.0) == counts


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext reads the sheets")
@pytest.mark.parametrize("room", range(20, 75, 3))
def test_a_table_in_a_pdf_parts_where_it_was_counted_to_part(report, room):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_y(sheet.page_break_trigger - room)
    rows = [
        (f"row {n}", "a text that is long enough for two lines or three of a column " * (1 + n % 3)) for n in range(12)
    ]
    pdf._block(sheet, PageTable("", ("Name", "Why"), rows, "a note"))
    read = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=bytes(sheet.output()), capture_output=True, check=True
    )
    pages = [
        [line for line in text.splitlines() if line.startswith("row")] for text in read.stdout.decode().split("\f")[:-1]
    ]
    assert 1 not in map(len, pages)
    assert sum(map(len, pages)) == 12
    assert "a note" in read.stdout.decode().split("\f")[len(pages) - 1]


def test_the_report_of_a_system_has_the_monitors_of_no_other(ledger):
    def rows(system):
        (part,) = (p for p in system_report(ledger, system, NOW).parts if p.title == "Monitors")
        return [len(block.rows) for block in part.blocks if isinstance(block, PageTable)]

    assert rows("bought") == [0, 0]
    assert rows(SYSTEM)[0] == 1


def test_a_heading_goes_to_the_next_sheet_with_the_first_row_of_its_table(report):
    for columns in (2, pdf.WIDE + 2):
        sheet = pdf._sheet(report)
        sheet.add_page()
        sheet.set_y(sheet.page_break_trigger - 25)
        table = PageTable(
            "Metrics", [f"c{n}" for n in range(columns)], [[f"value {n}" for n in range(columns)]], "a note"
        )
        pdf._heading(sheet, table.title, 2, pdf._below(sheet, table))
        pdf._block(sheet, table)
        assert len([1 for page in sheet.pages.values() if bytes(page.contents).count(b" Tj ") > 1]) == 1


def test_a_row_that_is_written_as_facts_is_whole_on_a_sheet_with_its_note(report):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_y(sheet.page_break_trigger - 7 * pdf.LINE)
    row = [f"value {n}" for n in range(pdf.WIDE + 2)]
    pdf._block(sheet, PageTable("", [f"c{n}" for n in range(pdf.WIDE + 2)], [row], "a note"))
    assert [bytes(page.contents).count(b" Tj ") > 1 for page in sheet.pages.values()] == [False, True]


def test_the_colour_of_a_picture_does_not_fill_the_cells_of_a_later_table(report):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_fill_color(240, 241, 238)
    pdf._block(sheet, PageTable("", ("Name", "Value"), [("a", "b")]))
    assert b" f\n" not in bytes(sheet.pages[1].contents).replace(b" f ", b" f\n")


def test_measuring_a_text_moves_no_place_on_the_sheet(report):
    sheet = pdf._sheet(report)
    sheet.add_page()
    sheet.set_font(pdf.FONT, size=9)
    before = sheet.get_x(), sheet.get_y()
    pdf._row_height(sheet, ["name", "value"])
    assert (sheet.get_x(), sheet.get_y()) == before


@pytest.mark.parametrize("left", [0.2, 0.6, 1.5])
def test_no_sheet_has_the_count_of_rows_alone(report, left):
    sheet = pdf._sheet(report)
    sheet.add_page()
    row = [f"value {n}" for n in range(pdf.WIDE + 2)]
    table = PageTable("", [f"c{n}" for n in range(pdf.WIDE + 2)], [row])
    assert table.shown == "1 in all"
    sheet.set_y(sheet.page_break_trigger - (pdf.WIDE + 2) * pdf.LINE - left)
    pdf._block(sheet, table)
    assert len(sheet.pages) == 1


def test_columns_of_the_page_for_paper_have_the_width_of_their_words(report):
    page = as_html(report).decode()
    widths = [
        [int(w) for w in re.findall(r"width: (\d+)%", group)] for group in re.findall(r"<colgroup>.*?</colgroup>", page)
    ]
    assert len(widths) == page.count("<table>")
    assert all(min(each) >= 8 and 97 <= sum(each) <= 103 for each in widths)
