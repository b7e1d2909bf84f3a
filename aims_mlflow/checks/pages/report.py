"""A check's claims as one self-contained HTML page: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import NOT_ENOUGH
from aims_mlflow.records.wording import range_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.evidence import Claim

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;margin:1.5rem auto;
max-width:64rem;padding:0 1rem;color:#1f2328;background:#fff}
h1{font-size:1.4rem}h2,summary{font-size:1.1rem;margin-top:2rem}summary{font-weight:600;cursor:pointer}
svg{display:block;margin:1rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid #d8dee4;vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
@media (max-width:40rem){thead{display:none}tr{display:block;border-bottom:1px solid #d8dee4;padding:.4rem 0}
td,td.number{display:block;border:0;padding:.1rem 0;text-align:left;overflow-wrap:anywhere;white-space:normal}
td:empty{display:none}td::before{content:attr(data-label) ": ";color:#57606a}}
.bad{color:#c4320a;font-weight:600}.open{color:#7d4e00;font-weight:600}.soft{color:#57606a}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}
th,td,tr{border-color:#30363d}td::before{color:#9198a1}
.bad{color:#ff8f6b}.open{color:#e3b341}.soft{color:#9198a1}}
"""
_COLUMNS = {  # heading -> class of its cells
    "Metric": "",
    "For": "",
    "Value": "number",
    "95% interval": "number",
    "n": "number",
    "Limit": "number",
    "Result": "",
    "Note": "soft",
}


def claims_page(title: str, claims: Iterable[Claim], picture: bytes | None = None, notes: Iterable[str] = ()) -> bytes:
    """Return a page with the picture, the claims held against a limit, then those only measured."""
    claims = list(claims)
    judged = [c for c in claims if c.passed is not None or c.limit is not None]
    judged.sort(key=lambda c: (c.passed is True, c.passed is None, c.severity == "warning"))
    measured = [c for c in claims if c.passed is None and c.limit is None]
    parts = [f"<h1>{escape(title)}</h1>", *(f"<p>{escape(note)}</p>" for note in notes)]
    parts.append(picture.decode() if picture else "")
    for heading, rows in (("Held against a limit", judged), ("Measured", measured)):
        if rows:
            parts.append(f"<h2>{heading}</h2>{_table(rows)}")
    return page(title, "".join(parts))


def page(title: str, body: str) -> bytes:
    """Return a page that stands alone; `body` is HTML whose texts are escaped already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    ).encode()


def _table(claims: list[Claim]) -> str:
    """Return a table of the claims without the columns that would be empty."""
    rows = [_texts(c) for c in claims]
    shown = [name for name in _COLUMNS if any(row[name] for row in rows)]
    head = "".join(f'<th class="{_COLUMNS[name]}">{name}</th>' for name in shown)
    body = ""
    for found, row in zip(claims, rows, strict=True):
        classes = {**_COLUMNS, "Result": result_word(found)[0]}
        cells = (f'<td class="{classes[name]}" data-label="{name}">{escape(row[name])}</td>' for name in shown)
        body += f"<tr>{''.join(cells)}</tr>"
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _texts(found: Claim) -> dict[str, str]:
    return {
        "Metric": found.metric,
        "For": _group(found),
        "Value": value_text(found),
        "95% interval": range_text(found),
        "n": "" if found.n is None else f"{found.n:,}",
        "Limit": "" if found.limit is None else f"{found.comparator} {found.limit}",
        "Result": result_word(found)[1],
        "Note": found.note or "",
    }


def _group(found: Claim) -> str:
    if set(found.slice) == {"column"}:
        return found.slice["column"]
    if set(found.slice.values()) == {"*"}:
        return f"{', '.join(found.slice)}: all groups"
    return ", ".join(f"{column}={value}" for column, value in found.slice.items()) or "all rows"


def result_word(found: Claim) -> tuple[str, str]:
    """Return (style, word) for a claim: passed, failed, warned, not evaluated, or nothing to say."""
    if found.passed is True:
        return "", "passed"
    if found.passed is False:
        return ("open", "warned") if found.severity == "warning" else ("bad", "failed")
    if found.limit is None:
        return "", ""
    return "open", "not evaluated" if found.value is None else NOT_ENOUGH
