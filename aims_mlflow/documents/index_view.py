"""What the page of a run shows: its models with their verdicts and control states, its data sets, and who signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.documents.notes import details, own_details
from aims_mlflow.documents.terminal import SYMBOLS
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.gates.conditions import compared_columns
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.not_compared import why_not_compared
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.details.training import (
    AcquisitionDetails,
    LineageDetails,
    ProvenanceDetails,
    SessionStartDetails,
    ToolingDetails,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.records.details.base import DatasetDescription
    from aims_mlflow.records.details.training import ModelDescription

ROLES = ("acquired", "train", "validation", "test")


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
        name=own.name if own else ("model" if digest else "no model"),
        model_id=own.model_id if own else "",
        digest=digest,
        algorithm=algorithm,
        verdict=EvidenceVerdict.of(subject.records if digest else records, digest),
        statuses=[s for s in every if s.state != "not assessed here"],
        elsewhere=[s for s in every if s.state == "not assessed here"],
        counts={state: sum(s.state == state for s in controls) for state in SYMBOLS},
        coverage=ControlCoverage.of(controls).sentence(),
        not_compared=_not_compared(subject),
    )


def _described(records: Iterable[SealedRecord], digest: str) -> tuple[ModelDescription | None, str]:
    """Return what a training record says of a model, and the model's class."""
    own: ModelDescription | None = None
    algorithms: dict[str, str] = {}
    for record in records:
        about = own_details(record)
        if isinstance(about, ProvenanceDetails):
            own = next((m for m in about.models or () if m.digest == digest), own)
        if isinstance(about, ToolingDetails):
            algorithms |= about.algorithms or {}
    return own, algorithms.get(own.model_id, "") if own else ""


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
            about = own_details(record)
            if isinstance(about, AcquisitionDetails) and about.data is not None:
                row = cls._acquired(about, about.data)
                found.setdefault((row.role, row.digest), row)
            if isinstance(about, SessionStartDetails | ProvenanceDetails):
                for role, described in (about.data or {}).items():
                    row = cls._bound(role, described, origins)
                    found.setdefault((row.role, row.digest), row)
        order = {role: i for i, role in enumerate(ROLES)}
        return sorted((r for r in found.values() if r.digest), key=lambda r: order.get(r.role, len(ROLES)))

    @classmethod
    def _acquired(cls, about: AcquisitionDetails, data: DatasetDescription) -> DatasetRow:
        files = [f"{name} (sha256 {sha256})" for name, sha256 in (about.files or {}).items()]
        origin = ", ".join(files) or "no file among the arguments of the function that acquired it"
        return cls._described("acquired", data, about.name or "", origin)

    @classmethod
    def _bound(cls, role: str, described: DatasetDescription, origins: Mapping[str, tuple[str, str]]) -> DatasetRow:
        digest = described.digest
        source, origin = origins.get(digest.get("arrowIpcSha256", ""), ("", "not recorded"))
        file = f"; file sha256 {digest['sha256']}" if digest.get("sha256") else ""
        own = described.path or described.name or ""
        return cls._described(role, described, own if own != role else source, origin + file)

    @classmethod
    def _described(cls, role: str, described: DatasetDescription, name: str, origin: str) -> DatasetRow:
        return cls(
            role=role,
            name=name,
            rows=described.rows,
            columns=len(described.columns) if described.columns is not None else None,
            digest=described.digest.get("arrowIpcSha256", ""),
            origin=origin,
        )


def _origins(records: Sequence[SealedRecord]) -> dict[str, tuple[str, str]]:
    """Return the acquired source of each data set, and in words how it comes from there, by its digest."""
    lineage = [r for r in records if r.evidence.kind == "lineage"]
    out = {}
    for link in (link for r in lineage for link in details(r, LineageDetails).links or ()):
        sources = dict.fromkeys(s.name for s in link.steps if s.kind == "acquisition")
        how = link.link.replace("-", " ")
        path = " → ".join(f"{s.kind} {s.name}" for s in link.steps)
        out[link.digest] = (
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
