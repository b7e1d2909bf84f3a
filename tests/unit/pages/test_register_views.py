"""What the overview and the registers say of refusals, waivers and states: what the leaves say, and no more."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.documents.page_blocks import PageTable
from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus
from aims_mlflow.pages.views.controls import waivers_table
from aims_mlflow.pages.views.states import catalogue
from aims_mlflow.pages.views.timeline import decided_cell
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Unmet, WaivedBy
from support.ledger_with_decisions import NAME, SYSTEM, UNFAIR, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import DocumentOffice

UNTIL = utc_text(datetime.now(UTC) + timedelta(days=20))


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """The unfair version 2 comes into use on waivers of its own, beside those of its registration."""
    made = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    DocumentOffice(made).publish("impact-assessment", name="impact-assessment-of-income")
    unfair = made.train(UNFAIR, "0.31")
    made.consent("approval", "deployment", UNFAIR, "champion", signer=made.second_approver("rosa"))
    refused = made.ask("deployment", unfair, UNFAIR, "2", "champion")
    for control in sorted({unmet.control for unmet in refused.unmet}):
        made.consent("waiver", "deployment", UNFAIR, "champion", control=control, expires=UNTIL)
    assert made.ask("deployment", unfair, UNFAIR, "2", "champion", losing=["1"]).allowed
    return made


@pytest.fixture(scope="module")
def site(registry, tmp_path_factory):
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {"system": SYSTEM, "model": NAME, "version": "2"}
    return made


def decisions(registry, **said):
    """The numbers of the decision leaves that say this."""
    leaves = registry.ledger.leaves(types=("decision",))
    return [x.sequence for x in leaves if all(getattr(x.fact, name) == value for name, value in said.items())]


@pytest.mark.parametrize(
    ("allowed", "would_refuse", "said"),
    [(0, 1, "refused"), (1, 1, "let pass, would be refused (observed)"), (1, 0, "allowed")],
)
def test_a_decision_is_worded_by_what_became_of_the_change(allowed, would_refuse, said):
    assert decided_cell({"allowed": allowed, "would_refuse": would_refuse, "waivers": 0}).text == said


def test_what_was_refused_is_listed_as_refused_and_never_as_observed(registry, site):
    title = "Decisions, newest first"
    refused = site.rows("decisions", title, {"result": "refused"})
    assert {row["Decision"]["text"] for row in refused} == {"refused"}
    assert len(refused) == len(decisions(registry, allowed=False)) > 1
    assert site.rows("decisions", title, {"result": "would be refused"}) == []
    events = {row["By whom, or with which result"]["text"] for row in site.rows("version", "Timeline")
              if row["What"].endswith("asked")}  # fmt: skip
    assert events == {"refused", "allowed on a waiver"}


def test_a_waiver_names_the_decisions_that_rest_on_it_and_no_other(registry, site):
    used = {}
    for leaf in registry.ledger.leaves(types=("decision",)):
        for waiver in leaf.fact.waivers if leaf.fact.allowed else ():
            used.setdefault(waiver, []).append(leaf.sequence)
    by_leaf = {x.sequence: used.get(x.fact.request) for x in registry.ledger.leaves(types=("waiver",))}
    assert len({tuple(numbers) for numbers in by_leaf.values()}) == 2, "two decisions, each on its own waivers"
    shown = {row["Sealed"]["text"]: row["Used by"]["text"] for row in site.rows("waivers", "Waivers")}
    assert shown == {f"leaf {leaf}": f"decision {numbers[0]}" for leaf, numbers in by_leaf.items()}


def test_an_approval_leads_to_the_leaf_that_sealed_it(registry, site):
    (deployed,) = decisions(registry, allowed=True, stage="deployment", version="1")
    facts = next(b for b in site.json("decision", leaf=str(deployed))["blocks"] if b["title"] == "Decision")["facts"]
    (approval,) = (x.sequence for x in registry.ledger.leaves(types=("approval",)) if x.sequence < deployed)
    assert facts["Approved by"] == [{"text": f"olga, leaf {approval}", "href": f"leaves/{approval}"}]


def test_each_failure_that_a_waiver_covers_has_its_row():
    unmet = [
        Unmet(control="A.6.2.4", kind="fairness", text=f"race={group} is 0.6", next="x", condition="limit", waivable=True)
        for group in ("Black", "Other")
    ]  # fmt: skip
    waived = tuple(WaivedBy(unmet=u, waiver="w", owner="olga", reason="pilot", expires=UNTIL) for u in unmet)
    known = catalogue()["A.6.2.4"]
    status = ControlStatus(known, "failed and waived", "", (ConditionStatus(known.conditions[0], None, waived),))
    (table,) = waivers_table(status)
    assert isinstance(table, PageTable)
    assert [row[-1] for row in table.rows] == ["race=Black is 0.6", "race=Other is 0.6"]


def test_what_is_missing_of_a_version_in_use_needs_attention(site):
    rows = site.rows("overview", "Needs attention")
    states = [row["State"]["state"] for row in rows]
    assert states.index("missing") > states.index("failed"), "what failed comes first"
    (lacking,) = (row for row in rows if row["State"]["state"] == "missing")
    controls = lacking["Control or clause"].split(", ")
    sql = "SELECT group_concat(control) FROM status WHERE state = 'missing' AND version = '2'"
    assert set(controls) == set(site.first(sql).split(","))
    annex = sum(c.startswith("A.") for c in controls)
    assert 0 < annex < len(controls)
    assert f"{annex} controls and {len(controls) - annex} clauses" in lacking["Why"]


def test_a_waiver_that_a_version_in_use_rests_on_needs_attention_whatever_else_is_missing(registry, site):
    """A control of which something is missing too is `missing`: its state alone hid the waiver."""
    waivers = [x for x in registry.ledger.leaves(types=("waiver",)) if x.fact.expires == UNTIL]
    every = site.rows("overview", "Needs attention")
    rows = [r for r in every if f"waived until and including {UNTIL[:10]}" in r["State"]["text"]]
    assert sorted(c for r in rows for c in r["Control or clause"].split(", ")) == sorted(
        x.fact.control for x in waivers
    )
    for row in rows:
        assert row["About"]["text"] == f"{NAME} version 2, in use as champion"
        (control,) = row["Control or clause"].split(", ")
        sql = f"SELECT state FROM status WHERE version = '2' AND control = '{control}'"
        assert row["State"]["state"] == site.first(sql), "a state has one name on every page"
    assert every.index(rows[0]) < [r["State"]["state"] for r in every].index("missing")


def test_what_is_not_covered_is_counted_in_controls_and_in_clauses(site):
    facts = next(b for b in site.json("overview")["blocks"] if b["title"] == "Not covered here")["facts"]
    missing = site.first("SELECT count(*) FROM status WHERE state = 'not assessed here' AND control NOT LIKE 'A.%'")
    assert missing > 0
    assert f"{27 - missing} of 27 are assessed here" in facts["Clauses"][0]
    assert "have evidence here" not in facts["Controls"][0]["text"]


def test_a_state_has_one_name_on_every_page(site):
    strip = site.rows("system", f"{NAME} version 2, in use as champion")
    matrix = site.rows("controls", "Matrix")
    marked = {r["Control or clause"]["text"]: r[f"{NAME} 2 (champion)"]["text"] for r in matrix}
    for row in strip:
        assert row["State"]["text"].startswith(marked[row["Control or clause"]["text"]])


def test_a_waiver_ends_in_one_row_with_the_states_that_end_with_it(registry, site):
    day = UNTIL[:10]
    waivers = [x for x in registry.ledger.leaves(types=("waiver",)) if x.fact.expires == UNTIL]
    for rows in (site.rows("overview", "Ending within 31 days"), site.rows("due", "Within 31 days")):
        ending = [row for row in rows if day in row.get("Last day", row.get("Day"))]
        assert len(ending) == len(waivers)
        for row in ending:
            text = row["What"]["text"] if isinstance(row["What"], dict) else row["What"]
            assert "with it the state of A.6.2.4, A.6.2.5 of version 2" in text
    assert "(1 controls)" not in site.html("overview")


def test_a_condition_leads_to_the_document_or_the_decision_that_it_rests_on(registry, site):
    query = {"model": NAME, "version": "2"}
    rows = site.rows("control", "Conditions", query, control="A.5.3")
    named = {row["Evidence"]["text"]: row["Evidence"]["href"] for row in rows if isinstance(row["Evidence"], dict)}
    assert named["impact-assessment impact-assessment-of-income"] == "documents/impact-assessment-of-income"
    assert any("impact-assessment impact-assessment-of-income" in row["What was found"] for row in rows)
    deployed = decisions(registry, allowed=True, stage="deployment", version="2")[-1]
    rows = site.rows("control", "Conditions", query, control="A.6.2.5")
    assert f"decisions/{deployed}" in {r["Evidence"]["href"] for r in rows if isinstance(r["Evidence"], dict)}
    assert "no record" not in str(rows)


def test_a_control_of_an_absent_version_is_not_found(site):
    answered = site.answer("control", {"model": NAME, "version": "99"}, control="A.6.2.4")
    assert answered.status == 404
    assert "knows no version 99" in answered.body.decode()


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        (
            "decisions",
            {"result": "refusd"},
            "'refusd' is no value of Decision and is left out: it is one of all, refused",
        ),
        ("controls", {"state": "met!"}, "'met!' is no value of With the state"),
        ("due", {"within": "abc"}, "'abc' is no number that Days takes"),
        ("due", {"days": "90"}, "this page has no filter 'days'"),
        ("waivers", {"model": NAME}, "this page has no filter 'model'"),
        ("ledger", {"from": "abc"}, "'abc' is no number of rows for 'from'"),
        ("ledger", {"from": "-5"}, "'-5' is no number of rows for 'from'"),
        ("decisions", {"rows": "1e3"}, "'1e3' is no number of rows for 'rows'"),
        ("decisions", {"from": "9" * 20}, "is no number of rows for 'from'"),
        ("decisions", {"from": "0"}, "'0' is no number of rows for 'from'"),
    ],
)
def test_what_a_page_does_not_understand_is_told_and_left_out(site, page, query, said):
    asked, plain = site.json(page, query), site.json(page)
    assert said in str(asked["lead"])
    assert [b.get("rows") for b in asked["blocks"]] == [b.get("rows") for b in plain["blocks"]]
    for good in ({"result": "refused"}, {"from": "2", "rows": "3"}) if page == "decisions" else ({"print": "1"},):
        assert "left out" not in str(site.json(page, good)["lead"])


def test_pages_of_findings_say_that_only_sealed_ones_are_theirs(site):
    for page, title in (("findings", "Findings"), ("system", "Open findings and incidents")):
        (table,) = (b for b in site.json(page)["blocks"] if b["title"] == title)
        assert "once somebody seals it" in table["note"]
        assert "There is none." not in site.html(page) or page == "system"
    kinds = site.rows("findings", "Kinds, with what opens and what closes each")
    opened = {row["Kind"]: row["Opens when"] for row in kinds}
    assert opened["written-documents"].startswith("`aims document findings --seal` finds: ")
    assert not opened["changed-bytes"].startswith("`aims")


def test_a_document_is_signed_and_not_passed(site):
    title = "Records in the ledger, newest first"
    for kind in ("impact-assessment", "document-approval"):
        assert [r["Result"]["text"] for r in site.rows("records", title, {"kind": kind})] == ["signed"]
    assert "passed" in {r["Result"]["text"] for r in site.rows("records", title, {"kind": "performance"})}


def test_a_number_without_a_limit_is_missed_by_nothing(site):
    record = site.first("SELECT id FROM record WHERE kind = 'performance' AND claims > 1 ORDER BY leaf LIMIT 1")
    shown = [site.json("claim", record=record, number=str(number))["blocks"] for number in range(2)]
    limits = [next(b["facts"] for b in blocks if b["title"] == "Its limit") for blocks in shown]
    assert {"none"} < {facts["Limit"][0] for facts in limits}
    for facts in limits:
        assert ("If it is missed" in facts) == (facts["Limit"] != ["none"])
