"""Overview: what is wrong or ending, the systems by stage, and what is not covered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls, controls_for_kind, kinds
from aims_mlflow.documents.page_blocks import MET_MEANS, Facts, PageCell, PageTable, PageView, state_cell, to
from aims_mlflow.gates.kind_verdict import warnings_of
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.views.common import NOT_READ, UNASSIGNED, UNREAD, day_text, model_text, version_cell
from aims_mlflow.pages.views.endings import ending_table
from aims_mlflow.pages.views.risks import MARKS, OPEN, RISK_MEANS, standings
from aims_mlflow.pages.views.states import NOT_JUDGED, catalogue, control_cell, live_versions, states_among, summary_of
from aims_mlflow.pages.views.suppliers import supplied
from aims_mlflow.pages.views.systems import BY_REGISTER, STAGES, listed_systems
from aims_mlflow.pages.views.taken_back import TAKEN_BACK
from aims_mlflow.pages.views.waivers import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.pages.views.systems import ListedSystem

MOST, MOST_NAMES = 20, 5
LOUD = ("unverifiable", "failed", "failed and waived", "stale", "not evaluated", "missing")
WAIVED = "failed and waived"
MISSING = "missing"  # of these there are many: one row for each version
# Records about the bytes of versions in use that warn, without what a later record of the kind undid (`undone`).
WARNED = (
    "SELECT DISTINCT t.model, t.version, r.id, r.sha256, r.kind, r.leaf FROM tenure t JOIN version v ON "
    "v.model = t.model AND v.version = t.version JOIN record r ON r.digest = v.digest WHERE t.until IS NULL AND "
    "r.warned > 0 AND NOT EXISTS (SELECT 1 FROM record n WHERE n.supersedes = r.id AND "
    "n.kind = r.kind AND (n.time, n.id) > (r.time, r.id)) AND {scope} "
    "ORDER BY t.model, CAST(t.version AS INTEGER), r.time"
)
NOTHING_LOUD = (
    "No judged version in use has a control or clause that is failed, waived, stale, missing, unverifiable or not "
    "evaluated, none of its evidence warns, no finding is open in the ledger"
)
NO_RISK = ", and no published risk or supplier needs a person. What is not covered is below."


def overview(source: PageSource, _args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return the first page."""
    live = live_versions(source)
    judged = source.judged_among(live)
    blocks = (
        _attention(source, live, len(judged)),
        ending_table(source),
        _systems(source),
        _not_covered(source, live, len(judged)),
    )
    return PageView("Overview", "", (MET_MEANS,), blocks)


def _attention(source: PageSource, live: Sequence[Any], judged: int) -> PageTable:
    held = {(v["model"], v["version"]): v for v in live}
    first, lacking = summary_of(source, "loud", lambda: _loud_states(source))
    findings = "SELECT * FROM finding WHERE closed IS NULL AND {scope}"
    found = source.rows(f"{findings} ORDER BY opened DESC LIMIT :most", most=MOST)
    others = [*_waived(source, held, first), *_risks(source), *_suppliers(source)]
    warned = source.rows(WARNED.replace("{scope}", source.scope.clause("t.model")))
    rows: list[Sequence[Any]] = [*others, *(_needing(row, row["reason"], held) for row in first[:MOST])]
    rows += [_open_finding(each) for each in found]
    rows += _warnings(source, warned[: max(MOST - len(rows), 0)], held)
    rows += [_needing(row, _lacking(row["controls"]), held) for row in lacking[:MOST]]
    total = len(others) + len(first) + source.count(findings) + len(warned) + len(lacking)
    note = "" if total <= MOST else "The findings and controls pages list all."
    unjudged = f" {len(live) - judged:,} versions in use are {NOT_JUDGED}." if judged < len(live) else ""
    return PageTable(
        "Needs attention",
        ("State", "About", "Control or clause", "Why"),
        rows[:MOST],
        f"{note}{unjudged}{' ' + NOT_READ if source.unread else ''}".strip(),
        total=total,
        empty=NOTHING_LOUD + ("." if source.unread else NO_RISK),
    )


