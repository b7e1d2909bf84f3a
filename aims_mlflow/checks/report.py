"""A check's claims as one self-contained HTML page: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from aims_mlflow.checks.claims import short
from aims_mlflow.records.evidence import Claim

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;margin:1.5rem auto;max-width:64rem;padding:0 1rem;
color:#1f2328;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}svg{display:block;margin:1rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid #d8dee4;vertical-align:top}
td.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.bad{color:#c4320a;font-weight:600}.open{color:#7d4e00;font-weight:600}.soft{color:#57606a}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}
.bad{color:#ff8f6b}.open{color:#e3b341}.soft{color:#9198a1}}
"""
_HEAD = "<tr><th>Metric</th><th>For</th><th>Value</th><th>95% interval</th><th>n</th><th>Limit</th><th>Result</th><th>Note</th></tr>"


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
            body = "".join(_row(c) for c in rows)
            parts.append(f'<h2>{heading}</h2><div class="scroll"><table>{_HEAD}{body}</table></div>')
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    ).encode()


def _row(found: Claim) -> str:
    group = ", ".join(f"{column}={value}" for column, value in found.slice.items()) or "all rows"
    interval = f"{short(found.interval.low)} to {short(found.interval.high)}" if found.interval else ""
    limit = f"{found.comparator} {found.limit}" if found.limit is not None else ""
    style, word = result_word(found)
    numbers = "".join(
        f'<td class="number">{escape(text)}</td>'
        for text in (short(found.value), interval, "" if found.n is None else f"{found.n:,}", limit)
    )
    return (
        f"<tr><td>{escape(found.metric)}</td><td>{escape(group)}</td>{numbers}"
        f'<td class="{style}">{word}</td><td class="soft">{escape(found.note or "")}</td></tr>'
    )


def result_word(found: Claim) -> tuple[str, str]:
    """Return (style, word) for a claim: passed, failed, warned, not evaluated, or nothing to say."""
    if found.passed is True:
        return "", "passed"
    if found.passed is False:
        return ("open", "warned") if found.severity == "warning" else ("bad", "failed")
    return ("open", "not evaluated") if found.limit is not None else ("", "")
