"""A report as one HTML page, which needs nothing else and prints on A4."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aims_mlflow.pages.blocks import cell
from aims_mlflow.pages.rendering import cells

if TYPE_CHECKING:
    import jinja2

    from aims_mlflow.exports.report.content import SystemReport


def as_html(report: SystemReport) -> bytes:
    """Return the report as HTML; every text is escaped."""
    return (_template().render(report=report) + "\n").encode()


@functools.cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aims_mlflow.exports.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"cells": cells}
    environment.filters |= {"cell": cell}
    return environment.get_template("report.html.j2")
