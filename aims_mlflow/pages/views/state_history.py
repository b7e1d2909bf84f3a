"""History of the states of one version: each control's state after each leaf that could have changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, to
from aims_mlflow.gates.authority import moment_of
from aims_mlflow.gates.control_status import control_status, control_statuses
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.pages.judging import VersionLeaves, sessions_of, shelf_in, with_decisions, with_documents
from aims_mlflow.pages.library import document_leaves
from aims_mlflow.pages.views.common import leaf_cell, time_text
from aims_mlflow.pages.views.states import catalogue, control_cell
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.changes import DecisionLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource

MOST = 40  # leaves, the newest
COLUMNS = ("When", "State", "Why", "After", "Sealed")
NOTE = (
    "Judged again after each decision about this version, each evidence and each document, by the leaves up to it and "
    "the catalog of this release. What ended by itself between two leaves shows at the next of them; a signature on a "
    "document that was taken back since counts in no past state."
)


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
        leaves, left_out = self._leaves()
        judged = ((leaf, found) for leaf in leaves if (found := self._after(leaf)) is not None)
        past = (PastState(leaf, control_status(catalogue()[control], *found)) for leaf, found in judged)
        return _changes(past), left_out

    def of_all(self) -> tuple[dict[str, list[PastState]], int]:
        """Return the states of every control and clause as `of`, by its id."""
        leaves, left_out = self._leaves()
        out: dict[str, list[PastState]] = {control: [] for control in catalogue()}
        for leaf in leaves:
            found = self._after(leaf)
            for status in control_statuses(*found, with_clauses=True) if found is not None else ():
                out[status.control.id].append(PastState(leaf, status))
        return {control: _changes(past) for control, past in out.items()}, left_out

    def _leaves(self) -> tuple[list[Leaf], int]:
        found = (self._source.view.leaf(number) for number in document_leaves(self._source.shared))
        about = (*self._known.decisions, *self._known.ingested, *(leaf for leaf in found if leaf is not None))
        leaves = sorted({leaf.sequence: leaf for leaf in about}.values(), key=lambda leaf: leaf.sequence)
        return leaves[-MOST:], max(len(leaves) - MOST, 0)

    def _after(self, leaf: Leaf) -> tuple[StatusSubject, datetime] | None:
        """Return the version just after a leaf, by the leaves up to it, and its time; None before it is there."""
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
        shelf = shelf_in(self._source.view, now, leaf.sequence + 1, self._source.shared.sessions)
        return with_documents(subject, shelf, now), now

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


def _changes(past: Iterable[PastState]) -> list[PastState]:
    """Return the first of equal states in a row."""
    out: list[PastState] = []
    for each in past:
        if not out or out[-1].status.state != each.status.state:
            out.append(each)
    return out


def _row(past: PastState) -> tuple[Any, ...]:
    state = control_cell({"state": past.status.state, "next_time": past.status.next_time})
    leaf = past.leaf
    return time_text(leaf.fact.time), state, past.status.reason, leaf.fact.type, leaf_cell(leaf.sequence)


def _row_now(source: PageSource, now: ControlStatus) -> tuple[Any, ...]:
    state = control_cell({"state": now.state, "next_time": now.next_time})
    return time_text(source.moment), state, now.reason, "the clock, or a change of rules", ""


def history_table(source: PageSource, control: str, model: str, version: str) -> PageTable:
    """Return how the state of a control came about, with the leaf after which each state held."""
    found, left_out = StateHistory(source, model, version).of(control)
    rows = [_row(past) for past in found]
    judged = source.judgement(model, version)
    now = next((s for s in judged.statuses if s.control.id == control), None) if judged else None
    if now is not None and (not found or found[-1].status.state != now.state):
        rows.append(_row_now(source, now))
    return PageTable("History of the state", COLUMNS, rows, NOTE + _left_out(left_out))


def version_history(source: PageSource, model: str, version: str) -> PageTable:
    """Return how the states of all controls of a version came about, without those that were never assessed here."""
    history, left_out = StateHistory(source, model, version).of_all()
    judged = source.judgement(model, version)
    today = {s.control.id: s for s in judged.statuses} if judged else {}
    rows: list[tuple[Any, ...]] = []
    for control, past in history.items():
        now = today.get(control)
        mine = [_row(each) for each in past]
        if now is not None and (not past or past[-1].status.state != now.state):
            mine.append(_row_now(source, now))
        if {*(each.status.state for each in past), *([now.state] if now else [])} - {"not assessed here"}:
            link = PageCell(control, to("controls", control, model=model, version=version))
            rows += [(link, *row) for row in mine]
    return PageTable("History of the states", ("Control or clause", *COLUMNS), rows, NOTE + _left_out(left_out))


def _left_out(leaves: int) -> str:
    return f" {leaves:,} earlier leaves are left out." if leaves else ""
