"""Conditions about the data that were used: what is stated of each data set (A.4.3, A.7.3)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mapping
from aims_mlflow.gates.verdict import Judgement, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import Check
    from aims_mlflow.gates.status_subject import StatusSubject

WHERE = "data.sources in aims.yaml, or @aims.acquires"
# What may say where data come from; a name alone says nothing.
SOURCE_KEYS = ("uri", "description")


def sources(subject: StatusSubject, role: str) -> list[tuple[SealedRecord, Mapping[str, Any]]]:
    """Return what is stated of the data set of a role: by its acquisitions, else by its dataset-record."""
    described = [
        (r, mapping(r.evidence.details.get("source")))
        for r in subject.about_data("dataset-record", role)
        if says(mapping(r.evidence.details.get("source")))
    ]
    acquired = [(r, mapping(r.evidence.details.get("source"))) for r in subject.acquisitions(role)]
    return acquired or described


def of_each_set(subject: StatusSubject, key: str, judge: Callable[[str], Judgement]) -> Judgement:
    """Return the verdict on every data set that was used; one that is unknown is missing."""
    if not subject.data:
        return Judgement("missing", "no record names the data that were used", basis="person")
    parts = [judge(role) if _known(subject, role) else _unknown(subject, role) for role in subject.data]
    return joined(parts, "; ".join(dict.fromkeys(p.sentence for p in parts)) or key)


def _known(subject: StatusSubject, role: str) -> bool:
    return bool(subject.about_data("dataset-record", role) or subject.acquisitions(role))


def _unknown(subject: StatusSubject, role: str) -> Judgement:
    digest = next((str(d) for d in mapping(subject.data[role].get("digest")).values()), "none")
    return Judgement("missing", f"{role} data {digest[:12]}: no dataset-record is about this digest")


def stated(subject: StatusSubject, role: str, key: str) -> Judgement:
    """Return whether `key` is stated of the data set of a role, by everyone whom it comes from."""
    found = sources(subject, role)
    if not found:
        return Judgement(
            "missing", f"{key.replace('_', ' ')} of the {role} data is not stated: {WHERE}", basis="person"
        )
    parts = []
    for record, source in found:
        value, name = source.get(key), source.get("name") or record.evidence.details.get("name") or role
        what = f"{key.replace('_', ' ')} of {name}"
        if says(value):
            verdict = Judgement("holds", f"{what}: {value!r}, as {subject.signer(record)} stated", basis="person")
        elif value in (None, ""):
            verdict = Judgement("missing", f"{what} is not stated: {WHERE}", basis="person")
        else:
            verdict = Judgement("missing", f"{what} is {value!r}, which states nothing", basis="person")
        parts.append(verdict.about(record))
    return joined(parts, "; ".join(dict.fromkeys(p.sentence for p in parts)))


def each_states(key: str, subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """Return whether `key` is stated of each data set that was used."""
    return of_each_set(subject, key, lambda role: stated(subject, role, key))


def purpose(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """A data set's purpose is stated, or follows from its role and the stated intended use of the system."""
    use = subject.stated_system.get("intended_use")

    def judge(role: str) -> Judgement:
        own = stated(subject, role, "purpose")
        if own.outcome == "holds" or not says(use) or any(s.get("purpose") for _, s in sources(subject, role)):
            return own
        records = subject.about_data("dataset-record", role)
        text = f"purpose of the {role} data: {role} data of {subject.name}, whose stated intended use is {use!r}"
        return Judgement("holds", text, basis="person").about(*records)

    return of_each_set(subject, "purpose", judge)


def origin(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The source of each data set is recorded: its address or a description."""

    def judge(role: str) -> Judgement:
        parts = [stated(subject, role, key) for key in SOURCE_KEYS]
        good = next((p for p in parts if p.outcome == "holds"), None)
        acquired = subject.acquisitions(role)
        if good is None and acquired:
            function = acquired[0].evidence.details.get("function")
            text = f"the {role} data come from {acquired[0].evidence.details.get('name')!r}, read by {function}"
            return Judgement("holds", text).about(*acquired)
        return good or parts[0]

    return of_each_set(subject, "source", judge)


def rights(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The right to use each data set is stated by rights or licence; a placeholder in either voids both."""

    def judge(role: str) -> Judgement:
        parts = [stated(subject, role, key) for key in ("rights", "licence")]
        given = [p for p in parts if not p.sentence.endswith(WHERE)]
        return joined(given, "; ".join(p.sentence for p in given)) if given else parts[0]

    return of_each_set(subject, "rights", judge)


CHECKS: dict[str, Check] = {
    "A.4.3/owner": functools.partial(each_states, "owner"),
    "A.4.3/purpose": purpose,
    "A.4.3/retention": functools.partial(each_states, "retention"),
    "A.7.3/source": origin,
    "A.7.3/rights": rights,
    "A.7.3/subjects": functools.partial(each_states, "subjects"),
    "A.7.3/reason": functools.partial(each_states, "selection_reason"),
}
