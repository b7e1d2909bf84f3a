"""Findings R1-R4: risks that nobody treats, that are closed on the wrong test, or that nobody wrote down."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from aims_mlflow.gates.citations import claim_of
from aims_mlflow.gates.document_content.content_words import is_vague
from aims_mlflow.gates.document_content.risks import OPEN, happened_since, is_settled, registered_risks, risks_named
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.cited_records import TRACE, begins, named_records
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.findings.unwritten_risks import people_of, unwritten_risks
from aims_mlflow.management.named_causes import why_no_effect
from aims_mlflow.management.own_tests import why_no_own_test
from aims_mlflow.management.passages import has_anchor
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.risk import RiskMethodDocument, RiskRegisterDocument, TreatmentPlanDocument
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.management.named_causes import GroupsInData
    from aims_mlflow.records.documents.risk import RiskEntry

GROUP = re.compile(r"([\w.-]+)=(.+)")  # a group as a value of the data
SAME_FOR = 3  # systems, for which one event in the same words is a copy


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about risks, their treatment and their closing."""
    today = now.strftime("%Y-%m-%d")
    registers = state.of(RiskRegisterDocument)
    for document in registers:
        for risk in document.risks:
            yield from _treatment(risk, document.id, _planned(risk, document, state), today)
            yield from _closing(risk, document.id, state)
            yield from _unknown_bases(risk, document.id, state)
            yield from _vague(risk, document.id) if document.language == "en" else ()
            yield from _no_such_group(risk, document.id, state)
        yield from _overtaken(state, document)
    yield from _plan(state, today)
    yield from _same_for_many(registers)
    if registers:
        yield from unwritten_risks(state, registers)
        yield from _assessed(state, registers, now.date())


def _planned(risk: RiskEntry, register: RiskRegisterDocument, state: ManagementState) -> list[str]:
    """Return the controls by which treatment plans treat a risk."""
    system = risk.system or register.system
    plans = [p for p in state.of(TreatmentPlanDocument) if not p.system or system in (None, p.system)]
    return [c for plan in plans for t in plan.risks if t.risk == risk.id for c in t.controls]


def _treatment(risk: RiskEntry, document: str, planned: list[str], today: str) -> Iterator[ManagementFinding]:
    """Yield R1: a treatment without owner, day or control, or one that is overdue."""
    wrong = [] if says(risk.owner) else ["has no owner"]
    if risk.treatment is None:
        wrong.append("says nothing about its treatment (avoid, reduce, share or accept)")
    if risk.treatment == "reduce" and not risk.controls and not planned:
        wrong.append("is to be reduced by no control (controls)")
    if risk.status in OPEN and risk.treatment not in (None, "accept"):
        if risk.due is None:
            wrong.append("is to be treated by no stated day")
        elif risk.due < today and risk.treated_on is None:
            wrong.append(f"was to be treated by {risk.due}, and no day of its treatment is stated")
    rest = risk.residual
    if rest and (rest.likelihood, rest.impact) != (risk.likelihood, risk.impact) and not says(rest.basis):
        wrong.append(f"is said to be {rest.level} after its treatment, and nothing shows that (residual.basis)")
    if wrong:
        fix = f"complete {risk.id} in {document}: owner, treatment, due, treated_on"
        fact = f"risk {risk.id} {', and '.join(wrong)}"
        yield ManagementFinding("R1", f"{document}/{risk.id}", fact, fix, risk.system, (document,))


