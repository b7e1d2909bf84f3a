"""Suppliers: components of third parties with their documents and contracts, beside the organisation's own tests."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, PageView, state_cell
from aims_mlflow.pages.views.common import RowRange, document_cell, system_cell
from aims_mlflow.records.documents.third_parties import (
    CustomerInformationDocument,
    CustomerNeedsDocument,
    ResponsibilityDocument,
    SupplierDocument,
    SupplierEvaluationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.documents.third_parties import ComponentTest, SuppliedComponent

ONLY_DECLARED = (
    "Shown are the components that published supplier records declare. Whether the systems call others is not known to "
    "the ledger: `aims system scan` looks for them."
)
CONTRACTUAL = ("terms", "DPA")  # they say what was agreed, and nothing of how well the component does


def suppliers(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the components of third parties, with what speaks for and against each."""
    system = query.get("system", "")
    tests = source.documents.of(SupplierEvaluationDocument, system)
    found = supplied(source, system)
    found.sort(key=lambda f: (not against(source.moment[:10], f[1], f[2]), f[1].component))
    paging = RowRange("suppliers", query, len(found))
    shown = found[paging.first - 1 : paging.first - 1 + paging.most]
    table = PageTable(
        "Components of third parties",
        ("Component", "Found", "System", "Supplier", "Version", "Contract", "Documents read", "Own test", "Record"),
        [_row(source.moment[:10], *each) for each in shown],
        total=paging.total,
        first=paging.first,
        empty="No published supplier record that this reader may read names a component.",
    )
    blocks = (table, _tests(tests), _duties(source, system), _customers(source, system))
    return PageView(
        "Suppliers" + (f" of {system}" if system else ""), "suppliers", (ONLY_DECLARED,), blocks, **paging.links
    )


def supplied(
    source: PageSource, system: str = ""
) -> list[tuple[SealedDocument, SuppliedComponent, list[ComponentTest]]]:
    """Return each declared component with its record and the own tests for the same system, oldest first."""
    tests: dict[tuple[str | None, str], list[ComponentTest]] = defaultdict(list)
    for document, evaluation in source.documents.of(SupplierEvaluationDocument, system):
        for test in evaluation.tests:
            tests[document.publication.document.system, test.component].append(test)
    return [
        (
            document,
            part,
            sorted(tests[document.publication.document.system, part.component], key=lambda t: t.date or ""),
        )
        for document, record in source.documents.of(SupplierDocument, system)
        for part in record.components
    ]


def against(today: str, component: SuppliedComponent, tests: Sequence[ComponentTest]) -> list[str]:
    """Return what speaks against relying on a component, by what people published about it."""
    papers, contract, found = component.documents, component.contract, []
    if not any(p.kind not in CONTRACTUAL for p in papers):
        found.append("terms only" if papers else "no document of the supplier")
    found += [f"{p.kind} expired on {p.expires}" for p in papers if p.expires and p.expires < today]
    found += [f"{p.kind} does not cover the service" for p in papers if p.covers_service is False]
    if contract and contract.end and contract.end < today:
        found.append(f"contract ended on {contract.end}")
    if not tests:
        found.append("no own test")
    elif tests[-1].version != component.version:
        found.append(f"tested was {tests[-1].version or 'no version'}, in use is {component.version or 'not stated'}")
    return found


def _row(
    today: str, document: SealedDocument, component: SuppliedComponent, tests: Sequence[ComponentTest]
) -> tuple[Any, ...]:
    wrong = against(today, component, tests)
    pinned = {True: ", pinned", False: ", not pinned", None: ""}[component.pinned]
    contract = component.contract
    papers = "; ".join(
        f"{p.kind}{f' until {p.expires}' if p.expires else ''}: {', '.join(p.conclusions) or 'no conclusion'}"
        for p in component.documents
    )
    test = tests[-1] if tests else None
    return (
        PageCell(f"{component.component} ({component.kind or 'kind not stated'})"),
        state_cell("open", "", "; ".join(wrong)) if wrong else state_cell("holds", "", "documents and own test"),
        system_cell(document.publication.document.system),
        component.supplier or "not stated",
        f"{component.version or 'not stated'}{pinned}",
        f"{contract.id}, {contract.start or '?'} to {contract.end or 'no end'}" if contract else "not stated",
        papers or "none",
        f"{test.date or 'no day'}, version {test.version or 'not stated'}: {test.decision or 'no decision'}"
        if test
        else "none",
        document_cell(document.id, f"{document.id} ({document.state})"),
    )


def _tests(tests: Sequence[tuple[SealedDocument, Any]]) -> PageTable:
    rows = [
        (t.component, t.version or "", t.version_in_use or "", t.date or "", t.n, "; ".join(t.results),
         t.evaluator or "nobody", t.decision or "", ", ".join(t.conditions), document_cell(d.id, d.id))
        for d, w in tests
        for t in w.tests
    ]  # fmt: skip
    columns = (
        "Component", "Tested version", "Version in use", "On", "Cases", "Results", "By", "Decision", "Conditions",
        "Record",
    )  # fmt: skip
    return PageTable("Own tests on own use", columns, rows, empty="No own test of a component is published here.")


def _duties(source: PageSource, system: str) -> PageTable:
    rows = [
        (
            duty.duty,
            ", ".join(duty.accountable)
            if len(duty.accountable) == 1
            else state_cell("not evaluated", "", f"{', '.join(duty.accountable) or 'nobody'}: not exactly one party"),
            duty.clause or "",
            system_cell(d.publication.document.system),
            document_cell(d.id, d.id),
        )
        for d, w in source.documents.of(ResponsibilityDocument, system)
        for duty in w.duties
    ]
    columns = ("Duty", "Accountable", "Clause", "System", "Matrix")
    return PageTable("Who answers for which duty", columns, rows, empty="No responsibility matrix is published here.")


def _customers(source: PageSource, system: str) -> PageTable:
    rows: list[tuple[Any, ...]] = [
        ("need", each.need, each.requirement or "in no requirement", document_cell(d.id, d.id))
        for d, w in source.documents.of(CustomerNeedsDocument, system)
        for each in w.needs
    ]
    rows += [
        ("told limit", limit, ", ".join(w.told) or "nobody", document_cell(d.id, d.id))
        for d, w in source.documents.of(CustomerInformationDocument, system)
        for limit in w.limits
    ]
    columns = ("What", "Text", "Requirement, or who was told", "Document")
    return PageTable("Customers", columns, rows, empty="Nothing about customers is published here.")
