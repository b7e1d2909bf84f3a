"""Selection of the records that count for a model; superseded records are left out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from aims_mlflow.evidence.verify import Problem
from aims_mlflow.records.decision import Supersession
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ProvenanceDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.records.keyring import KeyEntry

Value = TypeVar("Value")
TRAINING = "training-provenance"
ONE_RECORD = (
    "nothing shows which of them is meant where the id is named: a session was copied, or made to look like one"
)
# Evidence about data may stand in another session: made once, and referenced by digest.
DATA_KINDS = frozenset(
    {"data-quality", "dataset-record", "acquisition", "preparation", "lineage", "datasheet", "representativeness"}
)


@dataclass(frozen=True)
class CountingEvidence:
    """The evidence that counts for a model: its records, its trainers, and the sessions that cannot count.

    `signers` says who signed each record, by its sha256: ids are their signers' own words. `starts` are the
    session-start records of the sessions that speak of the model, oldest first; `unstarted` its training records whose
    session begins otherwise.
    """

    records: tuple[SealedRecord, ...]
    trainers: frozenset[str]
    trained: tuple[SealedRecord, ...]
    unsound: tuple[CheckedSession, ...]
    signers: Mapping[str, KeyEntry]
    starts: tuple[SealedRecord, ...] = ()
    unstarted: tuple[SealedRecord, ...] = ()
    _known: dict[object, tuple[object, Any]] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: object, make: Callable[[], Value], of: object = None) -> Value:
        """Return what `make` returns, remembered with this evidence: it depends on that, on the key and on `of` alone.

        `of` counts as the same only where it is the very same object, and is kept for as long.
        """
        known = self._known.get((key, id(of)))
        if known is None:
            known = self._known[key, id(of)] = of, make()
        value: Value = known[1]
        return value

    def of(self, kind: str) -> list[SealedRecord]:
        """Return the records of one kind that no later record of the kind supersedes."""
        return list(self.once(("of", kind), lambda: self._of(kind)))

    def _of(self, kind: str) -> list[SealedRecord]:
        gone = {r.id for r, _ in self.undone()}
        return [r for r in self.records if r.evidence.kind == kind and r.id not in gone]

    @property
    def involved(self) -> frozenset[str]:
        """The people who may neither approve nor waive: who trained, and who took a result out of the evidence."""
        return self.trainers | {self._owner(other) for _, other in self.undone()}

    def undone(self) -> list[tuple[SealedRecord, SealedRecord]]:
        """Return the records that do not count, each with the record of its kind that supersedes it."""
        return list(self.once("undone", lambda: undone(self.records)))

    def superseded(self) -> tuple[Supersession, ...]:
        """Return the records that do not count because another record undoes them, with what is said instead."""
        return tuple(
            Supersession(
                kind=r.evidence.kind,
                record=r.id,
                result=r.evidence.result,
                owner=self._owner(r),
                by=other.id,
                by_owner=self._owner(other),
                instead=other.evidence.result,
                reason=other.evidence.supersedes.reason if other.evidence.supersedes else "",
            )
            for r, other in self.undone()
        )

    def _owner(self, record: SealedRecord) -> str:
        entry = self.signers.get(record.sha256)
        return entry.owner if entry else "nobody known"

    def captured(self, kind: str) -> list[SealedRecord]:
        """Return those of one kind that the software made; what a person recorded by hand meets no condition."""
        return [r for r in self.of(kind) if not r.evidence.by_hand]

    def own_lineages(self) -> list[SealedRecord]:
        """Return the lineage records of a training, by its session or by all its data sets: others share some."""
        sessions = {r.evidence.session for r in self.trained}
        trained = [read_details(r.evidence, ProvenanceDetails).data or {} for r in self.trained]
        digests = [[list(described.digest.values()) for described in data.values()] for data in trained if data]
        return [
            record
            for record in self.captured("lineage")
            if record.evidence.session in sessions
            or any(all(any(map(record.has_subject, each)) for each in sets) for sets in digests)
        ]


def undone(records: Iterable[SealedRecord]) -> list[tuple[SealedRecord, SealedRecord]]:
    """Return the records that do not count, each with the later one of its kind that supersedes it."""
    every = list(records)
    by_id: defaultdict[str, list[SealedRecord]] = defaultdict(list)
    for other in every:
        if other.evidence.supersedes is not None:
            by_id[other.evidence.supersedes.id].append(other)
    return [(r, other) for r in every for other in by_id.get(r.id, ()) if _is_later_word(other, r)]


def without_undone(records: Sequence[SealedRecord]) -> tuple[SealedRecord, ...]:
    """Return the records that count, in their order, as `undone` tells them."""
    gone = {r.id for r, _ in undone(records)}
    return tuple(r for r in records if r.id not in gone)


def _is_later_word(other: SealedRecord, record: SealedRecord) -> bool:
    later = (other.evidence.time, other.id) > (record.evidence.time, record.id)
    return later and other.evidence.kind == record.evidence.kind


def count(sessions: Iterable[CheckedSession], model_digest: str) -> CountingEvidence:
    """Return the records that count for the model with this digest.

    A record counts when the model is among its subjects, or when its subject is a data set that the
    model's training record names: in the same session, or, for evidence about data, in any sound one.
    A session with any problem does not count at all.
    """
    everything = with_own_ids(sessions)
    sound = [s for s in everything if s.sound]
    pairs = [(s, r) for s in sound for r in s.records if r.evidence.kind == TRAINING and r.has_subject(model_digest)]
    own = {id(s) for s, _ in pairs}
    data = {d for _, r in pairs for d in data_digests(r)}
    records = [
        r
        for s in sound
        for r in s.records
        if r.has_subject(model_digest)
        or ((id(s) in own or r.evidence.kind in DATA_KINDS) and any(r.has_subject(d) for d in data))
    ]
    return CountingEvidence(
        tuple(records),
        frozenset(owner for s, _ in pairs for owner in s.owners.values()),
        tuple(r for _, r in pairs),
        tuple(s for s in everything if not s.sound and _concerns(s, model_digest)),
        signers_of(sound),
        starts_of(s for s in sound if any(r.has_subject(model_digest) for r in s.records)),
        tuple(r for s, r in pairs if not _started(s)),
    )


def with_own_ids(sessions: Iterable[CheckedSession]) -> list[CheckedSession]:
    """Return the sessions, with a problem where a record has the id of another one: other records refer to ids."""
    everything = list(sessions)
    named: defaultdict[str, set[str]] = defaultdict(set)
    for record in (r for s in everything if s.sound for r in s.records):
        named[record.id].add(record.sha256)
    return [_without_repeats(session, named) for session in everything]


def _without_repeats(session: CheckedSession, named: Mapping[str, set[str]]) -> CheckedSession:
    repeated = [
        Problem(f"{session.name}, {r.evidence.kind} {r.id}", "another record has the same id", ONE_RECORD)
        for r in session.records
        if len(named[r.id]) > 1
    ]
    return replace(session, problems=(*session.problems, *repeated)) if repeated else session


def signers_of(sessions: Iterable[CheckedSession]) -> dict[str, KeyEntry]:
    """Return who signed each record of some sessions, by its sha256."""
    return {r.sha256: s.signers[r.id] for s in sessions for r in s.records if r.id in s.signers}


def starts_of(sessions: Iterable[CheckedSession]) -> tuple[SealedRecord, ...]:
    """Return the session-start records of some sessions, oldest first, in whatever order they are read."""
    found = (s.records[0] for s in sessions if _started(s))
    return tuple(sorted(found, key=lambda r: (r.evidence.time, r.id)))


def _started(session: CheckedSession) -> bool:
    return session.records[0].evidence.kind == "session-start"


def _concerns(session: CheckedSession, model_digest: str) -> bool:
    """Return whether a session that does not verify may be about this model.

    Another person's whole session about data says nothing about it. One without a manifest, or whose manifest lists a
    record that is missing or unreadable now, may have lost a failure: taking lines out must never help.
    """
    manifest = session.manifest
    complete = manifest is not None and len(manifest.subjects) == len(session.records) - 1
    return not complete or any(r.has_subject(model_digest) for r in session.records)


def data_digests(training: SealedRecord) -> set[str]:
    """Return the digests of the data sets that a training record names by role."""
    data = read_details(training.evidence, ProvenanceDetails).data or {}
    return {digest for described in data.values() for digest in described.digest.values()}


def newest(records: Sequence[SealedRecord]) -> SealedRecord | None:
    """Return the record signed last."""
    return max(records, key=lambda r: (r.evidence.time, r.id), default=None)
