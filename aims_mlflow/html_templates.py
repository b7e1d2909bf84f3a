"""Templates of HTML pages, all read with the same rules: texts are escaped, and a name without a value is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def templates_of(package: str) -> jinja2.Environment:
    """Return the environment of the folder `templates` of a package, to which filters and globals may be added."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
