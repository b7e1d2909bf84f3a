"""The statement of applicability (6.1.3) as a value: 38 controls, each with decision, reasons, and computed state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.gates.combined_status import WAIVED, WORST_FIRST
from aims_mlflow.gates.document_content.against_register import why_not_out
from aims_mlflow.records.documents import newest_last
from aims_mlflow.records.documents.risk import ApplicabilityDocument, RiskRegisterDocument, TreatmentPlanDocument
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import ControlStatement

SPEAKING_AGAINST = ("failed", WAIVED, "missing")  # states of a control that nobody can call implemented
# What each line of a table has, in every format.
COLUMNS = (
    "Control", "Title", "Decision", "Reason", "Risks, objectives, laws", "Implemented", "Owner", "Next review",
    "Computed state", "Why this state", "Against it",
)  # fmt: skip
NOT_STATED = "not stated"
NOT_ASSESSED = "not assessed here"


@dataclass(frozen=True)
class StatementRow:
    """One control of the statement.

    Attributes:
        decision: `applies`, `excluded`, or `no decision` where the statement has no row for it.
        basis: Ids of risks, objectives and laws; risks that name the control are among them, whoever wrote the row.
        states: (subject, state, reason) for each subject that was judged, worst first.
        against: What the register or the risks say against the decision.
    """

    control: str
    title: str
    decision: str
    reason: str
    basis: tuple[str, ...]
    implemented: str
    owner: str
    review: str
    states: tuple[tuple[str, str, str], ...]
    against: tuple[str, ...]

    @property
    def state(self) -> str:
        """The worst state, with how many subjects have it."""
        if not self.states:
            return NOT_ASSESSED
        worst = self.states[0][1]
        same = sum(s == worst for _, s, _ in self.states)
        return worst if len(self.states) == 1 else f"{worst} ({same} of {len(self.states)})"

    @property
    def why(self) -> str:
        """Why the control has its state, for the first subject that has it."""
        if not self.states:
            return "no evidence of it was named"
        subject, state, reason = self.states[0]
        return reason if state == NOT_ASSESSED else f"{subject}: {reason}"

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells, in the order of `COLUMNS`."""
        return (
            self.control, self.title, self.decision, self.reason, ", ".join(self.basis), self.implemented, self.owner,
            self.review, self.state, self.why, "; ".join(self.against),
        )  # fmt: skip


