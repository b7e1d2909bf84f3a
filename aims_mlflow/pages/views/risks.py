"""Risks: what the published risk registers say, with what the ledger knows of their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Form, FormInput, PageCell, PageTable, PageView, state_cell, to
from aims_mlflow.pages.views.common import RowRange, document_cell, system_cell
from aims_mlflow.pages.views.records import find
from aims_mlflow.records.documents.risk import RiskMethodDocument, RiskRegisterDocument, TreatmentPlanDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.documents.risk import RiskEntry

ALL = "all"
# What needs a person first.
OPEN = ("overdue", "open", "treating", "closed without evidence", "accepted by nobody")
STANDINGS = (*OPEN, "accepted", "closed")
MARKS = {
    "overdue": "failed", "open": "open", "treating": "warned", "closed without evidence": "not evaluated",
    "accepted by nobody": "not evaluated", "accepted": "closed", "closed": "closed",
}  # fmt: skip
WHOSE = (
    "Event, level, treatment and acceptance are the words of the people who published the register. Looked up here are "
    "the days, and whether the records that closed a risk are in this ledger, passed, and are no older than its "
    "treatment."
)
RISK_MEANS = {
    "overdue": "the day by which it was to be treated has passed",
    "open": "open, by its register",
    "treating": "its treatment has not ended",
    "closed without evidence": "a record that closed it is not in this ledger, did not pass or is older than the "
    "treatment, none is named, or the day of the treatment is not stated",
    "accepted by nobody": "its register names nobody who accepted it",
}


def risks(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the risks of the published registers, those that need a person first."""
    system, state = query.get("system", ""), query.get("state", ALL)
    listed = (f for f in standings(source, system) if state in (ALL, f[0]))
    found = sorted(listed, key=lambda f: (STANDINGS.index(f[0]), f[2].id))
    paging = RowRange("risks", query, len(found))
    shown = found[paging.first - 1 : paging.first - 1 + paging.most]
    table = PageTable(
        "Risks, those that need a person first",
        (
            "Risk", "State", "System", "What happens to whom", "Level", "Owner", "Treatment", "Controls", "Due",
            "Cause", "Closed by", "What is left", "Register",
        ),
        [_row(source, *each) for each in shown],
        WHOSE,
        "No published risk register that this reader may read has a risk here.",
        paging.total,
        paging.first,
    )  # fmt: skip
    form = Form(
        "Filter",
        "risks",
        (
            FormInput("state", "State", state, "choice", (ALL, *STANDINGS)),
            FormInput("system", "System (all if empty)", system),
        ),
        "Show",
    )
    blocks = (table, _plans(source, system), _methods(source), form)
    return PageView("Risks" + (f" of {system}" if system else ""), "risks", (), blocks, **paging.links)


def standings(source: PageSource, system: str = "") -> list[tuple[str, SealedDocument, RiskEntry]]:
    """Return each risk of the published registers, of one system or of all, with how it stands and its register."""
    every = source.documents.remembered(
        "standings",
        lambda: [
            (standing(source, risk), document, risk)
            for document, register in source.documents.of(RiskRegisterDocument)
            for risk in register.risks
        ],
    )
    return [f for f in every if not system or system in (f[2].system, f[1].publication.document.system)]


def standing(source: PageSource, risk: RiskEntry) -> str:
    """Return how a risk stands today: what its register says, unless its days or its evidence speak against it."""
    if risk.status in ("open", "treating", None):
        return "overdue" if risk.due and risk.due < source.moment[:10] else risk.status or "open"
    if risk.status == "accepted":
        return "accepted" if risk.accepted_by else "accepted by nobody"
    treated = "" if risk.treatment == "accept" else risk.treated_on  # what is only accepted has no day of treatment
    tests = [find(source, each)[0] for each in risk.closed_by]
    shown = (
        t is not None and t["result"] == "passed" and treated is not None and t["time"][:10] >= treated for t in tests
    )
    return "closed" if tests and all(shown) else OPEN[3]


def _row(source: PageSource, state: str, document: SealedDocument, risk: RiskEntry) -> tuple[Any, ...]:
    rest = f"{risk.residual.level} ({risk.residual.basis or 'no basis'})" if risk.residual else "not stated"
    event = f"{risk.event or 'not stated'}{f' ({risk.group})' if risk.group else ''}"
    basis = f"likelihood {risk.likelihood or 'not stated'}, impact {risk.impact or 'not stated'}"
    return (
        PageCell(f"{risk.id} {risk.title or ''}".strip()),
        state_cell(MARKS[state], "", state),
        system_cell(risk.system) if risk.system else "",
        event,
        f"{risk.level or 'not stated'}: {basis}",
        risk.owner or "nobody",
        risk.treatment or "not stated",
        ", ".join(risk.controls),
        risk.due or "",
        _records(source, risk.cause_evidence),
        _records(source, risk.closed_by),
        f"{rest}; accepted by {risk.accepted_by or 'nobody'}",
        document_cell(document.id, f"{document.id} ({document.state})"),
    )


def _records(source: PageSource, ids: tuple[str, ...]) -> PageCell:
    """Return the first of several records as a link, with its result, and how many more there are."""
    if not ids:
        return PageCell("none named")
    row = find(source, ids[0])[0]
    more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    if row is None:
        return PageCell(f"{ids[0][:13]}…, not in this ledger or not yours to read{more}")
    return PageCell(f"{row['kind']}: {row['result']}{more}", to("records", row["id"]))


def _plans(source: PageSource, system: str) -> PageTable:
    rows = [
        (each.risk, each.measure or "", ", ".join(each.controls), each.owner or "nobody", each.due or "",
         each.residual or "not stated", each.accepted_by or "nobody", document_cell(document.id, document.id))
        for document, plan in source.documents.of(TreatmentPlanDocument, system)
        for each in plan.risks
    ]  # fmt: skip
    columns = ("Risk", "Measure", "Controls", "By", "Due", "What is left", "Accepted by", "Plan")
    return PageTable("Treatment plans", columns, rows, empty="No treatment plan is published here.")


def _methods(source: PageSource) -> PageTable:
    rows = [
        (document_cell(document.id, method.title), document.state,
         f"{method.interval_days:,} days" if method.interval_days else "not stated",
         ", ".join(f"{a.level}: {a.may_accept}" for a in method.acceptance) or "not stated")
        for document, method in source.documents.of(RiskMethodDocument)
    ]  # fmt: skip
    columns = ("Method", "State", "Assessed again after", "Who may accept which level")
    return PageTable("Risk methods", columns, rows, empty="No risk method is published here.")
