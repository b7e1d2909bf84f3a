"""The head of a report: its result, what it is about, when it was made, and which key signs the record that names it.

A check makes its report without knowing any of that; whoever keeps the report puts the head in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.checks.pages.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.records.evidence import Result

MARK = b"<!-- the head of the report -->"  # in templates/page.html.j2; text of records is escaped, and never reads so


@dataclass(frozen=True)
class ReportHead:
    """What a report says first: the result with its reason, then facts by name, of which empty ones are left out."""

    result: Result
    reason: str | None
    facts: Mapping[str, str] = field(default_factory=dict)

    def on(self, page: bytes) -> bytes:
        """Return a page of ours with the head below its title; a page of another form as it is."""
        if MARK not in page:
            return page
        facts = [(name, text) for name, text in self.facts.items() if text]
        style = {"passed": "", "failed": "bad"}.get(self.result, "open")
        words = self.result.replace("_", " ")
        shown = render("head.html.j2", result=words, style=style, reason=self.reason or "", facts=facts)
        return page.replace(MARK, shown.strip(), 1)
