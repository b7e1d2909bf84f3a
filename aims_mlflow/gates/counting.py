"""Which records count for a model, and which failures another record has undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession

TRAINING = "training-provenance"
# Evidence about data may stand in another session: made once, and referenced by digest.
DATA_KINDS = frozenset(
    {"data-quality", "dataset-record", "acquisition", "preparation", "lineage", "datasheet", "representativeness"}
)


@dataclass(frozen=True)
class Counted:
    """What counts for one model: its records, the owners who signed them, and the sessions that cannot count."""

    records: tuple[SealedRecord, ...]
    owners: dict[str, str]
    trained: tuple[SealedRecord, ...]
    unsound: tuple[CheckedSession, ...]

    def of(self, kind: str) -> list[SealedRecord]:
        """Return the records of one kind that no other record supersedes."""
        undone = {r.evidence.supersedes.id for r in self.records if r.evidence.supersedes is not None}
        return [r for r in self.records if r.evidence.kind == kind and r.id not in undone]


def count(sessions: Iterable[CheckedSession], model_digest: str) -> Counted:
    """Return the records that count for the model with this digest.

    A record counts when the model is among its subjects, or when its subject is a data set that the
    model's training record names: in the same session, or, for evidence about data, in any sound one.
    A session with any problem does not count at all.
    """
    everything = list(sessions)
    sound = [s for s in everything if s.sound]
    trained = [(s, r) for s in sound for r in s.records if r.evidence.kind == TRAINING and r.has_subject(model_digest)]
    own = {s.name for s, _ in trained}
    data = {d for _, r in trained for d in data_digests(r)}
    records = [
        r
        for s in sound
        for r in s.records
        if r.has_subject(model_digest)
        or ((s.name in own or r.evidence.kind in DATA_KINDS) and any(r.has_subject(d) for d in data))
    ]
    owners = {r.id: s.owners[r.id] for s in sound for r in s.records if r in records}
    unsound = tuple(s for s in everything if not s.sound and _concerns(s, model_digest))
    return Counted(tuple(records), owners, tuple(r for _, r in trained), unsound)


def _concerns(session: CheckedSession, model_digest: str) -> bool:
    """Tell whether a session that does not verify may be about this model.

    An attempt that was killed before it had a model, or another person's data session, says nothing about it.
    """
    return not session.records or any(r.has_subject(model_digest) for r in session.records)


def data_digests(training: SealedRecord) -> set[str]:
    """Return the digests of the data sets that a training record names by role."""
    out: set[str] = set()
    data = training.evidence.details.get("data")
    if isinstance(data, dict):
        for described in data.values():
            digest = described.get("digest") if isinstance(described, dict) else None
            if isinstance(digest, dict):
                out |= {str(v) for v in digest.values()}
    return out


def session_start(sessions: Iterable[CheckedSession], training: SealedRecord) -> SealedRecord | None:
    """Return the first record of the session that a training record stands in."""
    for session in sessions:
        if session.id == training.evidence.session and session.records:
            first = session.records[0]
            return first if first.evidence.kind == "session-start" else None
    return None


def newest(records: Sequence[SealedRecord]) -> SealedRecord | None:
    """Return the record signed last."""
    return max(records, key=lambda r: (r.evidence.time, r.id), default=None)