@dataclass(frozen=True)
class ResidualRow:
    """What is left of one risk, and who accepted it."""

    risk: str
    system: str
    event: str
    level: str
    accepted_by: str

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells."""
        return (self.risk, self.system, self.event, self.level, self.accepted_by)


@dataclass(frozen=True)
class ApplicabilityStatement:
    """A version of the statement, with what was computed beside it and when."""

    id: str
    title: str
    version: str
    owner: str
    approver: str
    effective_from: str
    review_by: str
    computed: str
    rows: tuple[StatementRow, ...]
    residual: tuple[ResidualRow, ...]
    extra: tuple[str, ...]
    subjects: tuple[str, ...]

    def sentence(self) -> str:
        """Return how many controls are in, out and undecided, and against how many something speaks."""
        count = {d: sum(r.decision == d for r in self.rows) for d in ("applies", "excluded", "no decision")}
        against = sum(bool(r.against) for r in self.rows)
        return (
            f"{len(self.rows)} controls: {count['applies']} apply, {count['excluded']} excluded, "
            f"{count['no decision']} without decision; something speaks against {against} decisions"
        )


def newest_statement(state: ManagementState, name: str | None = None) -> ApplicabilityDocument:
    """Return the statement with an id, or the newest one.

    Raises:
        ConfigError: there is none.
    """
    every = state.of(ApplicabilityDocument)
    found = [d for d in every if name in (None, d.id)]
    if found:
        return max(found, key=newest_last)
    files = (f for f in state.files if f.document.written.kind == "soa" and name in (None, f.document.id))
    file = next(files, None)
    if file is not None:
        what = "is withdrawn" if file.state == "withdrawn" else "is a draft"
        fix = f"aims document soa --drafts, or aims document publish {file.document.id}"
        raise ConfigError(f"{file.document.path.name} {what}", next=fix)
    if name is None or not every:
        raise ConfigError("there is no statement of applicability", next="aims document new soa")
    known = [d.id for d in every]
    hint = did_you_mean(name, known)
    what = f"there is no statement of applicability {name!r}" + (f", {hint}" if hint else "")
    raise ConfigError(what, next=f"there are {', '.join(known)}")


def computed_statement(
    document: ApplicabilityDocument,
    state: ManagementState,
    statuses: Mapping[str, Sequence[tuple[str, ControlStatus]]],
    computed: str,
) -> ApplicabilityStatement:
    """Return the statement with the computed state beside each decision, and what speaks against the decision.

    Args:
        document: The statement as a person wrote it.
        state: Register and risks.
        statuses: Control id -> (subject, its state), for each subject that was judged.
        computed: When the states were computed.
    """
    written = {c.control: c for c in document.controls}
    risks = _risks_of_controls(state)
    rows = tuple(
        _row(control, written.get(control), risks.get(control, []), state, statuses.get(control, ()))
        for control in controls()
    )
    subjects = dict.fromkeys(name for found in statuses.values() for name, _ in found)
    return ApplicabilityStatement(
        document.id, document.title, document.version, document.owner, document.approver or NOT_STATED,
        document.effective_from or NOT_STATED, document.review_by or NOT_STATED, computed, rows, _residual(state),
        document.extra_controls, tuple(subjects),
    )  # fmt: skip


def _risks_of_controls(state: ManagementState) -> dict[str, list[str]]:
    """Return the ids of the risks that each control treats, by the risk registers and treatment plans."""
    found: dict[str, list[str]] = {}
    treated = [(r.id, r.controls) for d in state.of(RiskRegisterDocument) for r in d.risks]
    treated += [(r.risk, r.controls) for d in state.of(TreatmentPlanDocument) for r in d.risks]
    for risk, treating in treated:
        for control in treating:
            mine = found.setdefault(control, [])
            mine += [risk] if risk not in mine else []
    return found


def _row(
    control: str,
    said: ControlStatement | None,
    risks: list[str],
    state: ManagementState,
    statuses: Sequence[tuple[str, ControlStatus]],
) -> StatementRow:
    states = sorted(((n, s.state, s.reason) for n, s in statuses), key=lambda each: WORST_FIRST.index(each[1]))
    judged = tuple(s for s in states if s[1] != NOT_ASSESSED) or tuple(states)
    decision = "no decision" if said is None else "applies" if said.applies else "excluded"
    against = []
    if said is not None and not said.applies:
        register = why_not_out(control, state.systems, state.of(SupplierDocument))
        against += [register] if register else []
        against += [f"it treats {', '.join(risks)}"] if risks else []
    if said is not None and said.applies and said.implemented and judged and judged[0][1] in SPEAKING_AGAINST:
        against.append(f"it is said to be implemented, and its computed state is {judged[0][1]}")
    written = _said(said) if said is not None else {}
    basis = tuple(dict.fromkeys((*(said.basis if said else ()), *risks)))
    reason, implemented, owner, review = (
        written.get(name) or NOT_STATED for name in ("reason", "implemented", "owner", "review")
    )
    title = controls()[control].title
    return StatementRow(control, title, decision, reason, basis, implemented, owner, review, judged, tuple(against))


def _residual(state: ManagementState) -> tuple[ResidualRow, ...]:
    """Return what is left of each risk; a risk without a stated rest is shown as such."""
    return tuple(
        ResidualRow(
            risk.id, risk.system or NOT_STATED, risk.event or NOT_STATED,
            risk.residual.level if risk.residual else NOT_STATED, risk.accepted_by or "nobody",
        )
        for document in state.of(RiskRegisterDocument)
        for risk in document.risks
    )  # fmt: skip


@dataclass(frozen=True)
class StatementChange:
    """What one control says in a later version that it did not say in an earlier one."""

    control: str
    field: str
    before: str
    after: str


def changes(before: ApplicabilityDocument, after: ApplicabilityDocument) -> list[StatementChange]:
    """Return every difference of decision, reason, basis, implementation, owner and review, by control."""
    old, new = ({c.control: _said(c) for c in d.controls} for d in (before, after))
    return [
        StatementChange(control, name, first.get(name) or NOT_STATED, second.get(name) or NOT_STATED)
        for control in dict.fromkeys((*controls(), *old, *new))
        for first, second in ((old.get(control, {}), new.get(control, {})),)
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]


def _said(row: ControlStatement) -> dict[str, str]:
    return {
        "decision": "applies" if row.applies else "excluded", "reason": row.reason or "", "basis": ", ".join(row.basis),
        "implemented": row.implemented or "", "owner": row.owner or "", "review": row.review or "",
    }  # fmt: skip
