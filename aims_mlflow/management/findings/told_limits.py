"""Findings C6: failures, left-out groups, waivers and residual risks that nobody who uses a system is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.management.findings.card_text import CardText
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents import stated_fields
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.information import UserInformationDocument
from aims_mlflow.records.documents.lifecycle import TechnicalDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument
from aims_mlflow.records.wording import metric_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.evidence import Claim

TOLD = (UserInformationDocument, TechnicalDocument)
Limit = tuple[str, tuple[str, ...]]  # what has to be told, and the words of which one tells it


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield C6 for each version in use, and for each system in use of which no version is kept here."""
    for system, version in state.live:
        card = state.cards.get(version.digest or "")
        words = CardText(card).sections.get("Limitations", "") if card is not None else ""
        about, name = f"{system}/{version.model}@{version.place}", f"{version.name}: "
        yield from _untold(system, about, name, [*_of_version(version), *_left(system, state)], words, state)
    kept = {system for system, _ in state.live}
    for system, entry in state.systems.items():
        told = any(state.about(model, system) for model in TOLD)  # W7 reports that there is none
        if system not in kept and entry.stage in IN_USE and entry.in_scope is not False and told:
            yield from _untold(system, f"{system}/limits", f"{system}: ", _left(system, state), "", state)


def _untold(
    system: str, about: str, name: str, limits: Iterable[Limit], card: str, state: ManagementState
) -> Iterator[ManagementFinding]:
    told: list[WrittenDocument] = [d for model in TOLD for d in state.about(model, system)]
    words = " ".join([card, *(_words_of(d, state) for d in told)]).casefold()
    silent = [what for what, names in limits if not any(n.casefold() in words for n in names)]
    if silent:
        things = "thing that users have to know is" if len(silent) == 1 else "things that users have to know are"
        fact = f"{name}{len(silent)} {things} told in no document: {'; '.join(silent[:4])}"
        fact += "; and more" if len(silent) > 4 else ""
        fix = f"name them in `limits`, and publish it: aims document new user-information --system {system}"
        yield ManagementFinding("C6", about, fact, fix, system, tuple(d.id for d in told))


def _words_of(document: WrittenDocument, state: ManagementState) -> str:
    text = state.texts.get(document.id)
    return f"{stated_fields(document)} {text.content.decode('utf-8', 'replace') if text else ''}"


def _of_version(version: DeployedVersion) -> Iterator[Limit]:
    """Yield each limit that evidence and waivers of a version show."""
    for record in version.counting:
        for claim in record.evidence.claims if _of_bytes(record, version) else ():
            rows = slice_text(claim.slice)
            if claim.passed is False:
                name = f"{metric_text(claim.metric)} of {rows or 'all rows'} ({record.id[:13]})"
                yield name, _names(claim, record)
            elif is_left_out(claim) and rows:
                yield f"{rows} was not judged: too few rows", (rows, *claim.slice.values())
    yield from _waivers(version)


def _left(system: str, state: ManagementState) -> Iterator[Limit]:
    """Yield what is left of each risk of a system."""
    for register in state.of(RiskRegisterDocument):
        for risk in register.risks:
            if risk.system == system and risk.residual is not None:
                yield f"what is left of risk {risk.id}", (risk.id,)


def _waivers(version: DeployedVersion) -> Iterator[Limit]:
    """Yield each waiver once, with what it lets pass."""
    passed: dict[tuple[str, str], dict[str, None]] = {}
    for waived in version.waived:
        item = waived.unmet
        what = metric_text(item.metric) if item.metric else item.kind
        rows = f" of {slice_text(item.slice)}" if item.slice else ""
        passed.setdefault((waived.waiver[:13], item.control), {})[what + rows] = None
    for (waiver, control), let in passed.items():
        yield f"waiver {waiver} of {control}, for {', '.join(let)}", (waiver, control)


def _of_bytes(record: SealedRecord, version: DeployedVersion) -> bool:
    return version.digest is not None and record.has_subject(version.digest)


def _names(claim: Claim, record: SealedRecord) -> tuple[str, ...]:
    """Return the words by which a failure is told: its metric with its group, its citation, or its record."""
    metric, rows = metric_text(claim.metric), slice_text(claim.slice)
    if not rows:
        return record.id[:13], metric
    groups = [v for v in claim.slice.values() if v != "*"]
    return record.id[:13], f"{metric} for {rows}", *(f"{metric} of {group}" for group in groups)
