"""Findings K1, K6 and K7 about signatures: whether who approved or trained held the duty, the competence, and a key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.duties import SIGNED_WITH, DutyRegister, duties_on
from aims_mlflow.gates.person_statements import approving_role, counting_approvals, says
from aims_mlflow.gates.wording import quoted
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.lifecycle import CompetenceDocument
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import ManagementState

ROLES = ("trainer", "approver")
SHOWN = 3


@dataclass(frozen=True)
class Signature:
    """Something that a person signed, as a sentence names it; `day` is YYYY-MM-DD."""

    who: str
    day: str
    role: str
    what: str
    system: str | None
    evidence: str


def signatures(state: ManagementState, now: datetime) -> Iterator[Signature]:
    """Yield who approved documents and versions in use, who signed waivers of those, and who trained them."""
    if state.published is not None:
        shelf = state.published.shelf
        for publication, written in state.published.in_force(now.strftime("%Y-%m-%d")):
            document = publication.document
            approvals = shelf.approvals_of(document)
            for each in counting_approvals(document, approvals, now, approving_role(written.kind)):
                what = f"approved {written.called}"
                yield Signature(each.owner, each.time[:10], "approver", what, written.system, written.id)
    for system, version in state.live:
        for consent in version.consents:
            what = f"{'approved' if consent.action == 'approval' else 'signed a waiver of'} {version.name}"
            yield Signature(consent.owner, consent.sealed[:10], "approver", what, system, consent.id)
        for record in version.of("training-provenance"):
            what, day = f"trained {version.name}", record.evidence.time[:10]
            yield Signature(_signer(record, state), day, "trainer", what, system, record.id)


def _signer(record: SealedRecord, state: ManagementState) -> str:
    """Return the owner of the key that signed a record; the account that it names where no keyring is here."""
    entry = state.keyring.find(record.evidence.key_id) if state.keyring else None
    return entry.owner if entry else record.evidence.actor


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about signatures."""
    duties = duties_on(state, f"{now:%Y-%m-%d}")
    yield from _without_duty(state, duties)
    yield from _incompetent(state, now)
    yield from _without_key(state, duties, now)


def _without_duty(state: ManagementState, duties: DutyRegister) -> Iterator[ManagementFinding]:
    """Yield K1 for each person who approved a version, or signed a waiver of it, and had no such duty on that day."""
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for system, version in state.live if duties.is_written else ():
        for consent in version.consents:
            then = replace(duties, today=consent.sealed[:10])
            if not then.may_approve(consent.owner, system):
                verb = "approved" if consent.action == "approval" else "signed a waiver of"
                found[system, person(consent.owner)].append(
                    (consent.owner, f"{verb} {version.name} on {consent.sealed[:10]}", consent.id)
                )
    for (system, who), signed in found.items():
        holders = list(dict.fromkeys(duties.holders(("approve",), system)))
        whose = f"; that is the duty of {', '.join(holders)}" if holders else ""
        fact = f"{signed[0][0]} {signed[0][1]}, and held no duty to approve {system} on that day{whose}"
        fix = f"let whoever holds the duty approve again, or give it to {signed[0][0]} (role-assignment); to take the "
        fix += "approval back: aims gate revoke"
        ids = tuple(i for _, _, i in signed)
        yield ManagementFinding("K1", f"{system}/version/{who}", fact, fix, system, ids)


def _incompetent(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield K6, once for each person: signatures of a day on which they were not there, or not shown to be able."""
    found: dict[str, list[tuple[Signature, str]]] = defaultdict(list)
    for signature in signatures(state, now):
        why = _not_employed(signature, state) or _not_competent(signature, state)
        if why:
            found[person(signature.who)].append((signature, why))
    for who, wrong in found.items():
        signature, why = wrong[0]
        more = f" ({len(wrong) - 1} more signatures)" if len(wrong) > 1 else ""
        fact = f"{signature.who} {signature.what} on {signature.day}, and {why}{more}"
        fix = (
            f"record the competence of {signature.who} as {signature.role} with its days (competence-record), or let "
            "somebody who has it look at it and sign again"
        )
        ids = tuple(dict.fromkeys(s.evidence for s, _ in wrong))
        yield ManagementFinding("K6", who, fact, fix, None, ids)


def _not_employed(signature: Signature, state: ManagementState) -> str | None:
    known = state.known_person(signature.who)
    if known is None or known.active(signature.day):
        return None
    return f"{known.absence(signature.day)}, by the register of people"


def _not_competent(signature: Signature, state: ManagementState) -> str | None:
    """Return why no evidence shows what a signer needed to know on that day."""
    who = state.same_person(signature.who)
    mine = [d for d in state.of(CompetenceDocument) if state.same_person(d.person or "") == who and says(d.basis)]
    # A record for another role of the keyring is about something else; one that names none of them may fit.
    stated = [(d, (d.role or "").strip().casefold()) for d in mine]
    fitting = [d for d, role in stated if role == signature.role or role not in ROLES]
    if not fitting:
        return f"nothing shows their competence as {signature.role}"
    if any((d.obtained_on or "") <= signature.day <= (d.valid_until or signature.day) for d in fitting):
        return None
    newest = max(fitting, key=lambda d: d.valid_until or d.obtained_on or "")
    if newest.obtained_on and newest.obtained_on > signature.day:
        return f"their competence as {signature.role} was shown later, on {newest.obtained_on} ({newest.id})"
    return f"the evidence of their competence as {signature.role} ended on {newest.valid_until} ({newest.id})"


def _without_key(state: ManagementState, duties: DutyRegister, now: datetime) -> Iterator[ManagementFinding]:
    """Yield K7: whoever answers for training, validating or approving a system in use, and has no key for it."""
    if state.keyring is None:
        return
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for system, entry in state.systems.items():
        if entry.stage not in IN_USE or entry.in_scope is False:
            continue
        for duty, role in SIGNED_WITH.items():
            for name in duties.accountable(duty, system):  # type: ignore[arg-type]  # keys of SIGNED_WITH are activities
                keys = state.keys_of(name)
                if not any(k.why_not([role], at) is None for k in keys):
                    fact = f"{name} is to {duty} {system}, and has no valid key with the role {role}"
                    fix = (
                        f"aims keys add FILE --owner {quoted(name)} --role {role}; or name who has one: role-assignment"
                    )
                    yield ManagementFinding("K7", f"{system}/{duty}/{person(name)}", fact, fix, system, (entry.id,))
