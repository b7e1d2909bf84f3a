"""The records and traces on which a risk is said to rest: its causes, and the ids in the words of its bases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.records.documents.risk import RiskEntry

RECORD = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
TRACE = re.compile(r"\btr-[0-9a-f]{32}\b")
LEAST_PREFIX = 8  # of a record's id that is not written out


def named_records(risk: RiskEntry) -> list[str]:
    """Return the ids that a risk names as its causes and in its bases, each once, as they are written there."""
    bases = (risk.likelihood_basis, risk.impact_basis, risk.residual.basis if risk.residual else None)
    named = [n for cause in risk.cause_evidence for n in _ids(cause) or [cause.strip()]]
    return list(dict.fromkeys([*named, *(n for basis in bases for n in _ids(basis or ""))]))


def _ids(text: str) -> list[str]:
    return [*RECORD.findall(text), *TRACE.findall(text)]


def prefix_of(named: str) -> str:
    """Return the beginning of an id as ids are written, without the dots of one that is cut off."""
    return named.rstrip(".…").casefold()


def begins(record: str, named: str) -> bool:
    """Return whether a record's id is the one that is named, or begins like it."""
    prefix = prefix_of(named)
    return record == prefix or (len(prefix) >= LEAST_PREFIX and record.startswith(prefix))


def ids_in(value: object) -> Iterator[str]:
    """Yield every `id` in the fields of a document."""
    if isinstance(value, dict):
        yield from [value["id"]] if isinstance(value.get("id"), str) else []
        for item in value.values():
            yield from ids_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from ids_in(item)
