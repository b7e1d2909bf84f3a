"""Conditions about the data that were used: what is stated of each data set (A.4.3, A.7.3)."""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.training import AcquisitionDetails, DatasetDetails

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.status_subject import StatusSubject

WHERE = "data.sources in aims.yaml, or @aims.acquires"
# What may say where data come from; a name alone says nothing.
SOURCE_KEYS = ("uri", "description")
RIGHTS = ("rights", "licence")


def sources(subject: StatusSubject, role: str) -> list[tuple[SealedRecord, SourceStatement]]:
    """Return what is stated of the data set of a role: by its acquisitions, else by its dataset-record."""
    described = [
        (r, source)
        for r in subject.about_data("dataset-record", role)
        if (source := read_details(r.evidence, DatasetDetails).source) is not None and says(source.plain())
    ]
    acquired = [(r, _acquired_from(r)) for r in subject.acquisitions(role)]
    return acquired or described


def _acquired_from(record: SealedRecord) -> SourceStatement:
    """Return what an acquisition states of its source, under the source's name."""
    details = read_details(record.evidence, AcquisitionDetails)
    stated = details.source or SourceStatement()
    return stated if stated.name or not details.name else stated.changed(name=details.name)


def of_each_set(subject: StatusSubject, key: str, judge: Callable[[str], Judgement]) -> Judgement:
    """Return the verdict on every data set that was used; one that is unknown is missing."""
    if not subject.data:
        return Judgement("missing", "no record names the data that were used", basis="person")
    parts = [judge(role) if _known(subject, role) else _unknown(subject, role) for role in subject.data]
    return joined(parts, "; ".join(dict.fromkeys(p.sentence for p in parts)) or key)


def _known(subject: StatusSubject, role: str) -> bool:
    return bool(subject.about_data("dataset-record", role) or subject.acquisitions(role))


def _unknown(subject: StatusSubject, role: str) -> Judgement:
    digest = next(iter(subject.data[role].digest.values()), "none")
    return Judgement("missing", f"{role} data {digest[:12]}: no dataset-record is about this digest")


def stated(subject: StatusSubject, role: str, key: str) -> Judgement:
    """Return whether `key` is stated of the data set of a role, by everyone whom it comes from."""
    return of_each_source(subject, role, key, lambda record, source: value(subject, role, record, source, key))


def of_each_source(
    subject: StatusSubject, role: str, key: str, judge: Callable[[SealedRecord, SourceStatement], Judgement]
) -> Judgement:
    """Return the verdict on each source that the data set of a role comes from; without any, `key` is not stated."""
    parts = [judge(record, source) for record, source in sources(subject, role)]
    if not parts:
        return Judgement("missing", f"{words(key)} of the {role} data is not stated: {WHERE}", basis="person")
    return joined(parts, "; ".join(dict.fromkeys(p.sentence for p in parts)))


def value(subject: StatusSubject, role: str, record: SealedRecord, source: SourceStatement, key: str) -> Judgement:
    """Return whether a source states `key`."""
    given, what = getattr(source, key), f"{words(key)} of {source.name or role}"
    if says(given):
        verdict = Judgement("holds", f"{what}: {given!r}, as {subject.named_signer(record)} stated", basis="person")
    elif given in (None, ""):
        verdict = Judgement("missing", f"{what} is not stated: {WHERE}", basis="person")
    else:
        verdict = Judgement("missing", f"{what} is {given!r}, which states nothing", basis="person")
    return verdict.about(record)


def words(key: str) -> str:
    """Return a key as a sentence names it."""
    return key.replace("_", " ")


def each_states(key: str, subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """Return whether `key` is stated of each data set that was used."""
    return of_each_set(subject, key, lambda role: stated(subject, role, key))


def described(subject: StatusSubject, at: datetime) -> Judgement:
    """Each data set that was used has a record that describes it, and its owner is stated."""
    records = {role: subject.about_data("dataset-record", role) for role in subject.data}
    bare = [role for role, found in records.items() if not any(map(_describes, found))]
    if bare:
        return Judgement("missing", f"no dataset-record describes the {' and '.join(bare)} data")
    return each_states("owner", subject, at).about(*(r for found in records.values() for r in found))


def _describes(record: SealedRecord) -> bool:
    details = read_details(record.evidence, DatasetDetails)
    return details.data is not None or details.files is not None


def purpose(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """A data set's purpose is stated, or follows from its role and the stated intended use, and is called so."""
    use = subject.stated_system.intended_use

    def judge(role: str) -> Judgement:
        own = stated(subject, role, "purpose")
        if own.outcome == "holds" or not says(use) or any(s.purpose for _, s in sources(subject, role)):
            return own
        records = subject.about_data("dataset-record", role)
        use_of = f"{role} data of {subject.name}, whose stated intended use is {use!r}"
        text = f"purpose of the {role} data, derived from what is stated of the system: {use_of}"
        return Judgement("holds", text, basis="person").about(*records)

    return of_each_set(subject, "purpose", judge)


def origin(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The source of each data set is recorded: its address, a description, or the function that read it."""

    def judge(role: str) -> Judgement:
        def of_source(record: SealedRecord, source: SourceStatement) -> Judgement:
            key = next((k for k in SOURCE_KEYS if says(getattr(source, k))), None)
            if key is None and record.evidence.kind == "acquisition":
                details = read_details(record.evidence, AcquisitionDetails)
                text = f"the {role} data come from {details.name!r}, read by {details.function}"
                return Judgement("holds", text).about(record)
            return value(subject, role, record, source, key or SOURCE_KEYS[0])

        return of_each_source(subject, role, SOURCE_KEYS[0], of_source)

    return of_each_set(subject, "source", judge)


def _other_file(record: SealedRecord) -> str | None:
    """Return that an acquisition read other files than the one of which its source is stated, or None."""
    details = read_details(record.evidence, AcquisitionDetails)
    uri = (details.source.uri if details.source else None) or ""
    wanted, read = PurePosixPath(uri.removeprefix("file:")).name, [PurePath(name).name for name in details.files or {}]
    if not uri.startswith("file:") or not PurePath(wanted).suffix or not read:
        return None
    if any(fnmatchcase(name, wanted) for name in read):
        return None
    return f"{', '.join(read)} was read, and source, rights and subjects are stated of {uri}"


def rights(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The right to use each data set is stated by rights or licence of each source, of the file that was read.

    A placeholder in either voids both.
    """

    def judge(role: str) -> Judgement:
        def of_source(record: SealedRecord, source: SourceStatement) -> Judgement:
            given = [key for key in RIGHTS if getattr(source, key) not in (None, "")] or RIGHTS[:1]
            parts = [value(subject, role, record, source, key) for key in given]
            text = "; ".join(p.sentence for p in parts)
            other = _other_file(record) if record.evidence.kind == "acquisition" else None
            if other:
                parts.append(Judgement("warned", other, warnings=(other,)).about(record))
            return joined(parts, text)

        return of_each_source(subject, role, RIGHTS[0], of_source)

    return of_each_set(subject, "rights", judge)


CHECKS: dict[str, ConditionCheck] = {
    "A.4.3/owner": described,
    "A.4.3/purpose": purpose,
    "A.4.3/retention": functools.partial(each_states, "retention"),
    "A.7.3/source": origin,
    "A.7.3/rights": rights,
    "A.7.3/subjects": functools.partial(each_states, "subjects"),
    "A.7.3/reason": functools.partial(each_states, "selection_reason"),
}
