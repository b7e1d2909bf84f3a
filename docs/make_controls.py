"""Writes docs/controls.md from the catalog; a test holds them together.

python docs/make_controls.py > docs/controls.md
"""

from aims_mlflow.catalog.loader import clauses, controls, crosswalk


def page() -> str:
    """Return the page in Markdown."""
    out = [
        "# Controls and what answers them",
        "",
        "Ids and short titles are those of ISO/IEC 42001:2023; all else is in our own words, from public sources.",
        "A control with several kinds needs all of them; a kind that supports never suffices alone. *Met* means that",
        "the conditions on the evidence hold; conformity is the auditor's judgement. Made by `docs/make_controls.py`.",
        "",
    ]
    for title, entries in (("Annex A", controls()), ("Clauses", clauses())):
        out += [f"## {title}", ""]
        for control in entries.values():
            kinds = ", ".join(f"`{u.kind}`" + (" (supports)" if u.need == "supports" else "") for u in control.evidence)
            stale = f"; also stale when: {control.stale_when}" if control.stale_when else ""
            out += [
                f"### {control.id} {control.title}",
                control.explanation,
                f"- An auditor asks: {control.auditor_asks}",
                f"- Answered by: {control.answered_by}",
                f"- Evidence: {kinds}",
                f"- When: {control.when}; by: {control.by}; met: {control.met}{stale}",
                "",
            ]
    rows = crosswalk()
    out += [
        "## Related requirements elsewhere",
        "",
        f"Source: {rows.source}.",
        'Rows mean "related"; they are not verified, and nothing follows from them for conformity.',
        "",
        "| element | NIST AI RMF 1.0 | EU AI Act | ISO/IEC 27001:2022 | SOC 2 | NIST CSF 2.0 | HITRUST v11 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.rows:
        cells = (row.nist_ai_rmf, row.eu_ai_act, row.iso_27001, row.soc_2, row.nist_csf, row.hitrust)
        out.append(f"| {row.element} {row.title} | " + " | ".join(c or "" for c in cells) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    print(page(), end="")
