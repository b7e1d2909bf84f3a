"""What is wrong with a component of a third party: T1 to T8 and T11, for findings and for the state of A.10.3 alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.component_decisions import permits
from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.stated_results import misses
from aims_mlflow.gates.document_content.supplier_contracts import announces_changes
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.improvement import MeasurementPlanDocument
from aims_mlflow.records.documents.third_parties import (
    SupplierDocument,
    SupplierEvaluationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.third_parties import ComponentTest, SuppliedComponent, SupplierPaper

OLDEST_TEST = timedelta(days=365)
# The 95% interval of a share near one half has a half-width of 18 points at 30 cases, and of 25 at 15 (normal
# approximation, 1.96 * sqrt(p * (1 - p) / n)). The shipped packs judge no smaller group either.
LEAST_CASES = 30
TERMS = ("terms", "DPA")
PASSED = re.compile(r"\b(pass(ed|es)?|met)\b", re.IGNORECASE)
CERTIFICATES = ("SOC 2", "ISO 42001")
VERDICT = re.compile(r"[<>≤≥]|\b(pass|passed|fail|failed|met|missed|within|below|above|not enough)\b", re.IGNORECASE)
# Papers that name the supplier's terms, whichever kind somebody filed them under.
NAMED_TERMS = re.compile(
    r"\b(terms|conditions|agreements?|contracts?|data processing|privacy (policy|notice)|EULA|SLA|DPA)\b",
    re.IGNORECASE,
)
NO_CONCLUSION = re.compile(
    r"\W*(nothing|none|no conclusions?|no findings?)( (to|was|were|else)\b.{0,20})?\W*", re.IGNORECASE
)


@dataclass(frozen=True)
class SupplierFault:
    """Something that is wrong with a component or with the duties about it; `more` tells two of one rule apart."""

    rule: str
    fact: str
    fix: str
    more: str = ""


@dataclass
class UsedComponent:
    """A component of a system, with what was written of it, and the models that were seen in calls of it.

    `unread` are tests in another language, whose verdicts no rule reads.
    """

    system: str
    name: str
    own_data: frozenset[str]
    least_cases: tuple[int, str]
    records: list[SuppliedComponent] = field(default_factory=list)
    tests: list[ComponentTest] = field(default_factory=list)
    unread: list[ComponentTest] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)

    @property
    def papers(self) -> list[SupplierPaper]:
        """The documents of its supplier that somebody read."""
        return [p for r in self.records for p in r.documents]


def used_components(documents: DocumentSet) -> dict[tuple[str, str], UsedComponent]:
    """Return the components of each system: those that its entry, its suppliers' records and its tests name."""
    found: dict[tuple[str, str], UsedComponent] = {}

    def of(system: str, name: str) -> UsedComponent:
        if (system, name) not in found:
            entry = documents.systems.get(system)
            own = frozenset(entry.data_sets) if entry else frozenset()
            found[system, name] = UsedComponent(system, name, own, _least_cases(system, name, documents))
        return found[system, name]

    for system, entry in documents.systems.items():
        for name in entry.components:
            of(system, name).evidence.append(entry.id)
    for record in documents.of(SupplierDocument):
        for component in record.components:
            mine = of(str(record.system), component.component)
            mine.records.append(component)
            mine.evidence.append(record.id)
    for evaluation in documents.of(SupplierEvaluationDocument):
        for test in evaluation.tests:
            mine = of(str(evaluation.system), test.component)
            mine.tests.append(test)
            mine.unread += [test] if evaluation.language != "en" else []
            mine.evidence.append(evaluation.id)
    return found


def _least_cases(system: str, name: str, documents: DocumentSet) -> tuple[int, str]:
    """Return on how many cases a component is tested at least: what the plans' measures of it ask.

    Where none names it, it is the least of all measures of the system, and never fewer than `LEAST_CASES`.
    """
    plans, words = documents.about(MeasurementPlanDocument, system), content_words(name)
    wanted = [(m.min_n, d.id, m.what) for d in plans for m in d.measures if m.min_n]
    own = [(n, plan) for n, plan, what in wanted if words & content_words(what)]
    least, whose = max(own, default=min(((n, plan) for n, plan, _ in wanted), default=(0, "")))
    return (least, f"{whose} needs") if own or least > LEAST_CASES else (LEAST_CASES, "a share of cases needs")