def _loud_states(source: PageSource) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the states of versions in use that need a person, the worst first; then those where something is missing.

    States that are equal in version, state and reason are one row with all their `controls`.
    """
    marks = ",".join(f"'{state}'" for state in LOUD)
    order = " ".join(f"WHEN '{state}' THEN {place}" for place, state in enumerate(LOUD))
    clause = source.scope.clause("s.model")
    states = source.rows(
        "SELECT s.model, s.version, s.state, CASE s.state WHEN 'missing' THEN '' ELSE s.reason END AS reason, "
        "min(s.next_time) AS next_time, group_concat(s.control, ' ') AS controls, "
        f"min(s.position) AS position FROM status s WHERE s.state IN ({marks}) AND {clause} AND EXISTS (SELECT 1 FROM "
        "tenure t WHERE t.model = s.model AND t.version = s.version AND t.until IS NULL) GROUP BY 1, 2, 3, 4 "
        f"ORDER BY CASE s.state {order} END, s.model, CAST(s.version AS INTEGER), position"
    )
    place = {control: number for number, control in enumerate(catalogue())}
    rows = [{**dict(row), "controls": sorted(row["controls"].split(), key=place.__getitem__)} for row in states]
    return [r for r in rows if r["state"] != MISSING], [r for r in rows if r["state"] == MISSING]


def _waived(source: PageSource, held: Mapping[tuple[str, str], Any], told: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the waivers on which versions in use were let in, but those that a state of `told` names.

    Where something of the same control is missing, its state is `missing`, and does not tell of the waiver.
    """
    found = source.rows(
        "SELECT DISTINCT c.sequence, c.model, t.version, c.control, c.expires, c.key_id FROM consent c "
        "JOIN waiver_use u ON u.waiver = c.record JOIN decision d ON d.sequence = u.sequence "
        "JOIN tenure t ON t.model = d.model AND t.version = d.version AND t.request = d.request AND t.until IS NULL "
        f"WHERE c.type = 'waiver' AND c.expires > :now AND NOT EXISTS ({TAKEN_BACK}) "
        f"AND {source.scope.clause('c.model')} ORDER BY c.expires, c.sequence",
        now=source.moment,
    )
    known = {(r["model"], r["version"], each) for r in told if r["state"] == WAIVED for each in r["controls"]}
    states = states_among(source, found)
    return [
        (
            _waived_cell(row, states.get((row["model"], row["version"], row["control"]))),
            _in_use(row, held),
            row["control"] or "everything (break-glass)",
            f"{source.owner(row['key_id']) or 'signer unknown'}: {reason_of(source, row['sequence'])}",
        )
        for row in found
        if (row["model"], row["version"], row["control"]) not in known
    ]


def _waived_cell(row: Any, status: Any) -> PageCell:
    """Return the state that the waived control has on every page, and until when the waiver is."""
    text = f"waived until and including {last_day(row['expires'])}"
    state = status["state"] if status is not None else WAIVED
    return state_cell(state, to("leaves", row["sequence"]), text if state == WAIVED else f"{state}, {text}")


def _open_finding(row: Any) -> Sequence[Any]:
    about = version_cell(row["model"], row["version"])
    text = f"{row['type']}: {row['about'].replace('-', ' ')}, open since {day_text(row['time'])}"
    return state_cell("open", to("leaves", row["opened"])), about, row["control"] or "", text


def _warnings(source: PageSource, found: Sequence[Any], held: Mapping[tuple[str, str], Any]) -> list[Sequence[Any]]:
    """Return each record about a version in use with a value beyond a limit that only warns."""
    records = source.records_of({row["sha256"]: row["leaf"] for row in found})
    rows: list[Sequence[Any]] = []
    for row in found:
        record = records.get(row["sha256"])
        told = warnings_of([record]) if record is not None else ()
        more = f"; and {len(told) - 1} more" if len(told) > 1 else ""
        why = f"{told[0]}{more}" if told else f"{row['kind']}: the record cannot be read"
        needing = controls_for_kind(row["kind"]) if row["kind"] in kinds() else ()
        control = next((name for name, need in needing if need == "required"), "")
        rows.append((state_cell("warned", to("records", row["id"])), _in_use(row, held), control, why))
    return rows


def _needing(row: Mapping[str, Any], why: str, held: Mapping[tuple[str, str], Any]) -> tuple[Any, ...]:
    """Return states of one version in use as a row that links to the first of its controls."""
    link = to("controls", row["controls"][0], model=row["model"], version=row["version"])
    return control_cell(row, link), _in_use(row, held), ", ".join(row["controls"]), why


def _in_use(row: Any, held: Mapping[tuple[str, str], Any]) -> PageCell:
    model, version = row["model"], row["version"]
    at = f"{model_text(model)} version {version}, in use as {held[model, version]['places']}"
    return PageCell(at, to("models", model, version))


def _lacking(ids: Sequence[str]) -> str:
    annex = sum(each.startswith("A.") for each in ids)
    return (
        f"of {annex} controls and {len(ids) - annex} clauses something is missing; the version's page says what of each"
    )


def _risks(source: PageSource) -> list[Sequence[Any]]:
    """Return how many risks of the published registers need a person, a row for each standing."""
    found = Counter(state for state, _, _ in standings(source))
    return [
        (
            state_cell(MARKS[state], to("risks", state=state), state),
            PageCell(f"{found[state]:,} of {found.total():,} risks", to("risks", state=state)),
            "6.1.3",
            RISK_MEANS[state],
        )
        for state in OPEN
        if found[state]
    ]