def _plan(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield R1 for entries of treatment plans."""
    some = registered_risks(state)
    for plan in state.of(TreatmentPlanDocument):
        for entry in plan.risks:
            named = risks_named(entry.risk, state, plan.system)
            waiting = next((r for r in named if not is_settled(r.risk)), None)
            wrong = [f"has no {n}" for n in ("measure", "owner", "due") if not says(getattr(entry, n))]
            if not named and some:
                wrong.append("is in no risk register")
            elif waiting is not None and entry.due and entry.due < today:
                status = waiting.risk.status or "open"
                wrong.append(f"was due on {entry.due}, and the register has {entry.risk} as {status}")
            if wrong:
                fact = f"the treatment of {entry.risk} in {plan.id} {', and '.join(wrong)}"
                fix = f"complete {entry.risk} in {plan.id}, or do what it says and state treated_on in the register"
                system = (waiting or named[0]).system if named else plan.system
                yield ManagementFinding("R1", f"{plan.id}/{entry.risk}", fact, fix, system, (plan.id,))


def _closing(risk: RiskEntry, document: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield R2: a risk that is closed, and not by a passed, later test of the same result on the version in use.

    Without the day of the treatment nothing shows that a test is later; what is only accepted has no such day.
    """
    if risk.status != "closed":
        return
    wrong = [] if risk.closed_by else ["no evidence closes it"]
    for name in risk.closed_by if state.deployed is not None else ():
        why = _why_not_closed(name, risk, state)
        wrong += [why] if why else []
    no_day = risk.treated_on is None and risk.treatment != "accept"
    said = [*wrong[:1], *(["the day of its treatment is not stated (treated_on)"] if no_day else [])]
    if said:
        fact = f"risk {risk.id} is closed, and {', and '.join(said)}"
        test = f"test the version in use after the treatment, and name that record in closed_by of {risk.id}"
        day = f"state treated_on of {risk.id}"
        fix = (
            test
            if not no_day
            else f"{day}; {test}"
            if wrong
            else f"{day}, a day not later than the tests that close it"
        )
        yield ManagementFinding("R2", f"{document}/{risk.id}", fact, fix, risk.system, (document,))


def _why_not_closed(name: str, risk: RiskEntry, state: ManagementState) -> str | None:
    mine = [v for system, v in state.live if risk.system in (None, system)]
    if not mine:
        return why_no_own_test(name, risk.system, ("its treatment", risk.treated_on), state)
    found = _record(name, mine)
    if found is None:
        return f"{name[:13]} leads to no record about a version of it that is in use"
    record, version = found
    if not version.digest or not record.has_subject(version.digest):
        return f"{name[:13]} is about another model than the one in use"
    if record.evidence.result != "passed":
        return f"{name[:13]} says {record.evidence.result.replace('_', ' ')}"
    if risk.treated_on and record.evidence.time[:10] < risk.treated_on:
        return f"{name[:13]} is of {record.evidence.time[:10]}, before its treatment on {risk.treated_on}"
    why = _shows_nothing(risk, record, mine, people_of(risk.system or "", version, state))
    return f"{name[:13]} {why}" if why else None


def _shows_nothing(
    risk: RiskEntry, record: SealedRecord, mine: list[DeployedVersion], people: GroupsInData
) -> str | None:
    """Return what the record that closes a risk does not show: the result that was its cause, or one of its group."""
    causes = [c[0] for n in risk.cause_evidence if (c := _record(n, mine))]
    bad = [c for cause in causes for c in cause.evidence.claims if c.passed is False]
    for claim in [c for c in bad if people.are_named(risk.group, risk.event, c)] or bad:
        again = claim_of(record, claim.metric, claim.slice)
        if again is None:
            return f"does not have the result that was its cause: {describe(claim)}"
        if again.passed is not True:
            return f"has the result that was its cause, and it passes no limit: {describe(again)}"
    rest = [c[0] for n in named_records(risk) if (c := _record(n, mine))]
    group = GROUP.fullmatch((risk.group or "").strip())
    if group and not bad and not any(c.slice.get(group[1]) == group[2] for c in record.evidence.claims):
        return f"says nothing of {risk.group}, whom the risk hits"
    return None if bad else why_no_effect(record, risk.group, risk.event, rest, people)


def _unknown_bases(risk: RiskEntry, document: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield R4: a risk that rests on what neither ledger nor documents have; nothing where no ledger was read."""
    unknown = [n for n in named_records(risk) if state.deployed is not None and not state.has_record(n)]
    if unknown:
        traces = [n for n in unknown if TRACE.fullmatch(n)]
        others = [n for n in unknown if n not in traces]
        why = [f"{', '.join(others)}: no record or change of the ledger and no document has this id"] if others else []
        why += [f"{', '.join(traces)}: MLflow has no such trace"] if traces else []
        fact = f"risk {risk.id} rests on {'; and on '.join(why)}"
        fix = f"correct the id in {risk.id} of {document} (cause_evidence, or a basis), or state the reason in words"
        yield ManagementFinding("R4", f"{document}/{risk.id}/basis", fact, fix, risk.system, (document,))


def _record(name: str, versions: list[DeployedVersion]) -> tuple[SealedRecord, DeployedVersion] | None:
    return next(((r, v) for v in versions for r in v.records if begins(r.id, name)), None)


def _assessed(
    state: ManagementState, registers: list[RiskRegisterDocument], today: date
) -> Iterator[ManagementFinding]:
    """Yield R4: systems without a risk, levels that the method has not, and registers older than its interval."""
    assessed = {r.system or d.system for d in registers for r in d.risks}
    for document, risk in ((d, r) for d in registers for r in d.risks):
        known = {*state.systems, *state.unread_systems}
        if risk.system and risk.system not in known and state.systems:
            fact, fix = (
                f"risk {risk.id} is about {risk.system}, which is in no register",
                f"correct `system` of {risk.id}",
            )
            yield ManagementFinding("R4", f"{document.id}/{risk.id}/system", fact, fix, risk.system, (document.id,))
    for system, entry in state.systems.items():
        if entry.in_scope is not False and system not in assessed:
            fact = f"no risk of {system} is in a risk register"
            fix = f"assess it: add its risks to {registers[-1].id}"
            yield ManagementFinding("R4", system, fact, fix, system, (registers[-1].id, entry.id))
    for method in state.of(RiskMethodDocument):
        for document in registers:
            since = document.effective_from
            age = (today - date.fromisoformat(since)).days if since else None
            if method.interval_days and age is not None and age > method.interval_days:
                fact = f"{document.id} is of {since}, and {method.id} asks for a new assessment every "
                fact += f"{method.interval_days} days"
                fix = f"assess the risks again, and publish {document.id} with the day in effective_from"
                yield ManagementFinding("R4", document.id, fact, fix, document.system, (document.id, method.id))
            for risk in document.risks:
                wrong = _off_scale(risk, method)
                if wrong:
                    fact = f"risk {risk.id}: {wrong}"
                    fix = f"use the levels of {method.id} in {risk.id} of {document.id}"
                    about = f"{document.id}/{risk.id}"
                    yield ManagementFinding("R4", about, fact, fix, risk.system, (document.id, method.id))


def _overtaken(state: ManagementState, register: RiskRegisterDocument) -> Iterator[ManagementFinding]:
    """Yield R4: an incident or a change came after the risks of a system were assessed; L4 has closed incidents."""
    closed = {i.id for i in state.of(IncidentDocument) if i.status == "closed"}
    since = [(text, document) for text, document in happened_since(register, state) if document not in closed]
    if since and register.effective_from:
        fact = f"{'; '.join(text for text, _ in since)} ({register.id} of {register.effective_from})"
        fix = f"assess the risks again, and publish {register.id} with the day in effective_from; of an incident state "
        fix += "risks_reviewed"
        ids = (register.id, *(document for _, document in since))
        yield ManagementFinding("R4", f"{register.id}/since", fact, fix, register.system, ids)


def _same_for_many(registers: list[RiskRegisterDocument]) -> Iterator[ManagementFinding]:
    """Yield R5: one event, in the same words, as a risk of three systems or more."""
    of: dict[str, dict[str, RiskEntry]] = defaultdict(dict)
    for risk in (r for d in registers for r in d.risks if says(r.event) and r.system):
        words = str(risk.event).casefold().replace(str(risk.system).casefold(), "it")
        of[" ".join(re.findall(r"\w+", words))][str(risk.system)] = risk
    for event, risks in of.items():
        if len(risks) >= SAME_FOR:
            ids = ", ".join(r.id for r in risks.values())
            fact = f"{ids} are one event in the same words for {len(risks)} systems: “{event[:100]}”"
            fix = "say for each system what happens to whom by which mechanism, or take the risks out that were copied"
            yield ManagementFinding("R5", ids, fact, fix, None, tuple(d.id for d in registers))


def _no_such_group(risk: RiskEntry, document: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield R5: a group of a risk that is no value of the column which was compared for its system."""
    versions = (version for name, version in state.live if name == risk.system)
    claims = (c for v in versions for r in v.of("fairness") for c in r.evidence.claims)
    compared = {f"{column}={value}" for c in claims for column, value in c.slice.items() if value != "*"}
    columns = {group.partition("=")[0] for group in compared}
    named = GROUP.fullmatch((risk.group or "").strip())
    if named and named[1] in columns and named[0] not in compared:
        fact = f"risk {risk.id} is about {named[0]}, which is no value of a column that was compared for {risk.system}"
        fix = f"name the group as the data have it in {risk.id}: aims document lint {document}"
        yield ManagementFinding("R5", f"{document}/{risk.id}/group", fact, fix, risk.system, (document,))


def _vague(risk: RiskEntry, document: str) -> Iterator[ManagementFinding]:
    """Yield R5: an event that is true of any system, such as "bias may occur"."""
    if says(risk.event) and is_vague(str(risk.event)) and not has_anchor(str(risk.event)):
        fact = f"the event of risk {risk.id}, {risk.event!r}, states neither what happens nor by what"
        fix = f"state what happens to whom by which mechanism in {risk.id}: aims document lint {document}"
        yield ManagementFinding("R5", f"{document}/{risk.id}", fact, fix, risk.system, (document,))


def _off_scale(risk: RiskEntry, method: RiskMethodDocument) -> str | None:
    """Return where the levels of a risk are not those of the method's matrix."""
    rest = risk.residual
    levels = {cell.casefold(): level for cell, level in method.matrix.items()}
    for likelihood, impact, level, name in (
        (risk.likelihood, risk.impact, risk.level, "level"),
        *([(rest.likelihood, rest.impact, rest.level, "level that is left")] if rest else []),
    ):
        known = levels.get(f"{likelihood}/{impact}".casefold())
        if method.matrix and likelihood and impact and known is None:
            return f"{method.id} has no level for likelihood {likelihood!r} with impact {impact!r}"
        if known is not None and level and known.casefold() != level.casefold():
            return f"its {name} is {level}, and {likelihood}/{impact} is {known} by {method.id}"
    return None