def component_faults(component: UsedComponent, today: str) -> Iterator[SupplierFault]:
    """Yield everything that is wrong with a component on a day."""
    yield from _papers(component, today)
    yield from _tests(component)
    yield from _outcome(component)
    yield from _age(component, today)
    yield from _versions(component)
    yield from _contract(component, today)


def _papers(component: UsedComponent, today: str) -> Iterator[SupplierFault]:
    """Yield T1 and T5: what the supplier's documents lack."""
    counting = [
        p
        for p in component.papers
        if not _is_terms(p) and p.covers_service and _concludes(p) and (p.expires or today) >= today
    ]
    if not counting:
        kinds = ", ".join(dict.fromkeys(p.kind for p in component.papers))
        only = "only terms were read" if all(map(_is_terms, component.papers)) else f"{kinds} do not count"
        fact = f"of {component.name}, {only}" if kinds else f"of {component.name}, no document of its supplier was read"
        if kinds and not all(map(_is_terms, component.papers)):
            fact += ": out of date, for another service, or without a conclusion"
        fix = f"read a card, an evaluation or a certificate of {component.name}; its conclusions: supplier-record"
        yield SupplierFault("T1", fact, fix)
    for paper in component.papers:
        wrong = [] if _is_terms(paper) else _paper(paper, component, today)
        if wrong:
            fact = f"{paper.kind} for {component.name} {', and '.join(wrong)}"
            yield SupplierFault("T5", fact, "ask the supplier for the one in force", paper.kind)


def _is_terms(paper: SupplierPaper) -> bool:
    """Return whether a paper is the supplier's terms: by its kind, or by what it is said to be about."""
    return paper.kind in TERMS or (paper.kind not in CERTIFICATES and bool(NAMED_TERMS.search(paper.scope or "")))


def _concludes(paper: SupplierPaper) -> bool:
    return says(paper.conclusions) and not all(NO_CONCLUSION.fullmatch(text) for text in paper.conclusions)


def _paper(paper: SupplierPaper, component: UsedComponent, today: str) -> list[str]:
    wrong = []
    if paper.expires and paper.expires < today:
        wrong.append(f"ended on {paper.expires}")
    if paper.covers_service is False:
        wrong.append(f"is about {paper.scope or 'another service'}")
    return wrong + (_certificate(paper, component) if paper.kind in CERTIFICATES else [])


def _certificate(paper: SupplierPaper, component: UsedComponent) -> list[str]:
    """Return what a certificate lacks: issuer, scope, last day, and that it is another's word about this supplier."""
    wrong = []
    suppliers = content_words(" ".join(r.supplier or "" for r in component.records))
    issuer, holder = content_words(paper.issuer or ""), content_words(paper.entity or "")
    if not (says(paper.issuer) and says(paper.scope)):
        wrong.append("does not say who issued it for which service")
    if says(paper.scope) and not _names_service(str(paper.scope), component):
        wrong.append(f"covers {paper.scope!r}, which names neither the service nor its supplier")
    if not paper.expires:
        wrong.append("has no last day, so that nobody sees when it ends")
    if issuer and issuer <= suppliers:
        wrong.append(f"was issued by the supplier itself ({paper.issuer})")
    if holder and suppliers and not holder & suppliers:
        supplier = next(r.supplier for r in reversed(component.records) if r.supplier)
        wrong.append(f"belongs to {paper.entity}, and the supplier is {supplier}")
    if paper.kind == "ISO 42001" and not says(paper.accreditation):
        wrong.append("does not say which body accredited its issuer")
    return wrong


def _names_service(scope: str, component: UsedComponent) -> bool:
    """Return whether the scope of a certificate has a word of the component, its supplier or its kind."""
    record = component.records[-1] if component.records else None
    known = " ".join((component.name, *((record.supplier or "", record.kind or "") if record else ())))
    return bool(content_words(scope) & content_words(known))


