"""Findings and incidents in the ledger: each is opened once, and closed when its cause is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import digest_of
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.registers.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger

# Fields of a leaf that say nothing of the finding itself.
LEAF_FIELDS = ("v", "type", "time", "request", "commitment", "text", "state")


@dataclass(frozen=True)
class Finding:
    """One finding: `about` is its kind, `fields` identify its subject, `text` describes it.

    `request` names it where each request makes one of its own.
    """

    about: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    request: str | None = None

    @property
    def control(self) -> str:
        """The control that findings of this kind count against."""
        return KINDS[self.about].control

    @property
    def key(self) -> str:
        """The key by which a repeated finding is recognised."""
        return self.request or digest_of([self.about, {k: v for k, v in sorted(self.fields.items()) if v is not None}])

    def entry(self, state: str = "open") -> Entry:
        """Return the leaf that opens the finding."""
        kind = KINDS[self.about]
        public = {"about": kind.name, "control": kind.control, **self.fields, "state": state}
        return Entry(kind.leaf, {k: v for k, v in public.items() if v is not None}, {"text": self.text}, self.key)


def newest(leaves: Iterable[Leaf]) -> dict[str, Leaf]:
    """Return the newest leaf of each finding that is open, by key."""
    last = {str(leaf.content["request"]): leaf for leaf in leaves}
    return {key: leaf for key, leaf in last.items() if leaf.content.get("state") == "open"}


def open_findings(ledger: Ledger, abouts: Iterable[str] = tuple(KINDS)) -> dict[str, dict[str, Any]]:
    """Return the findings and incidents of these kinds that are open: key -> public fields, with their text."""
    wanted = set(abouts)
    leaves = (leaf for leaf in ledger.leaves(types=("finding", "incident")) if leaf.content["about"] in wanted)
    return {key: {**leaf.content, **(ledger.body(leaf.sequence) or {})} for key, leaf in newest(leaves).items()}


def closing(content: dict[str, Any], **more: Any) -> Entry:
    """Return the leaf that closes the open finding with these public fields; `more` describes the closing."""
    public = {k: v for k, v in content.items() if k not in LEAF_FIELDS}
    return Entry(KINDS[content["about"]].leaf, {**public, **more, "state": "closed"}, {}, str(content["request"]))


def record(ledger: Ledger, abouts: Iterable[str], found: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Seal new findings of these kinds, and close those that are gone; return (new findings, closed texts)."""
    before = open_findings(ledger, abouts)
    now = {f.key: f for f in found}
    new = [f for key, f in now.items() if key not in before]
    gone = [content for key, content in before.items() if key not in now]
    if new or gone:
        ledger.seal(*(f.entry() for f in new), *(closing(content) for content in gone))
    return new, [str(content.get("text", content["about"])) for content in gone]
