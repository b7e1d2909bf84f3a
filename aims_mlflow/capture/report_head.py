"""The head of a report in a session: the system, model and data that a check was about, and the key that signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.pages.head import ReportHead
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.wording import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.evidence.session import SessionWriter
    from aims_mlflow.evidence.statement import Subject
    from aims_mlflow.records.details.base import DataByRole
    from aims_mlflow.records.evidence import MlflowIds

ARROW = "arrowIpcSha256"


def report_head(outcome: Outcome, subjects: Sequence[Subject], data: DataByRole, writer: SessionWriter) -> ReportHead:
    """Return the head of an outcome's reports.

    Args:
        outcome: What the check found.
        subjects: What its record is about.
        data: The data sets that it was asked of, by role, as records describe them; empty where they are subjects.
        writer: The session that the record becomes a part of.
    """
    common = writer.common
    used = [_data_text(role, each.rows, each.digest) for role, each in data.items()]
    tables = [s for s in subjects if ARROW in s.digest]
    ids: MlflowIds | None = common.get("mlflow")
    facts = {
        "System": str(common.get("system") or ""),
        "Model": "; ".join(_models(subjects)),
        "Data": "; ".join(used or [_data_text(s.name, None, s.digest) for s in tables]),
        "MLflow run": (ids.run_id if ids is not None else None) or "",
        "Pack": str(common.get("pack_digest") or ""),
        "Made": utc_text(),
        "Signed by": f"key {common['key_id']}, used by the operating-system account {common['actor']}",
        "Proof": f"the record of session {writer.id} that names this file with its sha256",
    }
    return ReportHead(outcome.result, outcome.reason, facts)


def _models(subjects: Iterable[Subject]) -> Iterable[str]:
    return [f"{s.name} (dirHash1 {s.digest['dirHash1']})" for s in subjects if "dirHash1" in s.digest]


def _data_text(name: str, rows: int | None, digest: Mapping[str, str]) -> str:
    counted = f", {count_text(rows)} rows" if rows is not None else ""
    file = f", file sha256 {digest['sha256']}" if "sha256" in digest else ""
    return f"{name}{counted}, Arrow stream sha256 {digest.get(ARROW, 'not recorded')}{file}"
