"""Findings and incidents in the ledger: each is opened once, and closed when its cause is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import digest_of
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.leaves.others import FindingBody, FindingLeaf, IncidentBody, IncidentLeaf
from aims_mlflow.registers.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger

FindingContent = FindingLeaf | IncidentLeaf


@dataclass(frozen=True)
class Finding:
    """One finding: `content` has its kind and the fields that identify its subject, `text` describes it.

    `content.request` names it where each request makes one of its own.
    """

    content: FindingContent
    text: str

    @property
    def about(self) -> str:
        """The kind of the finding."""
        return self.content.about

    @property
    def control(self) -> str:
        """The control that it counts against: its own, else that of its kind."""
        return self.content.control or KINDS[self.about].control

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that identify its subject, as JSON values."""
        return {name: value for name, value in self.content.public().items() if name != "about"}

    @property
    def key(self) -> str:
        """The key by which a repeated finding is recognised."""
        return self.content.request or digest_of([self.about, self.fields])

    def entry(self, state: str = "open") -> Entry:
        """Return the leaf that opens the finding."""
        content = self.content.changed(control=self.control, state=state, request=self.key)
        body = IncidentBody if isinstance(content, IncidentLeaf) else FindingBody
        return Entry(content, body(text=self.text))


@dataclass(frozen=True)
class OpenFinding:
    """An open finding or incident of the ledger; without `text` where its body was erased."""

    content: FindingContent
    text: str | None


def newest(leaves: Iterable[Leaf]) -> dict[str, tuple[Leaf, FindingContent]]:
    """Return the newest leaf of each finding that is open, with its content, by key."""
    last = {content.request: (leaf, content) for leaf, content in _findings(leaves)}
    return {key: found for key, found in last.items() if found[1].state == "open"}


def _findings(leaves: Iterable[Leaf]) -> Iterator[tuple[Leaf, FindingContent]]:
    for leaf in leaves:
        content = leaf.fact
        if isinstance(content, FindingLeaf | IncidentLeaf):
            yield leaf, content


def open_findings(ledger: Ledger, abouts: Iterable[str] = tuple(KINDS)) -> dict[str, OpenFinding]:
    """Return the findings and incidents of these kinds that are open, by key."""
    wanted = set(abouts)
    found = newest(ledger.leaves(types=("finding", "incident")))
    return {key: _opened(ledger, *each) for key, each in found.items() if each[1].about in wanted}


def _opened(ledger: Ledger, leaf: Leaf, content: FindingContent) -> OpenFinding:
    body = ledger.body(leaf.sequence)
    return OpenFinding(content, body.text if isinstance(body, FindingBody | IncidentBody) else None)


def closed(content: FindingContent) -> FindingContent:
    """Return the content of the leaf that closes an open finding."""
    return content.changed(state="closed")


def record(ledger: Ledger, abouts: Iterable[str], found: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Seal new findings of these kinds, and close those that are gone; return (new findings, closed texts)."""
    before = open_findings(ledger, abouts)
    now = {f.key: f for f in found}
    new = [f for key, f in now.items() if key not in before]
    gone = [each for key, each in before.items() if key not in now]
    if new or gone:
        ledger.seal(*(f.entry() for f in new), *(Entry(closed(each.content)) for each in gone))
    return new, [each.text or each.content.about for each in gone]
