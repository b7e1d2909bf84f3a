"""Templates of HTML pages, all read with the same rules: texts are escaped, and a name without a value is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

CODE = re.compile(r"`([^`\n]+)`")


def templates_of(package: str) -> jinja2.Environment:
    """Return the environment of the folder `templates` of a package, to which filters and globals may be added."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["code"] = with_code
    return environment


def with_code(text: str) -> Markup:
    """Return a text as HTML in which what stands between backticks is code; the text is escaped."""
    from markupsafe import Markup, escape

    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - of escaped text
