"""Who may accept what is left of a risk: top management, and whom the risk method names for its level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.risk import RiskMethodDocument
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet

# How a method says that whoever owns a risk may accept it.
OWNER = ("owner", "its owner", "risk owner", "the risk owner", "the owner of the risk")


class AcceptingPeople:
    """The people register and the risk method, asked whether somebody may accept a level."""

    def __init__(self, documents: DocumentSet) -> None:
        self._allowed: dict[str, set[str]] = {}
        for method in documents.of(RiskMethodDocument):
            for rule in method.acceptance:
                self._allowed.setdefault(rule.level.casefold(), set()).add(documents.same_person(rule.may_accept))
        self._same_person = documents.same_person
        self._top = {person(p.id) for p in documents.people.values() if p.top_management}
        self._functions = {person(p.id): person(p.function or "") for p in documents.people.values()}

    def __call__(self, who: str, level: str) -> bool:
        """Return whether a person may accept a level, by their name or their function."""
        name = self._same_person(who)
        return name in self._top or bool(
            {name, self._functions.get(name, "")} & self._allowed.get(level.casefold(), set())
        )

    def names_owner(self, owner: str, level: str) -> bool:
        """Return whether the risk method lets the owner of a risk accept a level: by name, or as its owner."""
        return bool({self._same_person(owner), *OWNER} & self._allowed.get(level.casefold(), set()))
