"""One number: a claim with everything that it rests on, and how to compute it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.index_boxes import claim_slice
from aims_mlflow.documents.page_blocks import (
    Facts,
    PageCell,
    PageTable,
    PageView,
    TextBlock,
    code_cell,
    missing,
    state_cell,
    to,
)
from aims_mlflow.evidence.small_counts import WITHHELD
from aims_mlflow.gates.wording import one_line, quoted
from aims_mlflow.pages.views.claim_counts import counts_table, data_rows
from aims_mlflow.pages.views.common import leaf_cell, record_cell, system_cell, time_text, version_cell
from aims_mlflow.pages.views.records import find, readable, signature
from aims_mlflow.records.wording import (
    bound_text,
    count_text,
    describe,
    interval_name,
    metric_text,
    origin_text,
    range_text,
    slice_text,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.evidence import Claim

MISSED = {"blocking": "training stops", "failing": "the check fails", "warning": "the check warns"}
MOST_OTHERS, LARGEST = 20, 200_000  # other records that are read, and the bytes of the largest of them


def claim(source: PageSource, args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return the page of one number."""
    record_id, number = args["record"], args["number"]
    address = to("claims", record_id, number)
    row, found = find(source, record_id)
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else -1
    if row is None or found is None or not 0 <= place < len(found.evidence.claims):
        return missing(f"Claim {number} of record {record_id}", address, "The ledger has no such claim.")
    shown = found.evidence.claims[place]
    rows = slice_text(shown.slice)
    title = f"{metric_text(shown.metric)}{f' for {rows}' if rows else ''}"
    lead = (
        describe(shown),
        state_cell(verdict_word(shown)) if verdict_word(shown) else "It has no limit, and so no verdict.",
    )
    blocks = (
        _number(shown),
        _limit(shown),
        _rests_on(source, row, found, shown),
        counts_table(found, shown),
        _others(source, row, shown),
        _again(found),
    )
    crumbs = (("Records", "records"), (f"{row['kind']} {record_id[:13]}…", to("records", record_id)))
    return PageView(title, address, lead, blocks, crumbs)


def _number(shown: Claim) -> Facts:
    interval = shown.interval
    method = "no interval was computed" if interval is None else f"{range_text(shown)}, by {interval.method}"
    if interval is not None and interval.is_range:
        method += f"; a {interval_name(interval)}, whose coverage nothing shows"
    counted = ", ".join(f"{k}={v}" for k, v in (shown.n_of or shown.slice).items()) or "all rows"
    return Facts(
        "The number",
        [
            (
                "Value",
                value_text(shown) if shown.value is not None else f"undefined: {shown.note or 'no reason given'}",
            ),
            ("Value as recorded", code_cell(shown.value)),
            ("Interval", method),
            (
                "Interval as recorded",
                code_cell(f"{interval.low} to {interval.high}, level {interval.level}") if interval else "",
            ),
            ("Rows", claim_slice(shown)),
            ("Role of the data", shown.role),
            (
                "n, the rows that decide",
                f"{count_text(shown.n)} ({counted})" if shown.n is not None else "not recorded",
            ),
            *([("Note", note)] if (note := shown.note or (WITHHELD if shown.value is None else "")) else []),
        ],
    )


def _limit(shown: Claim) -> Facts:
    origin, word = shown.limit_origin, verdict_word(shown)
    verdict = ("Verdict", state_cell(word) if word else PageCell("none: it has no limit"))
    if shown.limit is None:
        return Facts("Its limit", [("Limit", "none"), verdict])
    return Facts(
        "Its limit",
        [
            ("Limit", bound_text(shown)),
            ("If it is missed", MISSED[shown.severity]),
            ("Why there", origin.why if origin else "not said"),
            ("Set by", origin_text(shown) or "nobody is named"),
            verdict,
        ],
    )


def _rests_on(source: PageSource, row: Any, found: SealedRecord, shown: Claim) -> Facts:
    body = found.evidence
    owner, check = signature(source, found)
    subjects = [code_cell(f"{s.name}: {k} {v}") for s in found.subjects[:10] for k, v in s.digest.items()]
    models = source.rows(
        "SELECT v.model, v.version FROM version v WHERE v.digest = :d AND {scope} ORDER BY v.sequence LIMIT 20",
        d=row["digest"],
    )
    return Facts(
        "What it rests on",
        [
            ("Record", record_cell(body.kind, body.id)),
            *data_rows(source, row, shown, models[0] if models else None),
            ("Subjects", subjects),
            (
                "Versions with these bytes",
                [version_cell(m["model"], m["version"]) for m in models] or "none that is registered",
            ),
            ("System", system_cell(body.system)),
            ("Limits fixed before training (pack)", code_cell(body.pack_digest)),
            ("Signed", f"{time_text(body.time)} by the signer's clock, key of {owner}"),
            ("Signature, checked now", check),
            ("First sealed in", leaf_cell(row["leaf"]) if source.scope.whole or models else ""),
        ],
    )


def _others(source: PageSource, row: Any, shown: Claim) -> PageTable:
    """Return the same claim in the newest other records of the same kind and system."""
    sql = (
        "SELECT r.* FROM record r WHERE r.kind = :kind AND r.system "
        f"IS :system AND r.sha256 <> :sha AND {readable(source)} "
        "AND r.size < :largest ORDER BY r.time DESC LIMIT :most"
    )
    out = []
    others = source.rows(
        sql, kind=row["kind"], system=row["system"], sha=row["sha256"], largest=LARGEST, most=MOST_OTHERS
    )
    records = source.records_of({other["sha256"]: other["leaf"] for other in others})
    for other in others:
        found = records.get(other["sha256"])
        for number, each in enumerate(found.evidence.claims if found else ()):
            if (each.metric, each.slice, each.role) == (shown.metric, shown.slice, shown.role):
                model = source.row(
                    "SELECT model, version FROM version WHERE digest = :d AND {scope} LIMIT 1", d=other["digest"]
                )
                where = version_cell(model["model"], model["version"]) if model else PageCell("no registered version")
                value = value_text(each) if each.value is not None else (each.note or "undefined")
                out.append(
                    (
                        where,
                        PageCell(value, to("claims", other["id"], number)),
                        range_text(each),
                        count_text(each.n),
                        state_cell(verdict_word(each)) if verdict_word(each) else "",
                        time_text(other["time"]),
                    )
                )
    note = (
        f"Looked at are the {MOST_OTHERS} newest other records of this "
        f"kind and system, of {LARGEST:,} bytes at most each."
    )
    return PageTable(
        "The same number in other records",
        ("Version", "Value", "Interval", "n", "Verdict", "Signed at"),
        out,
        note,
        "None of them has this claim.",
    )


def _again(found: SealedRecord) -> TextBlock:
    body = found.evidence
    run, model = f"runs:/{body.mlflow.run_id or 'RUN'}", f"models:/{body.mlflow.model_id or 'm-ID'}"
    data = [f"#   {one_line(f'{s.name}: {k} {v}')}" for s in found.subjects for k, v in s.digest.items()]
    text = "\n".join(
        [
            "# 1. The signed text of the number, from the ledger:",
            f"aims evidence show {quoted(run)} {body.id}",
            "# 2. The check again, on the data set with the digest that the record names:",
            *data,
            f"aims check run FILE --model {quoted(model)}",
            "# 3. By hand: the counts above, and the formula of the metric in docs/evidence-format.md.",
        ]
    )
    return TextBlock("Compute it again", text)
