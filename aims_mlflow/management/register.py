"""A new entry of the register of systems: what is known is stated, and the rest is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import ConfigError
from aims_mlflow.management.draft import draft_text
from aims_mlflow.management.folder import UnreadableDocument, parse_document

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.management.rules.base import LintContext


def add_entry(around: LintContext, system: str, owner: str, author: str, stated: dict[str, Any]) -> tuple[Path, int]:
    """Write the entry of a system into the management folder; returns its file, and how many gaps it has.

    Raises:
        ConfigError: the register has the system, another entry claims one of its models or components, or what is
            stated is not valid.
    """
    if system in around.systems:
        raise ConfigError(f"the register has {system!r} already", next=f"aims system show {system}")
    for field in ("models", "components"):
        for other, entry in around.systems.items():
            taken = set(stated.get(field) or ()) & set(getattr(entry, field))
            if taken:
                raise ConfigError(f"{min(taken)} belongs to {other} already", next="name another, or change that entry")
    facts = {"system": system, "owner": owner, "author": author, **{k: v for k, v in stated.items() if v}}
    name, text = draft_text("system", system, facts, around)
    path = around.folder.root / name
    if path.exists():
        raise ConfigError("there is such a file already", where=str(path), next="edit it, or move it away")
    read = parse_document(text.encode(), path)
    if isinstance(read, UnreadableDocument):
        raise ConfigError("; ".join(p.what for p in read.problems), next="aims system add --help")
    path.write_text(text, encoding="utf-8")
    return path, text.count("TODO")
