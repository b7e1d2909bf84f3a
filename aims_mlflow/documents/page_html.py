"""A page as HTML: one template and one stylesheet for the auditor's pages, a bundle's, and the page of a run."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, cell
from aims_mlflow.html_templates import templates_of, with_code
from aims_mlflow.records.wording import count_text

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

    from aims_mlflow.documents.page_blocks import PageTable, PageView, Picture, Text

# Letters of the longest name and text that a narrow column shows well, and of a date, which is not broken in two.
NAME, PROSE, DATE = 20, 60, 10
LONG, SHORT = " long", " short"
_SPECIAL = re.compile("[&<>\"']")


def page_html(template: str, view: PageView, root: str = "", *, print_view: bool = False, **around: Any) -> bytes:
    """Return a page as HTML; every text is escaped.

    Args:
        template: The file that extends `base.html.j2`, with what stands around the page.
        view: The page.
        root: The address before each link of the page.
        print_view: Whether everything folded is open.
        around: What the template says around the page.
    """
    return template_named(template).render(view=view, root=root, print_view=print_view, **around).encode()


@functools.cache
def template_named(name: str) -> jinja2.Template:
    """Return a template; reading it takes longer than filling it in."""
    environment = templates_of("aims_mlflow.documents")
    environment.globals |= {"cells": cells, "show": show, "drawing": drawing, "table_rows": table_rows}
    environment.filters |= {"cell": cell, "anchor": _anchor, "count": count_text}
    return environment.get_template(name)


def drawing(picture: Picture, name: str) -> Markup:
    """Return a picture as SVG; `name` tells it apart from the others of a page."""
    from markupsafe import Markup

    return Markup(template_named("picture.svg.j2").render(picture=picture, id=name))  # noqa: S704 - it escapes its texts


def cells(value: Any) -> list[PageCell]:
    """Return one value or several as cells."""
    if isinstance(value, Sequence) and not isinstance(value, str | PageCell):
        return [cell(each) for each in value]
    return [cell(value)]


def show(c: PageCell, root: str) -> Markup:
    """Return the HTML of a cell; every text is escaped."""
    from markupsafe import Markup

    return Markup(_shown(c, root))  # noqa: S704 - of escaped parts


def table_rows(table: PageTable, root: str) -> Markup:
    """Return the rows of a table as HTML; every text is escaped.

    A page has a thousand cells, which would take a template three times as long.
    """
    from markupsafe import Markup

    labels = [_escaped(name) for name in table.columns]
    return Markup("".join(_row(row, labels, root) for row in table.rows))  # noqa: S704 - of escaped parts


def _row(row: Sequence[Text], labels: Sequence[str], root: str) -> str:
    first, *others = map(cell, row)
    head = f'<th scope="row" role="rowheader" class="{_width(first, NAME)}">{_shown(first, root)}</th>'
    rest = (
        f'<td role="cell" class="{_width(c, PROSE)}" data-label="{label}">{_shown(c, root)}</td>'
        for c, label in zip(others, labels[1:], strict=False)
    )
    return f'<tr role="row">{head}{"".join(rest)}</tr>\n'


def _width(c: PageCell, most: int) -> str:
    """Return a cell's class: its tone, and whether its text is too long for a narrow column, or too short to break."""
    length = len(c.text)
    return c.tone + (LONG if length > most else SHORT if length <= DATE else "")


def _shown(c: PageCell, root: str) -> str:
    text = _escaped(c.text)
    if not c.code and "`" in text:
        text = str(with_code(c.text))
    if c.href:
        text = f'<a href="{_escaped(root)}{_escaped(c.href)}">{text}</a>'
    elif c.code:
        text = f"<code>{text}</code>"
    return f'<span class="mark" aria-hidden="true">{_escaped(c.mark)}</span>&nbsp;{text}' if c.mark else text


def _escaped(text: object) -> str:
    """Return a text as HTML; most have nothing to escape, which is found faster than a `Markup` is made."""
    from markupsafe import escape

    return text if type(text) is str and not _SPECIAL.search(text) else str(escape(text))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "part"


def stylesheet() -> bytes:
    """Return the one stylesheet of all pages."""
    return resources.files("aims_mlflow.documents").joinpath("templates/style.css").read_bytes()
