"""`aims/index.html`: one self-contained page: the result of the evidence, its data, its controls, its records."""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import crosswalk_for, kinds
from aims_mlflow.documents.index_view import DatasetRow, Signer, model_views
from aims_mlflow.documents.notes import details, own_details
from aims_mlflow.documents.terminal import MARKS, SYMBOLS
from aims_mlflow.documents.verdict import check_name
from aims_mlflow.evidence.verify import told_once
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.html_templates import templates_of
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.reading_notes import reading_notes
from aims_mlflow.records.wording import (
    against_text,
    bound_text,
    count_text,
    limits_told,
    metric_text,
    range_text,
    rows_shown,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus
    from aims_mlflow.records.evidence import Claim

LOUD = ("failed", "failed and waived", "unverifiable", "stale")
MOST_CLAIMS, MOST_LOOKED_AT = 60, 20
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
    environment = templates_of("aims_mlflow.documents")
    environment.filters |= {"value": value_text, "range": range_text, "count": count_text, "metric": metric_text}
    environment.filters |= {"bound": bound_text, "rows": rows_shown}
    environment.filters |= {"css": lambda words: words.replace(" ", "-").replace("_", "-")}
    environment.globals |= {
        "symbols": SYMBOLS,
        "marks": MARKS,
        "loud": LOUD,
        "last_day": last_day,
        "told": told,
        "describe": lambda kind: kinds()[kind].description if kind in kinds() else "",
        "related": related,
        "claims": shown_claims,
        "claim_state": verdict_word,
        "claim_slice": claim_slice,
        "check_name": check_name,
        "limits": lambda record: limits_told(record.evidence.claims),
        "reading_notes": reading_notes,
        "role_of": lambda record: getattr(own_details(record), "role", None),
    }
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
    drawn = [(record, each) for record in records for each in _pictures(record, pictures)]
    page = _template().render(
        system=(start or records[-1]).evidence.system if records else "",
        started=start,
        start=details(start, SessionStartDetails),
        run_id=latest.mlflow.run_id if latest else "",
        time=moment.strftime("%Y-%m-%d %H:%M UTC"),
        models=model_views(sessions, model_digests, moment),
        datasets=DatasetRow.of(records),
        signers=Signer.of(records),
        sessions=sessions,
        records=[r for r in records if r.evidence.kind != "session"],
        problems=list(told_once(p for s in sessions for p in s.problems)),
        looked_at=looked_at(records),
        most_looked_at=MOST_LOOKED_AT,
        drawn=drawn,
        pictured=[record for record, _ in drawn],
    )
    return page.encode()


def looked_at(records: Sequence[SealedRecord]) -> list[tuple[SealedRecord, Claim]]:
    """Return the claims that a reader looks at first: failed ones, warned ones, and those that could not be judged."""
    order = {"failed": 0, "not enough data": 1, "not evaluated": 2, "warned": 3}
    found = [(order[word], r, c) for r in records for c in r.evidence.claims if (word := verdict_word(c)) in order]
    return [(record, claim) for _, record, claim in sorted(found, key=lambda each: each[0])]


def told(found: ConditionStatus) -> str:
    """Return what a condition's verdict rests on, or who owes what is missing."""
    if found.verdict.outcome in ("missing", "not due", "stale", "not evaluated"):
        return f"owed by {found.condition.owed_by}"
    return "a person's word" if found.verdict.basis == "person" else "recorded by the software"


def shown_claims(record: SealedRecord, most: int = MOST_CLAIMS) -> list[Claim]:
    """Return the claims by importance: failed ones, those with limits, then the others."""

    def weight(claim: Claim) -> tuple[int, int]:
        return (0 if claim.passed is False else 1 if claim.limit is not None else 2, len(claim.slice))

    return sorted(record.evidence.claims, key=weight)[:most]


def claim_slice(claim: Claim) -> str:
    """Return a description of the rows that a claim is about."""
    parts = [f"{k}: all groups" if v == "*" else f"{k} = {v}" for k, v in claim.slice.items()]
    return f"{', '.join(parts) or 'all rows'} {against_text(claim)}".rstrip()


def _pictures(record: SealedRecord, pictures: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return a record's pictures as data URIs: inside <img>, a picture can run no script."""
    return [
        {
            "uri": "data:image/svg+xml;base64," + base64.b64encode(pictures[a.path]).decode(),
            "alt": CAPTIONS.get(record.evidence.kind, record.evidence.kind)
            + ": the values stand in the table of its record",
            "caption": CAPTIONS.get(record.evidence.kind, record.evidence.kind),
        }
        for a in record.evidence.artifacts
        if a.path in pictures and a.path.endswith(".svg")
    ]


def related(status: ControlStatus) -> tuple[str, list[tuple[str, str]]] | None:
    """Return the crosswalk's row about a control: what the row is of, and what other frameworks have there."""
    row = crosswalk_for(status.control.id)
    if row is None:
        return None
    of = "this control" if row.element == status.control.id else f"all of {row.element} {row.title}, not this one alone"
    return of, [(title, value) for key, title in FRAMEWORKS.items() if (value := getattr(row, key)) is not None]