def _suppliers(source: PageSource) -> list[Sequence[Any]]:
    """Return how many components of suppliers lack an own test of the version in use; no row where none does."""
    found = supplied(source)
    lacking: dict[str, list[str]] = {"no own test": [], "tested in another version": []}
    for _, part, tests in found:
        if not tests:
            lacking["no own test"].append(part.component)
        elif tests[-1].version != part.version:
            lacking["tested in another version"].append(part.component)
    count = sum(map(len, lacking.values()))
    if not count:
        return []
    link = to("suppliers")
    return [
        (
            state_cell("open", link, "no own evaluation"),
            PageCell(f"{count:,} of {len(found):,} components of suppliers", link),
            "A.10.3",
            "; ".join(f"{why}: {_named(names)}" for why, names in lacking.items() if names),
        )
    ]


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _systems(source: PageSource) -> Facts:
    """Return how many systems are in which stage, and how many the register alone names."""
    found = listed_systems(source)
    with_models = [s for s in found if s.row]
    rows = [(stage, _stage_cell(stage, [s for s in with_models if s.stage == stage])) for stage in STAGES]
    others = [s for s in found if not s.row]
    stages = Counter(s.stage.removesuffix(f", {BY_REGISTER}") for s in others)
    told = f" ({', '.join(f'{stage} {count:,}' for stage, count in sorted(stages.items()))})" if stages else ""
    alone = PageCell(UNREAD, mark="!", tone="warn") if source.unread else _stage_cell(BY_REGISTER, others, told)
    every = PageCell(f"{len(found):,}, of which {len(with_models):,} with registered models", to("systems"))
    return Facts("Systems by stage", [*rows, ("in the register alone", alone), ("all", every)])


def _stage_cell(stage: str, found: Sequence[ListedSystem], told: str = "") -> PageCell:
    return PageCell(f"{len(found):,}{told}", to("systems", stage=stage) if found else "")


def _documents(source: PageSource) -> list[tuple[str, Any]]:
    """Return what is published of documents, and which of those that every audit asks for are not."""
    if source.unread:
        return [("Documents", PageCell(UNREAD, to("documents"), mark="!", tone="warn"))]
    found = source.documents
    there, late = found.remembered(
        "kinds and late ones",
        lambda: ({d.kind for d in found.in_force}, sum(d.state == "overdue" for d in found.in_force)),
    )
    asked = {
        "soa": "statement of applicability", "risk-register": "risk register", "supplier-record": "supplier record",
        "competence-record": "competence record", "impact-assessment": "impact assessment",
    }  # fmt: skip
    lacking = ", ".join(name for kind, name in asked.items() if kind not in there)
    count = f"{len(found.in_force):,} published, {late:,} overdue for review"
    return [
        ("Documents", [PageCell(count, to("documents")), PageCell("statement of applicability", to("soa"))]),
        ("Not published here", lacking or "none of those that the pages show"),
    ]


def _assessed(total: int, nowhere: Sequence[str]) -> str:
    """Return how many controls or clauses have a state other than `not assessed here`; one that is missing has."""
    return (
        f"{total - len(nowhere)} of {total} are assessed here for at least one judged version; "
        f"{len(nowhere)} are not assessed here: {', '.join(nowhere) or 'none'}"
    )


def _not_covered(source: PageSource, live: Sequence[Any], judged: int) -> Facts:
    sql = "SELECT DISTINCT control FROM status WHERE state <> 'not assessed here' AND {scope}"
    seen = summary_of(source, "assessed", lambda: {row["control"] for row in source.rows(sql)})
    nowhere = [c for c in controls() if c not in seen]
    unassigned = source.count("SELECT DISTINCT model FROM version WHERE system IS NULL AND {scope}")
    clauses = [c for c in catalogue() if c not in controls()]
    unseen = [c for c in clauses if c not in seen]
    told = _assessed(len(clauses), unseen)
    rows: list[tuple[str, Any]] = [
        (
            "Controls",
            PageCell(_assessed(len(controls()), nowhere), to("controls")),
        ),
        (
            "Clauses",
            f"{len(clauses)} of clauses 4 to 10 of ISO/IEC 42001 have kinds of evidence: {told}; no other is assessed",
        ),
        ("Models in no system", PageCell(f"{unassigned:,}", to("systems", UNASSIGNED) if unassigned else "")),
        (
            "Versions in use",
            f"{len(live):,}, of which {judged:,} are judged"
            + (f"; {len(live) - judged:,} {NOT_JUDGED}" if judged < len(live) else ""),
        ),
        ("Evidence outside the ledger", "not shown: evidence of runs that never met a gate, and was not ingested"),
        *_documents(source),
    ]
    if not source.scope.whole:
        rows.append(("Other models", "not shown: your login may not read all registered models"))
    return Facts("Not covered here", rows)
