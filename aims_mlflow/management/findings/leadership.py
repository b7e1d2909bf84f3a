"""Findings K1-K4: approving without that duty, duties that nobody holds, and people who are not there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.field_address import field_text
from aims_mlflow.gates.document_content.duties import DutyRegister, duties_on
from aims_mlflow.gates.person_statements import approving_role, counting_approvals
from aims_mlflow.management.findings.managers import is_known
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.named_people import HISTORY, named_people
from aims_mlflow.records.documents import stated_fields
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.lifecycle import CompetenceDocument
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.context import SystemEntry
    from aims_mlflow.records.documents.leadership import Activity

# What a system in use needs somebody for; who provides its model also trains and validates it.
NEEDED: tuple[Activity, ...] = ("approve", "operate", "stop")
OF_PROVIDER: tuple[Activity, ...] = ("train", "validate")
SHOWN = 3


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about duties and the people who hold them."""
    today = now.strftime("%Y-%m-%d")
    register = duties_on(state, today)
    if register.is_written:
        yield from _keys(state, register, now)
        yield from _approvers(state, register, now)
    for system, entry in state.systems.items():
        if entry.stage in IN_USE and entry.in_scope is not False:
            yield from _unheld(system, entry, register)
    for document in state.of(CompetenceDocument):
        yield from _competence(document, state, today)
    yield from _shared_keys(state)
    if state.people:
        yield from _absent(state, today)


def _keys(state: ManagementState, register: DutyRegister, now: datetime) -> Iterator[ManagementFinding]:
    """Yield K1 for each key that may sign what is nobody's duty, or whose owner left."""
    for key in state.keyring.keys if state.keyring else ():
        for role, verb, duty in (("approver", "approve", "approve"), ("trainer", "train", "train")):
            if key.why_not([role], now.strftime("%Y-%m-%dT%H:%M:%SZ")):
                continue
            known = state.known_person(key.owner)
            if known is not None and not known.active(register.today):
                fact = f"{key.owner} {known.absence(register.today)}, and their key may still {verb}"
                fix = f"aims keys revoke, for the key of {key.owner}"
                yield ManagementFinding("K1", f"key/{person(key.owner)}/{role}", fact, fix)
            elif not (register.may_approve(key.owner, None) if role == "approver" else register.may_train(key.owner)):
                fact = (
                    f"the key of {key.owner} may {verb}, and no role assignment and no role gives {key.owner} that duty"
                )
                fix = f"give {key.owner} the duty `{duty}` in a role-assignment, or end the key: aims keys revoke"
                yield ManagementFinding("K1", f"key/{person(key.owner)}/{role}", fact, fix)


