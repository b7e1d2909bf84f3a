"""A report as one HTML page, which needs nothing else and prints on A4."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import cell
from aims_mlflow.documents.page_html import cells, drawing
from aims_mlflow.exports.report.columns import shares
from aims_mlflow.html_templates import templates_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jinja2

    from aims_mlflow.documents.page_blocks import Text
    from aims_mlflow.exports.report.content import SystemReport


def as_html(report: SystemReport) -> bytes:
    """Return the report as HTML; every text is escaped."""
    return (_template().render(report=report) + "\n").encode()


@functools.cache
def _template() -> jinja2.Template:
    environment = templates_of("aims_mlflow.exports.report")
    environment.globals |= {"cells": cells, "drawing": drawing, "widths": _widths}
    environment.filters |= {"cell": cell}
    return environment.get_template("report.html.j2")


def _widths(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return the width of each column in percent, by the words in it, so that no number parts."""
    given = shares(columns, rows)
    return [round(100 * each / sum(given)) for each in given]
