"""Findings T1-T8 and T10: components that were judged by terms alone or tested in another version, customer needs."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.supplier_contracts import announces_changes
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.comparison import NOT_NAMED, compare, same_provider
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import MeasurementPlanDocument
from aims_mlflow.records.documents.lifecycle import RequirementsDocument
from aims_mlflow.records.documents.third_parties import (
    CustomerNeedsDocument,
    ResponsibilityDocument,
    SupplierDocument,
    SupplierEvaluationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.third_parties import ComponentTest, SuppliedComponent, SupplierPaper
    from aims_mlflow.records.inventory import InventoryItem

OLDEST_TEST = timedelta(days=365)
# The 95% interval of a share near one half has a half-width of 18 points at 30 cases, and of 25 at 15 (normal
# approximation, 1.96 * sqrt(p * (1 - p) / n)). The shipped packs judge no smaller group either.
LEAST_CASES = 30
TERMS = ("terms", "DPA")
CERTIFICATES = ("SOC 2", "ISO 42001")
VERDICT = re.compile(r"[<>≤≥]|\b(pass|passed|fail|failed|met|missed|within|below|above|not enough)\b", re.IGNORECASE)


@dataclass
class _UsedComponent:
    """A component of a system, with what was written and seen of it."""

    system: str
    name: str
    records: list[SuppliedComponent] = field(default_factory=list)
    tests: list[ComponentTest] = field(default_factory=list)
    seen: list[InventoryItem] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)

    @property
    def about(self) -> str:
        return f"{self.system}/{self.name}"

    @property
    def papers(self) -> list[SupplierPaper]:
        return [p for r in self.records for p in r.documents]

    def finding(self, rule: str, fact: str, fix: str, more: str = "") -> ManagementFinding:
        about = f"{self.about}/{more}" if more else self.about
        return ManagementFinding(rule, about, fact, fix, self.system, tuple(dict.fromkeys(self.evidence)))


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about suppliers, components and shared duties."""
    today = now.strftime("%Y-%m-%d")
    used = _used(state, today)
    for component in used.values():
        yield from _papers(component, today)
        yield from _tests(component, state)
        yield from _age(component, now)
        yield from _versions(component)
        yield from _contract(component, today)
    yield from _needs(state)
    yield from _duties(state, sorted({c.system for c in used.values()}))


def _used(state: ManagementState, today: str) -> dict[tuple[str, str], _UsedComponent]:
    """Return the components of each system: those that its entry, its suppliers' records and its tests name."""
    found: dict[tuple[str, str], _UsedComponent] = {}

    def of(system: str, name: str) -> _UsedComponent:
        return found.setdefault((system, name), _UsedComponent(system, name))

    for system, entry in state.systems.items():
        for name in entry.components:
            of(system, name).evidence.append(entry.id)
    for record in state.of(SupplierDocument):
        for component in record.components:
            mine = of(str(record.system), component.component)
            mine.records.append(component)
            mine.evidence.append(record.id)
    for evaluation in state.of(SupplierEvaluationDocument):
        for test in evaluation.tests:
            mine = of(str(evaluation.system), test.component)
            mine.tests.append(test)
            mine.evidence.append(evaluation.id)
    _add_calls(found, state, today)
    return found


def _add_calls(used: dict[tuple[str, str], _UsedComponent], state: ManagementState, today: str) -> None:
    """Add to each component what a scan saw of it, or of its provider's other model that came in its place."""
    by_name: dict[str, list[InventoryItem]] = defaultdict(list)
    for item in state.inventory.items if state.inventory else ():
        for name in item.names if item.kind == "provider" else ():
            by_name[name].append(item)
    for (_, name), component in used.items():
        component.seen = list(by_name.get(name, ()))
    for item in compare(state, today).unknown:
        for named in same_provider(item, state):
            if not named.found:
                used[named.system, named.name].seen.append(item)


