"""Writes docs/controls.md from the catalog; a test holds them together.

python docs/make_controls.py > docs/controls.md
"""

from aims_mlflow.catalog.loader import clauses, controls, crosswalk
from aims_mlflow.records.control import Condition

STATES = """
| state | it means |
|---|---|
| met | every condition holds |
| met with warnings | every condition holds, and each warning is named |
| failed | a measured value, or a fact, speaks against a condition |
| failed and waived | a waiver covers what failed, through its last day; the reason names what is stale or missing too |
| not evaluated | a condition could not be judged; the reason says what would settle it |
| missing | something is not there, and the page names who owes it |
| stale | it was met; the page names what made it old |
| unverifiable | the evidence does not verify |
| not sealed yet | the evidence is not in the ledger yet |
| not due | no gated alias is set; with one, what is not there yet is missing, and the reason names its day |
| not applicable | it is excluded, with the approved reason |
| captured | the evidence is here, and no policy that could judge it |
| not assessed here | it is judged for the organisation, and nothing of its kinds is kept here |

What people write counts once another person than its author has approved exactly this publication, with a key that
has the role; the author's own words about an approval count for nothing. Owners are compared under normalisation, so
that one person cannot be two by spelling. A file that `aims.attach` adds is stated by hand and meets no condition.
""".strip().splitlines()


def due(condition: Condition) -> str:
    """Return from which stage a condition is due, where that is later than its control."""
    return f"; due from {condition.due} on" if condition.due else ""


def page() -> str:
    """Return the page in Markdown."""
    out = [
        "# Controls and what answers them",
        "",
        "Ids and short titles are those of ISO/IEC 42001:2023; all else is in our own words, from public sources.",
        "A control with several kinds needs all of them; a kind that supports never suffices alone. *Met* means that",
        "the conditions on the evidence hold; conformity is the auditor's judgement. Made by `docs/make_controls.py`.",
        "",
        "Each condition is a function in `aims_mlflow/gates/control_conditions/`; the worst verdict decides the state.",
        "",
        *STATES,
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
                *(f"    - `{c.id}`: {c.holds} (owed by {c.owed_by}{due(c)})" for c in control.conditions),
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
