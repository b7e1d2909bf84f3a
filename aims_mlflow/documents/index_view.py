"""What the page of a run shows: its models with their verdicts and control states, its data sets, and who signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.terminal import SYMBOLS
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.gates.conditions import compared_columns
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.not_compared import why_not_compared
from aims_mlflow.gates.shapes import mapping, mappings
from aims_mlflow.gates.status_subject import StatusSubject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ControlStatus

ROLES = ("acquired", "train", "validation", "test")
DATA_KINDS = ("dataset-record", "session-start", "training-provenance", "lineage")


@dataclass(frozen=True)
class ModelView:
    """One model of the run: its verdict, and the state of each control.

    Attributes:
        algorithm: The class of the model; empty where it is not recorded.
        statuses: The controls and clauses that are assessed here; `elsewhere` has the others.
        counts: Number of controls by state.
        not_compared: Why outcomes were compared for no group; empty where they were.
    """

    name: str
    model_id: str
    digest: str
    algorithm: str
    verdict: EvidenceVerdict
    statuses: Sequence[ControlStatus]
    elsewhere: Sequence[ControlStatus]
    counts: dict[str, int]
    coverage: str
    not_compared: str

    @property
    def controls(self) -> int:
        """Number of controls, without the clauses."""
        return sum(self.counts.values())

    @property
    def clauses(self) -> int:
        """Number of clauses."""
        return len(self.statuses) + len(self.elsewhere) - self.controls


def model_views(sessions: Sequence[CheckedSession], digests: Sequence[str], now: datetime) -> list[ModelView]:
    """Return the view of each model; without models, that of the data alone."""
    return [_model_view(sessions, digest, now) for digest in (list(digests) or [""])]


def _model_view(sessions: Sequence[CheckedSession], digest: str, now: datetime) -> ModelView:
    records = [r for s in sessions for r in s.records]
    system = next((r.evidence.system for r in reversed(records) if r.evidence.system), None)
    subject = StatusSubject(system, digest=digest or None, sessions=tuple(sessions))
    every = control_statuses(subject, now, with_clauses=True)
    controls = [s for s in every if s.control.id.startswith("A.")]
    own, algorithm = _described(records, digest)
    return ModelView(
        name=str(own.get("name", "model" if digest else "no model")),
        model_id=str(own.get("model_id", "")),
        digest=digest,
        algorithm=algorithm,
        verdict=EvidenceVerdict.of(subject.records if digest else records, digest),
        statuses=[s for s in every if s.state != "not assessed here"],
        elsewhere=[s for s in every if s.state == "not assessed here"],
        counts={state: sum(s.state == state for s in controls) for state in SYMBOLS},
        coverage=ControlCoverage.of(controls).sentence(),
        not_compared=_not_compared(subject),
    )


def _described(records: Iterable[SealedRecord], digest: str) -> tuple[dict[str, Any], str]:
    """Return what a training record says of a model, and the model's class."""
    own: dict[str, Any] = {}
    algorithms: dict[str, Any] = {}
    for record in records:
        own = next((dict(m) for m in mappings(record.evidence.details.get("models")) if m.get("digest") == digest), own)
        algorithms |= mapping(record.evidence.details.get("algorithms"))
    return own, str(algorithms.get(str(own.get("model_id")), ""))


def _not_compared(subject: StatusSubject) -> str:
    if subject.of("fairness") or compared_columns(subject.rules, subject.counted):
        return ""
    return why_not_compared(subject.rules, subject.counted.starts)[1]


@dataclass(frozen=True)
class DatasetRow:
    """One data set of the run, told apart from the others by role, name, size and digest; and where it comes from."""

    role: str
    name: str
    rows: int | None
    columns: int | None
    digest: str
    origin: str

    @classmethod
    def of(cls, records: Sequence[SealedRecord]) -> list[DatasetRow]:
        """Return the acquired tables, then the data sets by role: train, validation, test, others."""
        origins = _origins(records)
        found: dict[tuple[str, str], DatasetRow] = {}
        for record in records:
            details = record.evidence.details
            if record.evidence.kind == "acquisition":
                row = cls._acquired(details)
                found.setdefault((row.role, row.digest), row)
            for role, described in mapping(details.get("data")).items() if record.evidence.kind in DATA_KINDS else ():
                row = cls._bound(str(role), mapping(described), origins)
                found.setdefault((row.role, row.digest), row)
        order = {role: i for i, role in enumerate(ROLES)}
        return sorted((r for r in found.values() if r.digest), key=lambda r: order.get(r.role, len(ROLES)))

    @classmethod
    def _acquired(cls, details: Mapping[str, Any]) -> DatasetRow:
        files = [f"{name} (sha256 {sha256})" for name, sha256 in mapping(details.get("files")).items()]
        origin = ", ".join(files) or "no file among the arguments of the function that acquired it"
        return cls._described("acquired", mapping(details.get("data")), str(details.get("name", "")), origin)

    @classmethod
    def _bound(cls, role: str, described: Mapping[str, Any], origins: Mapping[str, tuple[str, str]]) -> DatasetRow:
        digest = mapping(described.get("digest"))
        source, origin = origins.get(str(digest.get("arrowIpcSha256")), ("", "not recorded"))
        file = f"; file sha256 {digest['sha256']}" if digest.get("sha256") else ""
        own = str(described.get("path") or described.get("name") or "")
        return cls._described(role, described, own if own != role else source, origin + file)

    @classmethod
    def _described(cls, role: str, described: Mapping[str, Any], name: str, origin: str) -> DatasetRow:
        columns, rows = described.get("columns"), described.get("rows")
        return cls(
            role=role,
            name=name,
            rows=rows if isinstance(rows, int) else None,
            columns=len(columns) if isinstance(columns, list) else None,
            digest=str(mapping(described.get("digest")).get("arrowIpcSha256", "")),
            origin=origin,
        )


def _origins(records: Sequence[SealedRecord]) -> dict[str, tuple[str, str]]:
    """Return the acquired source of each data set, and in words how it comes from there, by its digest."""
    lineage = [r for r in records if r.evidence.kind == "lineage"]
    out = {}
    for link in (link for r in lineage for link in mappings(r.evidence.details.get("links"))):
        steps = mappings(link.get("steps"))
        sources = dict.fromkeys(str(s.get("name")) for s in steps if s.get("kind") == "acquisition")
        how = str(link.get("link", "")).replace("-", " ")
        path = " → ".join(f"{s.get('kind')} {s.get('name')}" for s in steps)
        out[str(link.get("digest"))] = (
            f"part of {', '.join(sources)}" if sources else "",
            how + (f" of {path}" if path else ""),
        )
    return out


@dataclass(frozen=True)
class Signer:
    """A key that signed records, and the account that used it; which person that is, no record says."""

    key_id: str
    account: str
    records: int

    @classmethod
    def of(cls, records: Iterable[SealedRecord]) -> list[Signer]:
        """Return the signers in the order of their first record."""
        counted: dict[tuple[str, str], int] = {}
        for record in records:
            pair = (record.evidence.key_id, record.evidence.actor)
            counted[pair] = counted.get(pair, 0) + 1
        return [cls(key, account, n) for (key, account), n in counted.items()]
