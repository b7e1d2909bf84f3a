"""A report as one HTML page, which needs nothing else and prints on A4."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import cell
from aims_mlflow.documents.page_html import cells, drawing
from aims_mlflow.html_templates import templates_of

if TYPE_CHECKING:
    import jinja2

    from aims_mlflow.exports.report.content import SystemReport


def as_html(report: SystemReport) -> bytes:
    """Return the report as HTML; every text is escaped."""
    return (_template().render(report=report) + "\n").encode()


@functools.cache
def _template() -> jinja2.Template:
    environment = templates_of("aims_mlflow.exports.report")
    environment.globals |= {"cells": cells, "drawing": drawing}
    environment.filters |= {"cell": cell}
    return environment.get_template("report.html.j2")
