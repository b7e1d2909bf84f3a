"""Numbers that would tell how few people a cell of a group has: they stand beside a record, and not in it.

A rate with its number of rows tells a count, and so does a rate of one group with those of the others and of all rows.
So where any cell of a grouping (the groups of one column, or of several crossed) is under 20, all numbers of that
grouping are left out of what is signed. The signature covers a salted commitment to them. They stand in the same line
of the session file, beside the envelope, and in the erasable body of a decision that rests on the record. Without them
the record still says what was measured, of whom, by which limit, and with which verdict.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aims_mlflow.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.checks import FairnessDetails, PerformanceDetails
from aims_mlflow.records.evidence import Claim, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[str | None, frozenset[str]]

LEAST = 20
KINDS = ("fairness", "performance", "representativeness", "preparation")
# Metrics that are a share of the rows that `n` counts.
SHARES = frozenset(
    {
        "accuracy", "precision", "recall", "selection_rate", "true_positive_rate", "false_positive_rate",
        "false_negative_rate", "favourable_label_rate", "label_share", "missing_rate", "group_share",
        "majority_class_accuracy", "share_of_rows_lost",
    }
)  # fmt: skip
WITHHELD = f"withheld: it would tell a count under {LEAST}; it stands beside the record, from where it can be erased"
REASON = f"the reason has numbers that would tell counts under {LEAST}; it stands beside the record"
NUMBERS = ("value", "n", "interval", "note")
BEFORE = b'{"beside":'
MAX_BYTES = 8 * 1024 * 1024


def withhold(body: Evidence) -> tuple[Evidence, bytes | None]:
    """Return the body as it is signed, and what stands beside it; None where there is nothing to withhold."""
    if body.kind not in KINDS:
        return body, None
    tables = _tables(body)
    small = _small(body, tables)
    claims = {i: claim for i, claim in enumerate(body.claims) if _key(claim) in small and _has_numbers(claim)}
    details, hidden = _without_counts(body, tables)
    if not claims and not hidden:
        return body, None
    beside = {
        "claims": {
            str(i): c.model_dump(mode="json", include=set(NUMBERS), exclude_none=True) for i, c in claims.items()
        },
        "tables": hidden,
        "reason": body.reason if claims else None,
        "salt": secrets.token_hex(32),
    }
    text = canonical(beside)
    gone = {**dict.fromkeys(NUMBERS), "note": WITHHELD}
    public = tuple(c.model_copy(update=gone) if i in claims else c for i, c in enumerate(body.claims))
    update = {"claims": public, "details": details, "withheld": sha256_hex(text)}
    update |= {"reason": REASON} if claims and body.reason else {}
    return body.model_copy(update=update), text


def restore(body: Evidence, beside: bytes, where: str) -> Evidence:
    """Return the body with the numbers that stand beside it.

    Raises:
        EvidenceError: they are not those that the record commits to.
    """
    if body.withheld is None or len(beside) > MAX_BYTES or sha256_hex(beside) != body.withheld:
        raise EvidenceError("the numbers beside the record are not those that it commits to", where=where)
    kept, claims = parse_json(beside, where), list(body.claims)
    try:
        for text, numbers in kept["claims"].items():
            known = claims[int(text)].model_dump(mode="json", exclude_none=True, exclude={"note"})
            claims[int(text)] = Claim.model_validate({**known, **{name: numbers.get(name) for name in NUMBERS}})
        update = {"claims": tuple(claims), "details": {**body.details, **kept["tables"]}}
        reason = {"reason": kept["reason"]} if kept["reason"] is not None else {}
        return Evidence.model_validate(body.model_copy(update=update | reason).model_dump(mode="json"))
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError):
        raise EvidenceError("the numbers beside the record are not of this format", where=where) from None


def split_line(line: bytes) -> tuple[bytes, bytes | None]:
    """Return a line of a session file as (envelope, what stands beside it or None); any other line as it is."""
    if not line.startswith(BEFORE) or len(line) > 2 * MAX_BYTES:
        return line, None
    try:
        parsed = parse_json(line, "line")
        beside = canonical(parsed.pop("beside"))
        envelope = canonical(parsed)
    except EvidenceError:
        return line, None
    return (envelope, beside) if join_line(envelope, beside) == line else (line, None)


def join_line(envelope: bytes, beside: bytes | None) -> bytes:
    """Return the line of a session file: the envelope's JSON, with the key `beside` where there is something."""
    return envelope if beside is None else BEFORE + beside + b"," + envelope[1:]


def beside_line(envelope: bytes, text: str | None) -> bytes:
    """Return the line of a session file from its parts as a decision's body keeps them."""
    return join_line(envelope, None if text is None else text.encode())


def _tables(body: Evidence) -> list[dict[str, Any]]:
    """Return the tables of counts of a fairness record."""
    return read_details(body, FairnessDetails).tables or [] if body.kind == "fairness" else []


def _small(body: Evidence, tables: list[dict[str, Any]]) -> set[Key]:
    """Return the groupings that have a cell under `LEAST`."""
    small = {_key(c) for c in body.claims if _is_small(c)}
    for table in tables:
        if table.get("small"):
            small |= {(None, frozenset(group["slice"])) for group in table.get("predicted_by_group", ())}
    return small


def _key(claim: Claim) -> Key:
    """Return what tells groupings apart: the column or label that is measured, and the columns that are grouped by."""
    about = claim.slice.get("column") or claim.slice.get("label")
    return about, frozenset(claim.slice.keys() - {"column", "label"})


def _is_small(claim: Claim) -> bool:
    if not _key(claim)[1] and "label" not in claim.slice:  # all rows together
        return False
    if claim.n is not None and claim.n < LEAST:
        return True
    if claim.metric not in SHARES or claim.value is None or claim.n is None:
        return False
    hits = round(float(claim.value) * claim.n)
    return min(hits, claim.n - hits) < LEAST


def _has_numbers(claim: Claim) -> bool:
    return claim.value is not None or claim.n is not None


def _without_counts(body: Evidence, tables: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (details without tables of counts that have a small cell, those entries as they were)."""
    if any(_table_is_small(table) for table in tables):
        bare = [_without_cells(table) if _table_is_small(table) else table for table in tables]
        return {**body.details, "tables": bare}, {"tables": tables}
    counts = read_details(body, PerformanceDetails).counts if body.kind == "performance" else None
    if counts and any(cell < LEAST for cell in _cells(counts)):
        return {key: value for key, value in body.details.items() if key != "counts"}, {"counts": counts}
    return body.details, {}


def _table_is_small(table: dict[str, Any]) -> bool:
    groups = [g for name in ("groups", "predicted_by_group") for g in table.get(name, ())]
    cells = [c for g in groups for c in _cells(g.get("counts", ()))]
    cells += [c for g in groups if {"n", "right"} <= g.keys() for c in (g["right"], g["n"] - g["right"])]
    return bool(table.get("small")) or any(cell < LEAST for cell in cells)


def _without_cells(table: dict[str, Any]) -> dict[str, Any]:
    names = ("groups", "predicted_by_group")
    cut = {name: [{"slice": group.get("slice", {})} for group in table[name]] for name in names if name in table}
    return {**table, **cut, "withheld": WITHHELD}


def _cells(counts: Any) -> Iterable[int]:
    for entry in counts:
        if isinstance(entry, list | tuple):
            yield from _cells(entry)
        elif isinstance(entry, int):
            yield entry
