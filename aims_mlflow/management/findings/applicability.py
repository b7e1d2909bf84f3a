"""Findings P1-P9: the statement of applicability does not fit register, risks, or itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.catalog.loader import controls, objectives
from aims_mlflow.errors import nearest
from aims_mlflow.gates.document_content.acceptance import AcceptingPeople
from aims_mlflow.gates.document_content.against_register import why_not_out
from aims_mlflow.gates.document_content.risks import changed_since, registered_risks, risks_named
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.decision_rows import row_findings
from aims_mlflow.management.findings.laws import law_changes
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import PartiesDocument
from aims_mlflow.records.documents.risk import ApplicabilityDocument, RiskRegisterDocument, TreatmentPlanDocument
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import ControlStatement, RiskEntry

SAME_REASON = 3
# Words that repeat the decision, and give no reason for it.
NO_REASON = re.compile(
    r"\W*((this|the|it|control|which|is|are|does|do|we|have|has|been|was)\W+)*"
    r"(not (applicable|relevant|needed|required|necessary|used|in scope|apply)|out of scope|applicable|applies|"
    r"relevant|needed|required|in scope|no need|nothing of (this|the) kind)"
    r"(\W+((to|for|by|in|at|of) )?(us|our (organisation|organization|company|bank|business|case|context|work|scope)|"
    r"(the|this) (organisation|organization|company|business)|here|it|iso|(the )?standard))*\W*",
    re.IGNORECASE,
)
# A reason in law or contract has a proper name, a number, or one of these words.
LEGAL = re.compile(
    r"[\d§]|\b(laws?|acts?|regulations?|directives?|statutes?|ordinances?|contracts?|agreements?|codes?|standards?|"
    r"licences?|polic(y|ies)|supervis\w+|authorit\w+|courts?)\b"
)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the newest statement of applicability, and about who accepted what is left of risks."""
    yield from _accepted(state, now.strftime("%Y-%m-%d"))
    newest = state.statement
    if newest is None:
        fact = "there is no statement of applicability: no control is in or out with a reason"
        yield ManagementFinding("P1", "statement", fact, state.bring("soa"))
        return
    rows = {c.control: c for c in newest.controls}
    yield from _decided_twice(newest)
    for control in controls():
        yield from _row(control, rows.get(control), newest.id, state)
    yield from _risks(state, rows, newest.id)
    yield from _alike(newest)
    yield from _later(newest, state, now.strftime("%Y-%m-%d"))
    yield from row_findings(newest, state, now.strftime("%Y-%m-%d"))


def _row(
    control: str, row: ControlStatement | None, statement: str, state: ManagementState
) -> Iterator[ManagementFinding]:
    fix = f"complete {control} in {statement}"
    if row is None:
        yield ManagementFinding("P1", control, f"{control} has no decision", fix, None, (statement,))
        return
    if not says(row.reason) or NO_REASON.fullmatch(str(row.reason)):
        word = "is in" if row.applies else "is excluded"
        said = f": “{row.reason}” gives none" if says(row.reason) else ""
        yield ManagementFinding("P2", control, f"{control} {word} without a reason{said}", fix, None, (statement,))
    against = None if row.applies else why_not_out(control, state.systems, state.of(SupplierDocument))
    if against:
        fact = f"{control} is excluded, and by the register {against}"
        yield ManagementFinding(
            "P3", control, fact, f"let {control} apply, or correct the register", None, (statement,)
        )
    yield from _basis(control, row, statement, state)
    if row.applies and not row.basis:
        fact = f"{control} is in, and no risk, objective or law is named for it"
        yield ManagementFinding("P5", control, fact, f"name them in `basis` of {control}", None, (statement,))


def _decided_twice(statement: ApplicabilityDocument) -> Iterator[ManagementFinding]:
    """Yield P1: two rows about one control, of which nobody can say which one holds."""
    counted = Counter(row.control for row in statement.controls)
    for control in (name for name, n in counted.items() if n > 1):
        said = ", ".join("in" if row.applies else "out" for row in statement.controls if row.control == control)
        fact = f"{control} has {counted[control]} decisions in {statement.id} ({said}): nobody can say which one holds"
        fix = f"keep one row of {control} in {statement.id}"
        yield ManagementFinding("P1", f"{control}/twice", fact, fix, None, (statement.id,))