def _shared_keys(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield K1: a key that the register gives to two people, so that nobody knows who signed."""
    owners: dict[str, list[str]] = defaultdict(list)
    for known in state.people.values():
        for key in known.key_ids:
            owners[key].append(known.id)
    for key, people in owners.items():
        if len(people) > 1:
            fact = f"the key {key[:12]} is that of {' and of '.join(people)}, by the register of people"
            yield ManagementFinding("K1", f"key/{key[:12]}", fact, "give each person a key of their own: aims keys new")


def _approvers(state: ManagementState, register: DutyRegister, now: datetime) -> Iterator[ManagementFinding]:
    """Yield K1 for each person who approves documents of a system, or of the organisation, without that duty."""
    found: dict[tuple[str, str], list[WrittenDocument]] = defaultdict(list)
    names: dict[str, str] = {}
    approvals = _approvals(state, now)
    for document in state.documents:
        for name in dict.fromkeys(
            (*approvals.get(document.id, ()), *([document.approver] if document.approver else []))
        ):
            if not register.may_approve(name, document.system, document.kind):
                found[state.same_person(name), document.system or ""].append(document)
                names[state.same_person(name)] = name
    for (who, system), documents in found.items():
        listed = ", ".join(d.id for d in documents[:SHOWN]) + (" and more" if len(documents) > SHOWN else "")
        holders = list(dict.fromkeys(register.holders(("approve",), system or None)))
        whose = f"; that is the duty of {', '.join(holders)}" if holders else ""
        what = f"of {system}" if system else "of the organisation"
        fact = f"{names[who]} approves documents {what} ({listed}), and holds no duty to approve them{whose}"
        fix = f"let whoever holds the duty approve them, or give it to {names[who]}: role-assignment, roles"
        ids = tuple(d.id for d in documents)
        yield ManagementFinding("K1", f"{system or 'organisation'}/{who}", fact, fix, system or None, ids)


def _approvals(state: ManagementState, now: datetime) -> dict[str, list[str]]:
    """Return who approved each document, by its id, as far as approvals were read."""
    if state.published is None:
        return {}
    shelf = state.published.shelf
    return {
        written.id: [
            a.owner
            for a in counting_approvals(
                publication.document, shelf.approvals_of(publication.document), now, approving_role(written.kind)
            )
        ]
        for publication, written in state.published.in_force(now.strftime("%Y-%m-%d"))
    }


def _unheld(system: str, entry: SystemEntry, register: DutyRegister) -> Iterator[ManagementFinding]:
    """Yield K2: duties of a system in use that nobody holds."""
    provided = bool(entry.models) and any(r.role == "provider" for r in entry.roles)
    lacking = [d for d in (*NEEDED, *(OF_PROVIDER if provided else ())) if not register.holders((d,), system)]
    if lacking:
        fact = f"{system} is in {entry.stage}, and nobody is to {', '.join(lacking)} it"
        fix = f"name one person for each duty: aims document new role-assignment --system {system}"
        yield ManagementFinding("K2", system, fact, fix, system, (entry.id,))
    for duty in (*NEEDED, *OF_PROVIDER):
        several = register.accountable(duty, system)
        if len(several) > 1:
            fact = f"{' and '.join(several)} are each to answer for one duty of {system}: to {duty} it"
            fix = f"name one person who answers for it; others are `responsible`: role-assignment of {system}"
            yield ManagementFinding("K2", f"{system}/{duty}", fact, fix, system, (entry.id,))


def _competence(document: CompetenceDocument, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield K3: evidence of competence of somebody who is not there; W3 says of which it ended."""
    known = state.known_person(document.person or "")
    why = None
    if known is not None and not known.active(today):
        why = f"is of somebody who {known.absence(today)}"
    elif known is None and state.people and document.person:
        why = "is of nobody in the people register"
    if why:
        fact = f"the evidence of competence of {document.person} ({document.id}) {why}"
        fix = f"renew it, or withdraw it and name who does the work now: aims document withdraw {document.id}"
        yield ManagementFinding("K3", document.id, fact, fix, None, (document.id,))


def _absent(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield K4: people whom documents name for a duty, and who left or are in no register."""
    known = {person(p.id): p for p in state.people.values()}
    places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for document in state.documents:
        if document.kind in ("people", "competence-record"):
            continue
        for at, name in named_people(document, stated_fields(document), today):
            who = state.same_person(name)
            there = known.get(who)
            history = str(at[-1]) in HISTORY and there is not None
            if there is None and is_known(name, state):
                continue
            if not history and (there is None or not there.active(today)):
                places[who].append((name, document.id, field_text(at)))
    for who, where in places.items():
        there = known.get(who)
        why = "is in no register of people" if there is None else there.absence(today)
        listed = ", ".join(f"{field} of {document}" for _, document, field in where[:SHOWN])
        more = f" and {len(where) - SHOWN} more" if len(where) > SHOWN else ""
        fact = f"{where[0][0]} {why}, and is named as {listed}{more}"
        fix = "name somebody who is there, or correct the register of people"
        yield ManagementFinding("K4", who, fact, fix, None, tuple(dict.fromkeys(d for _, d, _ in where)))