def _papers(component: _UsedComponent, today: str) -> Iterator[ManagementFinding]:
    """Yield T1 and T5: what the supplier's documents lack."""
    counting = [
        p
        for p in component.papers
        if p.kind not in TERMS and p.covers_service and says(p.conclusions) and (p.expires or today) >= today
    ]
    fix = f"read a card, an evaluation or a certificate of {component.name}; its conclusions: supplier-record"
    if not counting:
        kinds = ", ".join(dict.fromkeys(p.kind for p in component.papers))
        only = "only terms were read" if {p.kind for p in component.papers} <= set(TERMS) else f"{kinds} do not count"
        fact = f"of {component.name}, {only}" if kinds else f"of {component.name}, no document of its supplier was read"
        if kinds and {p.kind for p in component.papers} - set(TERMS):
            fact += ": out of date, for another service, or without a conclusion"
        yield component.finding("T1", fact, fix)
    for paper in component.papers:
        if paper.kind in TERMS:
            continue
        wrong = []
        if paper.expires and paper.expires < today:
            wrong.append(f"ended on {paper.expires}")
        if paper.covers_service is False:
            wrong.append(f"is about {paper.scope or 'another service'}")
        if paper.kind in CERTIFICATES and not (says(paper.issuer) and says(paper.scope)):
            wrong.append("does not say who issued it for which service")
        if paper.kind in CERTIFICATES and says(paper.scope) and not _names_service(str(paper.scope), component):
            wrong.append(f"covers {paper.scope!r}, which names neither the service nor its supplier")
        if wrong:
            fact = f"{paper.kind} for {component.name} {', and '.join(wrong)}"
            yield component.finding("T5", fact, "ask the supplier for the one in force", paper.kind)


def _names_service(scope: str, component: _UsedComponent) -> bool:
    """Return whether the scope of a certificate has a word of the component, its supplier or its kind."""
    record = component.records[-1] if component.records else None
    known = " ".join((component.name, *((record.supplier or "", record.kind or "") if record else ())))
    return bool(content_words(scope) & content_words(known))


