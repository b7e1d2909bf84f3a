"""What MLflow's own pages show of a run's evidence: its main figures as metrics, and a description with the link."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from aims_mlflow.documents.card_results import favourable_of
from aims_mlflow.documents.notes import plain
from aims_mlflow.records.wording import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aims_mlflow.documents.verdict import EvidenceVerdict
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.details.base import DatasetDescription
    from aims_mlflow.records.evidence import Claim, MlflowIds

PREFIX = "aims"
MOST_LINES = 10
COUNTED = {"failed": "failed", "not evaluated": "not_evaluated", "not enough data": "not_enough_data"}
COUNTED |= {"warned": "warned", "passed": "passed"}
WORST_IS_LOW = (">=", ">")
# MLflow's rule for names of metrics, without the slash, which separates parts.
FORBIDDEN = re.compile(r"[^\w.\- :]")


def main_figures(verdict: EvidenceVerdict) -> dict[str, float]:
    """Return the main figures by name.

    They are the performance on all held-out rows (`aims/accuracy`; a figure about one of two labels names it, as
    `aims/recall_of_yes` does), the number of limits by verdict (`aims/limits/failed`), and of each column that was held
    against a limit the value of the group that is furthest to the bad side (`aims/selection_rate_ratio/sex/lowest`).
    """
    claims = [c for r in verdict.records for c in r.evidence.claims]
    figures = {
        f"{PREFIX}/{c.metric}{_of_label(r, c)}": float(c.value)
        for r in verdict.records
        if r.evidence.kind == "performance"
        for c in r.evidence.claims
        if not c.slice and c.role == "test" and c.value is not None
    }
    figures |= _by_column(claims)
    figures |= {f"{PREFIX}/limits/{name}": float(verdict.count(word)) for word, name in COUNTED.items()}
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _of_label(record: SealedRecord, claim: Claim) -> str:
    """Return ` of LABEL`, as a name of MLflow's may have it, for a figure about the favourable one of two labels."""
    favourable = favourable_of(record, claim)
    return f"_of_{_part(favourable)}" if favourable else ""


def _part(text: str) -> str:
    return FORBIDDEN.sub("_", text).strip(". ") or "_"


def _by_column(claims: Iterable[Claim]) -> dict[str, float]:
    """Return for each metric and single column the value of the group that is furthest to the bad side of its limit."""
    values: dict[str, list[Decimal]] = {}
    for claim in claims:
        if claim.reference is None or claim.limit is None or claim.value is None or len(claim.slice) != 1:
            continue
        end = "lowest" if claim.comparator in WORST_IS_LOW else "highest"
        column = _part(next(iter(claim.slice)))
        values.setdefault(f"{PREFIX}/{claim.metric}/{column}/{end}", []).append(Decimal(claim.value))
    return {name: float(min(found) if name.endswith("/lowest") else max(found)) for name, found in values.items()}


def run_note(verdict: EvidenceVerdict, ids: MlflowIds, data: Mapping[str, DatasetDescription], card: str) -> str:
    """Return the description of a run or model in Markdown: the result, what does not hold, the data, and the links.

    Args:
        verdict: What the records add up to.
        ids: The run that holds the page.
        data: The data sets by role.
        card: Path of the model card among the run's artifacts; empty without a model.
    """
    page = f"#/experiments/{ids.experiment_id}/runs/{ids.run_id}/artifacts"
    links = [f"[The evidence of this run]({page}/aims/index.html)"]
    links += [f"[model card]({page}/{card})"] if card else []
    out = [f"**Result of the evidence: {verdict.word}.** {verdict.sentence().capitalize()}.", "", ", ".join(links), ""]
    loud = [text for title, found in verdict.by_severity() if title != "Warnings" for text, _ in found]
    out += [f"- {plain(text)}" for text in loud[:MOST_LINES]]
    out += [f"- and {len(loud) - MOST_LINES} more"] if len(loud) > MOST_LINES else []
    out += [""] if loud else []
    for role, described in data.items():
        digest = described.digest.get("arrowIpcSha256", "")
        out.append(f"- {plain(role)}: {count_text(described.rows)} rows, Arrow stream sha256 `{digest}`")
    return "\n".join(
        [*out, "", "Written by aims_mlflow when the training ended. The signed records prove it, not this."]
    )
