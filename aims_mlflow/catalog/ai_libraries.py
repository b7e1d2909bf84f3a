"""Libraries by which a source tree builds or calls AI, as a scan looks for them."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Record
from aims_mlflow.strict_yaml import parse

FILE = "ai_libraries.yaml"


class AiLibrary(Record):
    """A library: its use, and the names under which code and dependency files have it."""

    id: str
    use: Literal["provider", "model"]
    imports: tuple[str, ...] = Field(alias="import")
    packages: tuple[str, ...] = Field(alias="package")
    npm: tuple[str, ...]


@functools.cache
def ai_libraries() -> dict[str, AiLibrary]:
    """Return every library by id."""
    text = resources.files("aims_mlflow.catalog").joinpath(FILE).read_text(encoding="utf-8")
    return {found.id: found for found in map(AiLibrary.model_validate, parse(text, FILE).data)}


@functools.cache
def library_names(where: Literal["imports", "packages", "npm"]) -> dict[str, str]:
    """Return the id of the library behind each name of an import, a Python package or an npm package."""
    return {name: library.id for library in ai_libraries().values() for name in getattr(library, where)}
