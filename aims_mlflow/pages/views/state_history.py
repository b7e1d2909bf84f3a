"""History of a control's state for one version: the state after each leaf that could have changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageTable
from aims_mlflow.gates.authority import moment_of
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.pages.judging import VersionLeaves, sessions_of, shelf_in, with_decisions, with_documents
from aims_mlflow.pages.library import document_leaves
from aims_mlflow.pages.views.common import leaf_cell, time_text
from aims_mlflow.pages.views.states import catalogue, control_cell
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.changes import DecisionLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource

MOST = 40  # leaves, the newest


@dataclass(frozen=True)
class PastState:
    """A state, the leaf after which it was computed, and the time of that leaf."""

    leaf: Leaf
    status: ControlStatus


class StateHistory:
    """Judges one version again after each of its leaves, as the ledger was then."""

    def __init__(self, source: PageSource, model: str, version: str) -> None:
        self._source, self._model, self._version = source, model, version
        self._known = source.version_leaves(model, version)
        self._sessions: dict[int, list[CheckedSession]] = {}

    def of(self, control: str) -> tuple[list[PastState], int]:
        """Return the states of a control, oldest first, equal ones in a row once; and how many leaves are left out."""
        found = (self._source.view.leaf(number) for number in document_leaves(self._source.shared))
        about = (*self._known.decisions, *self._known.ingested, *(leaf for leaf in found if leaf is not None))
        leaves = sorted({leaf.sequence: leaf for leaf in about}.values(), key=lambda leaf: leaf.sequence)
        out: list[PastState] = []
        for leaf in leaves[-MOST:]:
            status = self._after(leaf, control)
            if status is not None and (not out or out[-1].status.state != status.state):
                out.append(PastState(leaf, status))
        return out, max(len(leaves) - MOST, 0)

    def _after(self, leaf: Leaf, control: str) -> ControlStatus | None:
        """Return the state just after a leaf, by the leaves up to it and the clock of it."""
        moment = moment_of(leaf)
        made = [x for x in self._known.decisions if x.sequence <= leaf.sequence]
        later = [x for x in self._known.ingested if x.sequence <= leaf.sequence]
        allowed = [x for x in made if isinstance(x.fact, DecisionLeaf) and x.fact.allowed]
        if not made:
            return None
        about = VersionLeaves((allowed or made)[-1], made, later, self._places(moment.time))
        sessions = {s.name: s for x in ((allowed or made)[-1], *later) for s in self._checked(x)}
        system = next((r.evidence.system for s in sessions.values() for r in s.records if r.evidence.system), None)
        deciding = about.deciding.fact if about.deciding else None
        digest = deciding.model_digest if isinstance(deciding, DecisionLeaf) else None
        subject = StatusSubject(system, digest=digest, sessions=tuple(sessions.values()))
        now = parse_time(moment.time)
        subject = with_decisions(subject, self._source.view, about)
        subject = with_documents(subject, shelf_in(self._source.view, now, leaf.sequence + 1))
        return control_status(catalogue()[control], subject, now)

    def _checked(self, leaf: Leaf) -> list[CheckedSession]:
        if leaf.sequence not in self._sessions:
            self._sessions[leaf.sequence] = sessions_of(self._source.view, leaf, self._source.history)
        return self._sessions[leaf.sequence]

    def _places(self, time: str) -> Sequence[str]:
        sql = (
            "SELECT place FROM tenure WHERE model = :m AND version = :v AND since <= :t "
            "AND (until IS NULL OR until > :t) AND {scope}"
        )
        return [r["place"] for r in self._source.rows(sql, m=self._model, v=self._version, t=time)]


def history_table(source: PageSource, control: str, model: str, version: str) -> PageTable:
    """Return how the state of a control came about, with the leaf after which each state held."""
    found, left_out = StateHistory(source, model, version).of(control)
    rows: list[tuple[Any, ...]] = [
        (
            time_text(past.leaf.fact.time),
            control_cell({"state": past.status.state, "next_time": past.status.next_time}),
            past.status.reason,
            past.leaf.fact.type,
            leaf_cell(past.leaf.sequence),
        )
        for past in found
    ]
    judged = source.judgement(model, version)
    now = next((s for s in judged.statuses if s.control.id == control), None) if judged else None
    if now is not None and (not found or found[-1].status.state != now.state):
        state = control_cell({"state": now.state, "next_time": now.next_time})
        rows.append((time_text(source.moment), state, now.reason, "the clock, or a change of rules", ""))
    note = (
        "Judged again after each decision about this version, each evidence and each document, by the leaves up to it "
        "and the catalog of this release. What ended by itself between two leaves shows at the next of them; a "
        "signature on a document that was taken back since counts in no past state."
    )
    more = f" {left_out:,} earlier leaves are left out." if left_out else ""
    return PageTable("History of the state", ("When", "State", "Why", "After", "Sealed"), rows, note + more)
