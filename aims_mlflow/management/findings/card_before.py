"""Findings C9 and C11: a card beside that of the version before: words that stayed, and people who changed, unsaid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.checks import RepresentativenessDetails
from aims_mlflow.records.details.training import ProvenanceDetails, SessionStartDetails, SystemStatement
from aims_mlflow.records.documents.lifecycle import ChangeDocument
from aims_mlflow.records.wording import slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState

# What people write of a card, by the fields of aims.yaml.
WORDS = ("intended_use", "foreseeable_misuse", "human_oversight", "limitations")
RESULTS = ("performance", "fairness", "robustness")
OF_THE_TEXT = re.compile(
    r"\b(cards?|texts?|words?|wording|documentation|limitations?|intended use|misuse)\b", re.IGNORECASE
)
SHOWN = 3


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about a card beside that of the version which had the alias before."""
    for system, version in state.live:
        if version.previous and version.before != version.digest:
            told = _told(system, version, state)
            yield from _same_words(system, version, told)
            yield from _other_people(system, version, told)


def _told(system: str, version: DeployedVersion, state: ManagementState) -> list[ChangeDocument]:
    every = state.about(ChangeDocument, system)
    return [d for d in every if version.digest in (d.model_digest, *d.model_digests)]


def _said(told: list[ChangeDocument]) -> str:
    return " ".join(text for d in told for text in (d.what, d.why, d.assessment) if text).casefold()


def _same_words(system: str, version: DeployedVersion, told: list[ChangeDocument]) -> Iterator[ManagementFinding]:
    """Yield C9: what people wrote is the same, word for word, while results or data changed, and no change says why."""
    now, before = _statement(version.records), _statement(version.previous)
    written = {name: getattr(now, name) for name in WORDS if getattr(now, name)}
    changed = _changed(version)
    # Without any change document C9 reports that already.
    if not (written and changed and told) or OF_THE_TEXT.search(_said(told)):
        return
    if all(_plain(text) == _plain(getattr(before, name)) for name, text in written.items()):
        fact = (
            f"{version.name}: the words of its card ({', '.join(n.replace('_', ' ') for n in written)}) are those of "
        )
        fact += f"the version before, {str(version.before)[:12]}, word for word, while {changed} changed"
        fix = f"state in {told[-1].id} why they still hold, or write them anew in aims.yaml and train again"
        about = f"{system}/{version.model}@{version.place}/card/words"
        yield ManagementFinding("C9", about, fact, fix, system, tuple(d.id for d in told))


def _plain(text: object) -> str:
    return " ".join(str(text or "").casefold().split())


def _changed(version: DeployedVersion) -> str | None:
    """Return what is different in results and data of the version beside the one before; None where nothing is."""
    now, before = _values(version.records), _values(version.previous)
    other = sum(before.get(key) != value for key, value in now.items())
    if other:
        return f"{other} of {len(now)} results"
    return "its data" if _data(version.records) != _data(version.previous) else None


def _values(records: Sequence[SealedRecord]) -> dict[tuple[str, str, str], str | None]:
    return {
        (r.evidence.kind, c.metric, slice_text(c.slice)): c.value
        for r in records
        for c in r.evidence.claims
        if r.evidence.kind in RESULTS
    }


def _data(records: Sequence[SealedRecord]) -> set[str]:
    trained = [r for r in records if r.evidence.kind == "training-provenance"]
    described = read_details(trained[-1].evidence, ProvenanceDetails).data if trained else None
    return {digest for d in (described or {}).values() for digest in (d.digest or {}).values()}


def _other_people(system: str, version: DeployedVersion, told: list[ChangeDocument]) -> Iterator[ManagementFinding]:
    """Yield C11: groups or a population that one of both cards has and the other has not, and no change names them."""
    now, before, said = _people(version.records), _people(version.previous), _said(told)
    other = [(f"{name} is new", name) for name in sorted(now - before)]
    other += [(f"{name} is not there any more", name) for name in sorted(before - now)]
    unsaid = [text for text, name in other if _plain(name.rpartition("=")[2]) not in said]
    if unsaid and now and before:
        more = f", and {len(unsaid) - SHOWN} more" if len(unsaid) > SHOWN else ""
        fact = (
            f"{version.name} is about other people than the version before, {str(version.before)[:12]}, and no change "
        )
        fact += f"of {system} says so: {'; '.join(unsaid[:SHOWN])}{more}"
        fix = f"say who came or went, and what that means for them: aims document new change --system {system}"
        about = f"{system}/{version.model}@{version.place}/people"
        yield ManagementFinding("C11", about, fact, fix, system, tuple(d.id for d in told))


def _people(records: Sequence[SealedRecord]) -> set[str]:
    """Return who a card is about: the groups that aims.yaml names, those that were compared, and the populations."""
    found = set(_statement(records).affected_groups or ())
    for record in records:
        if record.evidence.kind == "fairness":
            found |= {f"{k}={v}" for c in record.evidence.claims for k, v in c.slice.items() if v != "*"}
        if record.evidence.kind == "representativeness":
            populations = read_details(record.evidence, RepresentativenessDetails).populations or ()
            found |= {f"population of {p.get('column')}={p.get('source')}" for p in populations}
    return found


def _statement(records: Sequence[SealedRecord]) -> SystemStatement:
    started = [r for r in records if r.evidence.kind == "session-start"]
    return (read_details(started[-1].evidence, SessionStartDetails).system if started else None) or SystemStatement()
