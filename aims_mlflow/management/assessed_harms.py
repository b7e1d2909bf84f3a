"""Which results an impact assessment answers: each by a harm that rests on its record and names its group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.control_conditions.impact import leads_to, names_group
from aims_mlflow.gates.shapes import mappings, texts
from aims_mlflow.management.passages import citation_lines
from aims_mlflow.records.documents import stated_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.evidence import Claim


class AssessedHarms:
    """The harms of one or several assessments of a system, each with the evidence that it rests on.

    A mark such as `e1` in a harm stands for the record that its line below the text names. A citation in the text alone
    is no harm.
    """

    def __init__(self, documents: Iterable[tuple[WrittenDocument, FolderDocument | None]]) -> None:
        self._harms: list[tuple[Mapping[str, Any], list[str]]] = []
        self._groups: list[Mapping[str, Any]] = []
        for written, text in documents:
            fields = stated_fields(written)
            self._groups += mappings(fields.get("groups"))
            marks = {line.name: str(line.evidence) for line in (citation_lines(text) if text else ()) if line.evidence}
            for harm in mappings(fields.get("impacts")):
                if harm.get("kind") == "harm":
                    named = (name.strip("[]^") for name in texts(harm.get("evidence")))
                    self._harms.append((harm, [marks.get(name, name) for name in named]))

    def why_not(self, record: SealedRecord, claim: Claim) -> str | None:
        """Return why no harm is about a result: none rests on its record, or none of those names its group."""
        mine = [harm for harm, named in self._harms if any(leads_to(name, record) for name in named)]
        if not mine:
            return f"no harm rests on {record.id}"
        if not any(names_group(harm, claim, self._groups) for harm in mine):
            return f"no harm that rests on {record.id} names that group"
        return None
