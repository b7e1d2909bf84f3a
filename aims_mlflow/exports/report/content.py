"""Content of a system's report: the view models of the auditor's pages about it, one after another."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.documents.page_blocks import Facts, Form, PageTable, PageView, Picture, Prose, TextBlock, cell
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.exports.report.columns import for_paper
from aims_mlflow.pages.index import PageIndex
from aims_mlflow.pages.rendering import PageFrame
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.source import PageSource, SharedSource
from aims_mlflow.pages.views.applicability import soa
from aims_mlflow.pages.views.decisions import decisions
from aims_mlflow.pages.views.documents import document
from aims_mlflow.pages.views.models import version
from aims_mlflow.pages.views.registers import monitors
from aims_mlflow.pages.views.risks import risks
from aims_mlflow.pages.views.states import live_versions
from aims_mlflow.pages.views.suppliers import suppliers
from aims_mlflow.pages.views.systems import system as system_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aims_mlflow.documents.page_blocks import Block, Text
    from aims_mlflow.ledger.ledger import Ledger

MOST_ROWS = "1000"
MET = (
    "Met means that the policy's evidence conditions hold; conformity is the auditor's judgement. This report is a "
    "view of the ledger at the time above, and proves nothing by itself: `aims bundle create` writes what can be "
    "checked."
)
NOT_COVERED = (
    "Evidence of runs that met no gate and that nobody handed to the ledger.",
    "What happened after the checkpoint above.",
    "Documents that were not published and sealed.",
    "The text of documents that were published, of which the ledger has the fields: a bundle has their files.",
    "Raw records, leaves and envelopes: the auditor's pages and the bundle have them.",
)


@dataclass(frozen=True)
class SystemReport:
    """A report: its title, what stands at its head, and its parts."""

    title: str
    head: Sequence[tuple[str, str]]
    sentence: str
    parts: Sequence[PageView]
    made: datetime

    @property
    def foot(self) -> str:
        """What stands at the foot of each sheet."""
        return f"{self.title}, as of {self.head[1][1]}"


def system_report(ledger: Ledger, system: str, now: datetime) -> SystemReport:
    """Return the report of a system from its ledger, as of `now`.

    Raises:
        ConfigError: the ledger knows no such system.
    """
    with tempfile.TemporaryDirectory() as folder:
        shared = SharedSource(LedgerView(ledger), PageIndex(Path(folder) / "pages.db"), ledger.proofs)
        while not shared.index.refresh(shared.view):
            pass
        source = PageSource(shared, EVERYTHING, now, deadline=float("inf"))
        trained = {row["system"] for row in source.rows("SELECT DISTINCT system FROM version WHERE {scope}")}
        # A bought system has no version of its own: what is published about it is its report.
        known = {*trained, *(d.publication.document.system for d in source.documents.in_force)} - {None}
        if system not in known:
            hint = did_you_mean(system, known)
            raise ConfigError(
                f"the ledger knows no system {system!r}" + (f", {hint}" if hint else ""),
                next=f"it knows {', '.join(sorted(known)) or 'none'}",
            )
        parts = [_on_paper(view) for view in _parts(source, system)]
        frame = PageFrame.of(source, "")
        shared.index.connection.close()
    return SystemReport(f"Evidence of {system}", _head(frame, system), MET, [*parts, _not_covered()], now)


def _head(frame: PageFrame, system: str) -> list[tuple[str, str]]:
    sealed = f"checkpoint {frame.checkpoint:,} of {frame.origin}" if frame.checkpoint else "no checkpoint is signed"
    return [
        ("System", system),
        ("As of", f"{frame.time.replace('T', ' ')}Z"),
        ("Ledger", f"{frame.leaves:,} leaves, {sealed}"),
        ("Root", frame.checkpoint_root or "none"),
    ]


def _parts(source: PageSource, system: str) -> list[PageView]:
    about, rows = {"system": system}, {"rows": MOST_ROWS}
    held = [v for v in live_versions(source) if v["system"] == system]
    models = [
        row["model"]
        for row in source.rows("SELECT DISTINCT model FROM version WHERE system = :s AND {scope} ORDER BY 1", s=system)
    ]
    mine = [d for d in source.documents.in_force if d.publication.document.system == system]
    return [
        _without_states(system_page(source, about, {})),
        *(version(source, {"model": v["model"], "version": v["version"]}, {}) for v in held),
        *(replace(decisions(source, {}, {"model": m, **rows}), title=f"Decisions about {m}") for m in models),
        risks(source, {}, {**about, **rows}),
        suppliers(source, {}, {**about, **rows}),
        monitors(source, {}, about),
        soa(source, {}, {}),
        *(document(source, {"document": d.id}, {}) for d in mine),
    ]


def _without_states(view: PageView) -> PageView:
    """Return a system's page without the states of its versions, which have parts of their own."""
    kept = [b for b in view.blocks if not (isinstance(b, PageTable) and b.columns[0] == "Control or clause")]
    return replace(view, blocks=[b for b in kept if b.title or not isinstance(b, Prose)])


def _not_covered() -> PageView:
    return PageView("What this report does not cover", "", NOT_COVERED)


def _on_paper(view: PageView) -> PageView:
    """Return a page without what paper has no use for: forms, listings of raw data, and empty blocks."""
    blocks = [b for block in view.blocks if not isinstance(block, Form | TextBlock) and _says(block)
              for b in (for_paper(block) if isinstance(block, PageTable) else [block])]  # fmt: skip
    return replace(view, blocks=tuple(blocks))


def _says(block: Block) -> bool:
    return isinstance(block, Facts | PageTable | Picture) or (
        isinstance(block, Prose) and any(_is_text(each) for each in block.sentences)
    )


def _is_text(sentence: Text) -> bool:
    """Return whether a sentence says something by itself; one that is nothing but a link leads nowhere on paper."""
    return not cell(sentence).href
