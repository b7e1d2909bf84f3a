"""Templates of the checks' pages and pictures, filled in with autoescape."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aims_mlflow.html_templates import templates_of

if TYPE_CHECKING:
    import jinja2


def render(template: str, **values: Any) -> bytes:
    """Return a template of `templates/` as UTF-8; texts in `values` are escaped, `markupsafe.Markup` is not."""
    return (_environment().get_template(template).render(**values) + "\n").encode()


@cache
def _environment() -> jinja2.Environment:
    environment = templates_of("aims_mlflow.checks.pages")
    environment.filters["page_title"] = lambda name: name.removesuffix(".html").replace("_", " ")
    return environment
