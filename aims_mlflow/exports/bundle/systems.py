"""Assignment of leaves to systems, according to the policy or the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, read
from aims_mlflow.exports.bundle import layout
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.records.leaves.changes import DecisionLeaf, RenamingLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.audit.report import Report
    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.gates.rules_in_force import StoredTexts
    from aims_mlflow.records.leaves.base import LeafContent


class RecordSource(Protocol):
    """A ledger, or a bundle with the same methods."""

    @property
    def state(self) -> StoredTexts:
        """The store of policies."""

    def envelope(self, sha256: str) -> bytes | None:
        """Return one envelope."""


class Systems:
    """Assigns leaves to systems; caches the records that it reads."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self._records: dict[str, SealedRecord | None] = {}

    def record(self, name: str) -> SealedRecord | None:
        """Return the record that a leaf names; None if it is missing or malformed."""
        if name not in self._records:
            raw = self._source.envelope(name) if name else None
            try:
                self._records[name] = read(raw, name) if raw is not None else None
            except EvidenceError:
                self._records[name] = None
        return self._records[name]

    def of(self, content: LeafContent) -> set[str]:
        """Return the systems of a decision or of ingested evidence.

        Raises:
            AimsError: the policy that it names is malformed.
        """
        out = set()
        for lines in content.session_files().values():
            # The first record of a session says it; where that was erased, the next one does.
            record = next(filter(None, (self.record(line) for line in lines if line)), None)
            if record is not None and record.evidence.system:
                out.add(record.evidence.system)
        if not isinstance(content, DecisionLeaf):
            return out
        text = self._source.state.stored(content.policy_digest or "")
        if text and content.stage:
            workspace, _, name = content.model_name.rpartition("/")
            rules = parse_policy(text, FILE).rules(name, content.stage, content.alias, workspace or None)
            if rules.system is not None and rules.system.id:
                out.add(rules.system.id)
        return out


def names_in(content: LeafContent) -> set[str]:
    """Return the names of a model in a leaf about its renaming."""
    if not isinstance(content, RenamingLeaf):
        return set()
    return {name for name in (content.model_name, content.previous, content.renamed_to) if name}


def renamed(names: set[str], contents: Iterable[LeafContent]) -> set[str]:
    """Return `names` with all earlier and later names of the same models."""
    out = set(names)
    for content in contents:
        if (pair := names_in(content)) & out:
            out |= pair
    return out


def check_system(view: PartLedger, system: str, report: Report) -> None:
    """Note leaves of other systems, because the system id of a bundle is unsigned."""
    found: list[tuple[str, LeafContent, set[str]]] = []
    systems = Systems(view)
    for leaf in view.leaves(types=("decision", "evidence")):
        who = f"leaf {leaf.sequence}, {leaf.fact.type}"
        try:
            found.append((who, leaf.fact, systems.of(leaf.fact)))
        except AimsError as exc:
            report["completeness"].wrong(who, exc.what, "nobody can say which system it is about")
    mine = {str(content.model_name) for _, content, about in found if system in about}
    names = renamed(mine, (leaf.fact for leaf in view.leaves(types=("renamed",))))
    for who, content, about in found:
        if about and system not in about and content.model_name not in names:
            what = f"it is about {', '.join(sorted(about))}, and the bundle says that it is about {system}"
            report["completeness"].wrong(who, what, "the bundle is presented as another system's")
    if found and not any(system in about for *_, about in found):
        report["completeness"].wrong(
            layout.MANIFEST, f"nothing in it is about {system}", "the bundle is presented as another system's"
        )
