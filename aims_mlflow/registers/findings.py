"""Findings: what does not fit, opened once, closed when it fits again. The ledger keeps both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import digest_of
from aims_mlflow.ledger.leaves import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.ledger import Ledger

MOST = 100_000


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit: `about` is its kind, `fields` say of what, `text` says it to a person."""

    about: str
    control: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What makes it the same finding when it is found again."""
        return digest_of([self.about, dict(sorted((k, v) for k, v in self.fields.items() if v is not None))])

    def entry(self, state: str = "open") -> Entry:
        """Return its leaf."""
        public = {"about": self.about, "control": self.control, **self.fields, "state": state}
        return Entry("finding", {k: v for k, v in public.items() if v is not None}, {"text": self.text}, self.key)


def open_findings(ledger: Ledger, abouts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the findings of these kinds that are open: key -> public fields, with their text."""
    wanted = set(abouts)
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for leaf in ledger.leaves(types=("finding",)):
        if leaf.content["about"] in wanted:
            found[str(leaf.content["request"])] = (leaf.sequence, leaf.content)
    still = {key: value for key, value in found.items() if value[1].get("state") == "open"}
    return {key: {**content, **(ledger.body(at) or {})} for key, (at, content) in still.items()}


def record(ledger: Ledger, abouts: Iterable[str], found: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Seal what is new among findings of these kinds, and close what is no more; returns (new, closed texts)."""
    before = open_findings(ledger, abouts)
    now = {f.key: f for f in found}
    new = [f for key, f in now.items() if key not in before]
    gone = {key: content for key, content in before.items() if key not in now}
    closing = []
    for key, content in gone.items():
        public = {k: v for k, v in content.items() if k not in LEAF_FIELDS}
        closing.append(Entry("finding", {**public, "state": "closed"}, {}, key))
    if new or closing:
        ledger.seal(*(f.entry() for f in new), *closing)
    return new, [str(content.get("text", content["about"])) for content in gone.values()]


LEAF_FIELDS = ("v", "type", "time", "request", "commitment", "text", "state")