def _basis(control: str, row: ControlStatement, statement: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield P5 for a basis that is no risk, no objective and no law."""
    risks = {r.id for d in state.of(RiskRegisterDocument) for r in d.risks}
    forms = {re.sub(r"\d+", "0", name) for name in risks if re.search(r"\d", name)}
    gone = [b for b in row.basis if b not in risks and re.sub(r"\d+", "0", b) in forms]
    parties = {p.who.casefold() for d in state.of(PartiesDocument) for p in d.parties}
    none = [
        b for b in row.basis
        if row.applies and b not in risks and b.casefold() not in {*objectives(), *parties}
        if not LEGAL.search(b) and b == b.lower()
    ]  # fmt: skip
    if gone:
        fact = f"{control} is based on {', '.join(gone)}, which is in no risk register"
        fix = f"name a risk that is there in `basis` of {control}, or add it to the register"
        yield ManagementFinding("P5", f"{control}/basis", fact, fix, None, (statement,))
    elif none:
        meant = nearest(none[0].replace(" ", "-"), objectives())
        fact = f"{control} is based on {none[0]!r}, which is no risk, no objective of Annex C and no law"
        fact += f"; {meant!r} may be meant" if meant else ""
        fix = f"name a risk, an objective or a law in `basis` of {control}: {', '.join(objectives())}"
        yield ManagementFinding("P5", f"{control}/basis", fact, fix, None, (statement,))


def _risks(state: ManagementState, rows: dict[str, ControlStatement], statement: str) -> Iterator[ManagementFinding]:
    """Yield P4: controls by which a register or a plan treats a risk, and that are not in."""
    treated = [(r.register, r.risk.id, r.system, r.risk.controls) for r in registered_risks(state)]
    for plan in state.of(TreatmentPlanDocument):
        for entry in plan.risks:
            named = risks_named(entry.risk, state, plan.system)
            treated.append((plan.id, entry.risk, named[0].system if named else plan.system, entry.controls))
    for document, risk, system, control in ((d, r, s, c) for d, r, s, several in reversed(treated) for c in several):
        about = f"{risk}/{control}"
        if re.fullmatch(r"A\.[\d.]+", control) and control not in controls():
            fact = f"risk {risk} is treated by {control}, which is no control of Annex A ({document})"
            fix = f"name a control of Annex A in `controls` of {risk}, or another standard's with its name: {document}"
            yield ManagementFinding("P4", about, fact, fix, system, (document,))
        elif control in controls() and not (control in rows and rows[control].applies):
            fact = f"risk {risk} is treated by {control} ({document}), which the statement does not let apply"
            fix = f"let {control} apply, or treat {risk} otherwise"
            yield ManagementFinding("P4", about, fact, fix, system, (document, statement))


def _alike(statement: ApplicabilityDocument) -> Iterator[ManagementFinding]:
    """Yield P6: one reason for more than three controls is no reason for any."""
    same: dict[str, list[str]] = {}
    for row in statement.controls:
        if says(row.reason):
            same.setdefault(" ".join(str(row.reason).casefold().split()), []).append(row.control)
    for reason, of in same.items():
        if len(of) > SAME_REASON:
            fact = f"{len(of)} controls have the same reason, “{reason[:60]}”: {', '.join(of[:6])}"
            about = digest_of(["reason", reason])
            yield ManagementFinding("P6", about, fact, "say for each control why", None, (statement.id,))


def _accepted(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield P7: what is left of a risk is accepted by nobody, or by somebody who may not."""
    may_accept = AcceptingPeople(state)
    for document in state.of(RiskRegisterDocument):
        for risk in document.risks:
            why = _why_not_accepted(risk, may_accept, today, known=bool(state.people))
            if why:
                fact = f"what is left of risk {risk.id} {why}"
                fix = f"let top management, or whom the risk method names, accept {risk.id} in {document.id} anew"
                fix += ", or treat it"
                yield ManagementFinding("P7", risk.id, fact, fix, risk.system, (document.id,))


def _why_not_accepted(risk: RiskEntry, may_accept: AcceptingPeople, today: str, *, known: bool) -> str | None:
    """Return why nobody fit accepts what is left today; `known` is whether a register of people exists (W7 if not)."""
    if risk.residual is None and risk.treatment != "accept" and risk.status != "accepted":
        return None
    if not says(risk.accepted_by):
        return "is accepted by nobody"
    if risk.accepted_until and risk.accepted_until < today and risk.status != "closed":
        return f"was accepted by {risk.accepted_by} until {risk.accepted_until}, and is accepted by nobody since"
    level = (risk.residual.level if risk.residual else risk.level or "").casefold()
    if not known or may_accept(str(risk.accepted_by), level):
        return None
    return (
        f"is accepted by {risk.accepted_by}, who is not of top management nor may accept level {level or 'not stated'}"
    )


def _later(statement: ApplicabilityDocument, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield P8: systems, risks and laws that came, or changed, after the statement."""
    since = statement.effective_from
    if since is None:
        fact = f"statement {statement.id} does not say since when it applies"
        yield ManagementFinding(
            "P8", statement.id, fact, f"state effective_from in {statement.id}", None, (statement.id,)
        )
        return
    for name, day, document in (*changed_since(statement, state), *law_changes(state, since, today)):
        fact = f"{name} changed on {day}, after statement {statement.id} of {since}"
        yield ManagementFinding("P8", name, fact, "go through the statement again", None, (statement.id, document))