def _tests(component: UsedComponent) -> Iterator[SupplierFault]:
    """Yield T2 and T4: whether we tested it, and on what."""
    if not component.tests:
        known = "terms only" if all(map(_is_terms, component.papers)) else "documents only"
        fact = f"{known}: {component.name} was not tested on the use of {component.system}"
        yield SupplierFault("T2", fact, f"aims document new supplier-evaluation --system {component.system}")
    least, whose = component.least_cases
    for test in component.tests:
        wrong = []
        if test.data_digest not in component.own_data:
            wrong.append(f"on data that are not the system's own ({test.data_digest or 'not named'})")
        if not test.n:
            wrong.append("on no stated number of cases")
        elif test.n < least:
            wrong.append(f"on {test.n} cases: {whose} at least {least}")
        if not any(VERDICT.search(r) or (test in component.unread and says(r)) for r in test.results):
            wrong.append("with no result that has a verdict")
        if wrong:
            fact = f"{component.name} {test.version or 'without version'} was tested {', '.join(wrong)}"
            fix = f"test it on a data set of {component.system}'s entry, and state n and each verdict"
            yield SupplierFault("T4", fact, fix, test.version or "")


def _outcome(component: UsedComponent) -> Iterator[SupplierFault]:
    """Yield T11: our newest test does not let it be used, or it missed a limit and nothing is done about that.

    A result that is called passed and misses its own limit is wrong whatever is done.
    """
    newest = max((t.date or "" for t in component.tests), default="")
    for test in (t for t in component.tests if (t.date or "") == newest):
        missed = [r for r in test.results if misses(r)]
        untrue = [r for r in missed if PASSED.search(r)]
        wrong = None
        if says(test.decision) and test not in component.unread and not permits(str(test.decision)):
            wrong = f"our test decided {test.decision!r}, which does not let it be used"
        elif untrue:
            wrong = f"our test calls {untrue[0]!r} passed"
        elif missed and not says(test.conditions):
            wrong = f"our test found {missed[0]!r}, and lets it be used under no conditions"
        if wrong:
            fact = f"{component.system} uses {component.name}, and {wrong}"
            fix = f"take {component.name} out of use, or test it again and state what is done about the result"
            yield SupplierFault("T11", fact, fix, test.version or "")


def _age(component: UsedComponent, today: str) -> Iterator[SupplierFault]:
    """Yield T8: the newest test is over a year old, or older than the contract by which the component is called."""
    newest = max((t.date for t in component.tests if t.date), default=None)
    if newest is None:
        return
    if newest < (date.fromisoformat(today) - OLDEST_TEST).isoformat():
        fact = f"{component.name} was last tested by us on {newest}, over {OLDEST_TEST.days} days ago"
        yield SupplierFault("T8", fact, f"test it again on the use of {component.system}, and record it")
    for contract in (r.contract for r in component.records if r.contract):
        if contract.start and newest < contract.start <= today:
            fact = f"{component.name} was last tested by us on {newest}, before contract {contract.id} began "
            fact += f"on {contract.start}"
            fix = f"test it again under that contract, and record it: supplier-evaluation of {component.system}"
            yield SupplierFault("T8", fact, fix, "contract")


def _versions(component: UsedComponent) -> Iterator[SupplierFault]:
    """Yield T3: another version is called, recorded or declared than the one that was tested."""
    tested = {t.version for t in component.tests if t.version}
    in_use = {t.version_in_use for t in component.tests if t.version_in_use}
    in_use |= {r.version for r in component.records if r.version} | component.called
    other = sorted(in_use - tested)
    if other and component.tests:
        known = ", ".join(sorted(tested)) or "no version"
        fact = f"of {component.name}, {known} was tested, {', '.join(other)} is in use"
        yield SupplierFault("T3", fact, f"test {other[0]}, or go back to the version that was tested")


def _contract(component: UsedComponent, today: str) -> Iterator[SupplierFault]:
    """Yield T6, and T5 for a contract that ended."""
    contracts = [r.contract for r in component.records if r.contract]
    told = any(announces_changes(c.clauses) for c in contracts)
    if component.records and not told and not any(r.pinned for r in component.records):
        fact = f"{component.name} is not pinned to a version, and no contract says that changes are announced"
        yield SupplierFault("T6", fact, "pin the version, or agree on notice of changes")
    for contract in contracts:
        if contract.start and contract.start > today:
            fact = (
                f"contract {contract.id} for {component.name} begins on {contract.start}, and the component is in use"
            )
            yield SupplierFault("T5", fact, "agree on a contract for the time until then, or take it away", contract.id)
        if contract.end and contract.end < today:
            fact = f"contract {contract.id} for {component.name} ended on {contract.end}"
            yield SupplierFault("T5", fact, "renew it, or take the component away", contract.id)
