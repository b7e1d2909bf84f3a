"""`aims/index.html`: one self-contained page that shows the evidence for each control."""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import crosswalk_for, kinds
from aims_mlflow.documents.terminal import MARKS, SYMBOLS
from aims_mlflow.gates.conditions import compared_columns
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.not_compared import why_not_compared
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.records.wording import range_text, reference_text, value_text, verdict_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus
    from aims_mlflow.records.evidence import Claim

LOUD = ("failed", "failed and waived", "unverifiable", "stale")
FRAMEWORKS = {
    "nist_ai_rmf": "NIST AI RMF 1.0",
    "eu_ai_act": "EU AI Act",
    "iso_27001": "ISO/IEC 27001:2022",
    "soc_2": "SOC 2 (TSC)",
    "nist_csf": "NIST CSF 2.0",
    "hitrust": "HITRUST v11",
}
CAPTIONS = {
    "fairness": "Outcomes by group, each with its interval",
    "drift": "Drift of test against training data, by column",
}


@functools.cache
def _template() -> jinja2.Template:
    """Return the page's template; reading it takes longer than filling it in."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aims_mlflow.documents", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"value": value_text, "range": range_text}
    return environment.get_template("index.html.j2")


def render_index(
    sessions: Sequence[CheckedSession],
    pictures: Mapping[str, bytes],
    model_digests: Sequence[str],
    now: datetime | None = None,
) -> bytes:
    """Return the page: self-contained UTF-8 HTML that opens offline and in a sandboxed frame.

    Args:
        sessions: checked sessions of the run.
        pictures: SVG files by the path that records name.
        model_digests: the models to show; if empty, only data are shown.
        now: time at which states are judged.
    """
    moment = now or datetime.now(UTC)
    records = [r for s in sessions for r in s.records]
    start = next((r for r in reversed(records) if r.evidence.kind == "session-start"), None)
    latest = records[-1].evidence if records else None
    page = _template().render(
        system=(start or records[-1]).evidence.system if records else "",
        started=start,
        run_id=latest.mlflow.run_id if latest else "",
        time=moment.strftime("%Y-%m-%d %H:%M UTC"),
        models=[_model(d, sessions, records, moment) for d in (list(model_digests) or [""])],
        sessions=sessions,
        problems=[p for s in sessions for p in s.problems],
        picture=lambda record: _pictures(record, pictures),
        claims=shown_claims,
        more=lambda record: max(0, len(record.evidence.claims) - len(shown_claims(record))),
        steps=_lineage(records),
        symbols=SYMBOLS,
        marks=MARKS,
        loud=LOUD,
        last_day=last_day,
        told=told,
        describe=lambda kind: kinds()[kind].description if kind in kinds() else "",
        related=_related,
        claim_state=claim_state,
        claim_slice=claim_slice,
    )
    return page.encode()


def _model(
    digest: str, sessions: Sequence[CheckedSession], records: Sequence[SealedRecord], now: datetime
) -> dict[str, Any]:
    system = next((r.evidence.system for r in reversed(records) if r.evidence.system), None)
    subject = StatusSubject(system, digest=digest or None, sessions=tuple(sessions))
    all_statuses = control_statuses(subject, now, with_clauses=True)
    statuses = [s for s in all_statuses if s.control.id.startswith("A.")]
    training = next(
        (r for r in records if r.evidence.kind == "training-provenance" and (not digest or r.has_subject(digest))), None
    )
    listed = (training.evidence.details.get("models") if training is not None else None) or []
    own = next((m for m in listed if isinstance(m, dict) and m.get("digest") == digest), {})
    return {
        "name": own.get("name", "no model" if not digest else "model"),
        "model_id": own.get("model_id", ""),
        "digest": digest,
        "statuses": [s for s in all_statuses if s.state != "not assessed here"],
        "elsewhere": [s for s in all_statuses if s.state == "not assessed here"],
        "counts": {state: sum(s.state == state for s in statuses) for state in SYMBOLS},
        "coverage": ControlCoverage.of(statuses).sentence(),
        "controls": len(statuses),
        "clauses": len(all_statuses) - len(statuses),
        "bad": [s for s in statuses if s.state in LOUD],
        "not_compared": _not_compared(subject),
    }


def _not_compared(subject: StatusSubject) -> str:
    """Return why outcomes were compared for no group; empty where they were."""
    if subject.of("fairness") or compared_columns(subject.rules, subject.counted):
        return ""
    return why_not_compared(subject.rules, subject.counted.starts)[1]


def told(found: ConditionStatus) -> str:
    """Return what a condition's verdict rests on, or who owes what is missing."""
    if found.verdict.outcome in ("missing", "not due", "stale", "not evaluated"):
        return f"owed by {found.condition.owed_by}"
    return "a person's word" if found.verdict.basis == "person" else "recorded by the software"


def shown_claims(record: SealedRecord, most: int = 60) -> list[Claim]:
    """Return the claims by importance: failed ones, those with limits, then the others."""

    def weight(claim: Claim) -> tuple[int, int]:
        return (0 if claim.passed is False else 1 if claim.limit is not None else 2, len(claim.slice))

    return sorted(record.evidence.claims, key=weight)[:most]


def claim_state(claim: Claim) -> str:
    """Return the verdict of a claim in one word or few."""
    return verdict_word(claim)


def claim_slice(claim: Claim) -> str:
    """Return a description of the rows that a claim is about."""
    parts = [f"{k}: all groups" if v == "*" else f"{k} = {v}" for k, v in claim.slice.items()]
    against = f" against {reference_text(claim)}" if reference_text(claim) else ""
    return (", ".join(parts) or "all rows") + against


def _pictures(record: SealedRecord, pictures: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return a record's pictures as data URIs: inside <img>, a picture can run no script."""
    return [
        {
            "uri": "data:image/svg+xml;base64," + base64.b64encode(pictures[a.path]).decode(),
            "alt": CAPTIONS.get(record.evidence.kind, record.evidence.kind) + ": the values stand in the table below",
            "caption": CAPTIONS.get(record.evidence.kind, record.evidence.kind),
        }
        for a in record.evidence.artifacts
        if a.path in pictures and a.path.endswith(".svg")
    ]


def _lineage(records: Sequence[SealedRecord]) -> list[dict[str, Any]]:
    lineage = next((r for r in reversed(records) if r.evidence.kind == "lineage"), None)
    links = lineage.evidence.details.get("links") if lineage is not None else None
    return [entry for entry in links if isinstance(entry, dict)] if isinstance(links, list) else []


def _related(status: ControlStatus) -> list[tuple[str, str]]:
    row = crosswalk_for(status.control.id)
    if row is None:
        return []
    return [(title, value) for key, title in FRAMEWORKS.items() if (value := getattr(row, key)) is not None]