def _tests(component: _UsedComponent, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield T2 and T4: whether we tested it, and on what."""
    if not component.tests:
        known = "documents only" if any(p.kind not in TERMS for p in component.papers) else "terms only"
        fact = f"{known}: {component.name} was not tested on the use of {component.system}"
        yield component.finding("T2", fact, f"aims document new supplier-evaluation --system {component.system}")
        return
    entry = state.systems.get(component.system)
    own = set(entry.data_sets) if entry else set()
    least, whose = _least_cases(component.system, state)
    for test in component.tests:
        wrong = []
        if test.data_digest not in own:
            wrong.append(f"on data that are not the system's own ({test.data_digest or 'not named'})")
        if not test.n:
            wrong.append("on no stated number of cases")
        elif test.n < least:
            wrong.append(f"on {test.n} cases: {whose} at least {least}")
        if not any(VERDICT.search(r) for r in test.results):
            wrong.append("with no result that has a verdict")
        if wrong:
            fact = f"{component.name} {test.version or 'without version'} was tested {', '.join(wrong)}"
            fix = f"test it on a data set of {component.system}'s entry, and state n and each verdict"
            yield component.finding("T4", fact, fix, test.version or "")


def _least_cases(system: str, state: ManagementState) -> tuple[int, str]:
    """Return on how many cases a test is made at least: the least that a measurement plan of the system asks."""
    plans = state.about(MeasurementPlanDocument, system)
    wanted = [(m.min_n, d.id) for d in plans for m in d.measures if m.min_n]
    least, whose = min(wanted, default=(LEAST_CASES, "a share of cases"))
    return least, f"{whose} needs"


def _age(component: _UsedComponent, now: datetime) -> Iterator[ManagementFinding]:
    """Yield T8: the newest test of a component is over a year old."""
    newest = max((t.date for t in component.tests if t.date), default=None)
    if newest is not None and newest < (now - OLDEST_TEST).strftime("%Y-%m-%d"):
        fact = f"{component.name} was last tested by us on {newest}, over {OLDEST_TEST.days} days ago"
        yield component.finding("T8", fact, f"test it again on the use of {component.system}, and record it")


def _versions(component: _UsedComponent) -> Iterator[ManagementFinding]:
    """Yield T3: another version is called, recorded or declared than the one that was tested."""
    if not component.tests:
        return
    tested = {t.version for t in component.tests if t.version}
    in_use = {t.version_in_use for t in component.tests if t.version_in_use}
    in_use |= {r.version for r in component.records if r.version}
    in_use |= {m for i in component.seen if (m := _seen_model(i)) and not _is_name(m, component.name)}
    other = sorted(in_use - tested)
    if other:
        fact = (
            f"of {component.name}, {', '.join(sorted(tested)) or 'no version'} was tested, {', '.join(other)} is in use"
        )
        yield component.finding("T3", fact, f"test {other[0]}, or go back to the version that was tested")


def _seen_model(item: InventoryItem) -> str:
    """Return the model that an item of a scan names; empty where it names a provider alone."""
    return item.facts.get("model", "") if item.kind == "provider" else item.id.partition("/")[2]


def _is_name(model: str, name: str) -> bool:
    """Return whether what a trace calls the model is the component's own name, which tells no version."""
    return model == NOT_NAMED or model in (name, name.rpartition("/")[2])


def _contract(component: _UsedComponent, today: str) -> Iterator[ManagementFinding]:
    """Yield T6, and T5 for a contract that ended."""
    if not component.records:
        return
    contracts = [r.contract for r in component.records if r.contract]
    told = any(announces_changes(c.clauses) for c in contracts)
    if not told and not any(r.pinned for r in component.records):
        fact = f"{component.name} is not pinned to a version, and no contract says that changes are announced"
        yield component.finding("T6", fact, "pin the version, or agree on notice of changes")
    for contract in contracts:
        if contract.start and contract.start > today:
            fact = (
                f"contract {contract.id} for {component.name} begins on {contract.start}, and the component is in use"
            )
            yield component.finding(
                "T5", fact, "agree on a contract for the time until then, or take it away", contract.id
            )
        if contract.end and contract.end < today:
            fact = f"contract {contract.id} for {component.name} ended on {contract.end}"
            yield component.finding("T5", fact, "renew it, or take the component away", contract.id)


def _needs(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield T10: needs of customers that no requirement of the system has."""
    for document in state.of(CustomerNeedsDocument):
        required = {r.id for d in state.about(RequirementsDocument, str(document.system)) for r in d.requirements}
        for need in document.needs:
            if need.requirement and need.requirement not in required:
                fact = f"the need {need.need!r} of {document.id} is said to be in {need.requirement}, which is no "
                fact += f"requirement of {document.system}"
                fix = f"write the requirement, or name the one that has it: {document.id}"
                about = f"{document.id}/{need.requirement}"
                yield ManagementFinding("T10", about, fact, fix, document.system, (document.id,))


def _duties(state: ManagementState, systems: list[str]) -> Iterator[ManagementFinding]:
    """Yield T7: duties with no or several accountable parties, and systems that share out none."""
    shared = {str(d.system) for d in state.of(ResponsibilityDocument)}
    for document in state.of(ResponsibilityDocument):
        for duty in document.duties:
            if len(duty.accountable) != 1:
                who = ", ".join(duty.accountable) or "nobody"
                fact = f"for {duty.duty!r} of {document.system}, {who} is accountable: it has to be one party"
                about = f"{document.system}/{duty.duty}"
                yield ManagementFinding(
                    "T7", about, fact, "name one party in responsibility-matrix", document.system, (document.id,)
                )
    for system in systems:
        if system not in shared:
            fact = f"{system} has components of third parties, and no duty is assigned among the parties"
            yield ManagementFinding(
                "T7", system, fact, f"aims document new responsibility-matrix --system {system}", system
            )
