"""Pages of what people published: documents, risks, suppliers, the statement of applicability, what was missed."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from aims_mlflow.pages.scope import EVERYTHING, Scope
from aims_mlflow.pages.source import PageSource
from support.good_documents import FIELDS
from support.ledger_with_decisions import NAME, SYSTEM, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import DocumentOffice, publish_all

READER = Scope(frozenset({NAME}))
NOBODY = Scope(frozenset({"other"}))
ROWS = {
    "documents": "Documents, those to be reviewed first",
    "risks": "Risks, those that need a person first",
    "suppliers": "Components of third parties",
}


def of(folder, publish):
    registry = decided_ledger(f"sqlite:///{folder}/ledger.db")
    publish(registry)
    made = PageSite.of(registry.ledger, folder / "pages.db")
    made.args = {"system": SYSTEM, "document": "soa", "control": "A.6.2.2"}
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return of(tmp_path_factory.mktemp("ledger"), publish_all)


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory):
    """What an auditor would find: a risk closed by nothing, another past its day, terms only, an untested version."""

    def publish(registry):
        office = DocumentOffice(registry)
        risk = FIELDS["risk-register"]["risks"][0]
        office.publish("risk-register", system=SYSTEM, fields={"risks": [
            {**risk, "id": "R1", "status": "closed", "closed_by": ["0" * 36]}, {**risk, "id": "R2", "due": "2026-01-31"},
            {**risk, "id": "R3", "status": "accepted"},
        ]})  # fmt: skip
        part = FIELDS["supplier-record"]["components"][0]
        office.publish("supplier-record", fields={"components": [
            {**part, "component": "a", "documents": [{"kind": "terms", "conclusions": ["agreed"]}]},
            {**part, "component": "model API", "version": "2026-09",
             "documents": [{**part["documents"][0], "expires": "2026-01-01"}]},
        ]})  # fmt: skip
        office.publish("supplier-evaluation")
        stated = office.publish("use-process")
        office.sign("document-withdrawal", stated)

    return of(tmp_path_factory.mktemp("doubtful"), publish)


def test_the_list_begins_with_what_is_to_be_reviewed(site):
    rows = site.rows("documents", ROWS["documents"])
    assert (rows[0]["State"]["state"], rows[0]["Approved by"]) == ("overdue", "nobody")
    unapproved = {r["Document"]["text"] for r in rows[1:] if r["Approved by"] != "olga"}
    assert unapproved == {"The soa", "The risk-method"}, "olga is not of top management"
    assert [r["Document"]["text"] for r in site.rows("documents", ROWS["documents"], {"kind": "soa"})] == ["The soa"]


def test_a_document_says_what_it_states_who_approved_it_and_what_a_control_still_needs(site):
    page = site.html("document")
    assert "version 2" in page
    assert "another person than its authors" in site.html("document", document="risk-register")
    assert len(site.rows("document", "Controls")) == 38
    lacking = site.rows("document", "Fields that are empty, and that a control needs", document="log-plan")
    assert lacking == []
    assert "superseded" in {r["State"]["state"] for r in site.rows("document", "Versions, newest first")}


def test_an_approval_in_a_role_that_does_not_count_is_not_called_one(tmp_path):
    def publish(registry):
        DocumentOffice(registry).publish("soa")  # olga's key may not approve what top management approves

    site = of(tmp_path, publish)
    assert [r["Approved by"] for r in site.rows("documents", ROWS["documents"])] == ["nobody"]
    (approval,) = site.rows("document", "Approvals of exactly this content")
    assert approval["Counts"] == {"state": "failed", "text": "does not count: the role 'top-management' is needed"}


def test_the_signed_header_decides_where_a_documents_fields_repeat_it(tmp_path):
    def publish(registry):
        rows = FIELDS["soa"]["controls"]
        DocumentOffice(registry).publish("soa", fields={"controls": rows, "title": "Another", "version": "9"})

    (found,) = PageSource(of(tmp_path, publish).shared, EVERYTHING, datetime.now(UTC)).documents.all
    written = found.written
    assert (written.title, written.version) == ("The soa", "1")


def test_a_document_that_was_withdrawn_is_listed_and_gives_nothing(doubtful):
    states = {r["Kind"]: r["State"]["state"] for r in doubtful.rows("documents", ROWS["documents"])}
    assert states["use-process"] == "withdrawn"
    assert "state" in doubtful.rows("document", "Versions, newest first", document="use-process")[0]["State"]


def test_a_risk_is_closed_by_records_that_are_here_and_passed_and_not_by_its_author(doubtful):
    states = {r["Risk"]: r["State"]["state"] for r in doubtful.rows("risks", ROWS["risks"])}
    said = {r["Risk"]: r["State"]["text"] for r in doubtful.rows("risks", ROWS["risks"])}
    assert said == {"R1": "closed without evidence", "R2": "overdue", "R3": "accepted by nobody"}
    assert states == {"R1": "not evaluated", "R2": "failed", "R3": "not evaluated"}


def test_a_risk_that_a_sealed_and_passed_record_closed_after_its_treatment_is_closed(tmp_path):
    def publish(registry):
        site = PageSite.of(registry.ledger, tmp_path / "first.db")
        passed = site.first("SELECT id FROM record WHERE kind = 'performance' AND result = 'passed' LIMIT 1")
        risk = {**FIELDS["risk-register"]["risks"][0], "status": "closed", "closed_by": [passed]}
        days = {"before": "2020-01-01", "without a day": None, "after": "2099-01-01"}
        found = [{**risk, "id": name, **({"treated_on": day} if day else {})} for name, day in days.items()]
        found.append({**risk, "id": "accepted", "treatment": "accept"})
        DocumentOffice(registry).publish("risk-register", system=SYSTEM, fields={"risks": found})

    rows = {r["Risk"]: r for r in of(tmp_path, publish).rows("risks", ROWS["risks"])}
    lacking = "closed without evidence"
    states = {"before": "closed", "without a day": lacking, "after": lacking, "accepted": "closed"}
    assert {name: row["State"]["text"] for name, row in rows.items()} == states
    assert rows["before"]["Closed by"]["href"].startswith("records/")


def test_a_supplier_is_not_relied_on_by_terms_expired_papers_or_another_versions_test(doubtful, site):
    found = {r["Component"]: r["Found"]["text"] for r in doubtful.rows("suppliers", ROWS["suppliers"])}
    assert found == {
        "a (kind not stated)": "terms only; no own test",
        "model API (kind not stated)": "evaluation expired on 2026-01-01; tested was 2026-01, in use is 2026-09",
    }
    assert site.rows("suppliers", ROWS["suppliers"])[0]["Found"]["text"] == "documents and own test"


def test_the_overview_counts_risks_and_suppliers_that_need_a_person_and_leads_to_them(doubtful, site):
    def counted(of, **more):
        rows = of.rows("overview", "Needs attention", **more)
        return {r["State"]["text"]: r for r in rows if r["Control or clause"] in ("6.1.3", "A.10.3")}

    found = counted(doubtful)
    state = found.pop("stale")  # of A.10.3 for the version in use, by the same facts
    assert "model API" in state["Why"]
    assert [(text, row["About"]["text"]) for text, row in found.items()] == [
        ("overdue", "1 of 3 risks"), ("closed without evidence", "1 of 3 risks"), ("accepted by nobody", "1 of 3 risks"),
        ("no own evaluation", "2 of 2 components of suppliers"),
    ]  # fmt: skip
    assert found["no own evaluation"]["Why"] == "no own test: a; tested in another version: model API"
    for row in found.values():
        name, _, query = row["About"]["href"].partition("?")
        listed = doubtful.rows(name, ROWS[name], dict(parse_qsl(query)))
        assert len(listed) == int(row["About"]["text"].split()[0])
    assert counted(doubtful, scope=NOBODY) == {}
    assert "no own evaluation" not in counted(site)


def test_the_statement_has_its_versions_differences_and_live_states_beside_each_decision(site):
    rows = site.rows("soa", "Controls of Annex A")
    assert len(rows) == 38
    out = next(r for r in rows if r["Control"]["text"].startswith("A.2.2 "))
    assert out["Decision"]["text"] == "excluded"
    assert out["Against it"]["text"] == f"{SYSTEM} is in scope"
    assert {r["Computed state"]["state"] for r in rows} >= {"missing", "met"}
    changed = site.rows("soa", "What changed since soa 1")
    assert [(r["Control"]["text"], r["Field"], r["Before"], r["Now"]) for r in changed] == [
        ("A.2.2", "decision", "applies", "excluded"), ("A.2.2", "reason", "risk R1", "no policy is needed")
    ]  # fmt: skip
    back = site.rows("soa", "What changed since soa 2", {"version": "soa 1", "before": "soa 2"})
    assert back[0]["Now"] == "applies"


def test_documents_count_for_the_states_of_versions_and_new_ones_change_them(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    site.args = {"system": SYSTEM, "model": NAME, "version": "1", "control": "A.6.2.2"}
    query = {"model": NAME, "version": "1"}

    def verdicts():
        return {r["What was found"] for r in site.rows("control", "Conditions", query)}

    assert not any("requirements by ana" in text for text in verdicts())
    site.rows("overview", "Needs attention")
    assert site.first("SELECT count(*) FROM judged") > 0
    DocumentOffice(registry).publish("requirements")
    site.shared.index.refresh(site.shared.view)
    assert site.first("SELECT count(*) FROM judged") == 0
    assert any("requirements by ana" in text for text in verdicts())


def test_the_system_page_has_its_register_entry_its_groups_and_its_assessment(site):
    page = site.html("system")
    for text in ("clerks order applications by the score", "women: sex=Female", "The impact-assessment: approved"):
        assert text in page, text


def test_due_lists_reviews_that_passed_and_monitor_runs_that_were_missed(site):
    late = site.rows("due", "Overdue by the published documents")
    assert [(r["Day"], r["What"]) for r in late] == [("2026-02-01", "review of log-plan")]


def test_runs_of_the_monitor_are_due_from_the_day_on_which_a_version_came_into_use(site):
    """Nothing that the plan watches was in use before, and a plan for another alias asks nothing of this one."""

    def shown():
        return site.rows("monitors", "Monitoring plans, and runs that were missed")[0]

    assert shown()["Missed"] == "none was due yet"
    with site.shared.index.writing() as to:
        before = to.execute("SELECT since, rowid FROM tenure").fetchall()
        to.execute("UPDATE tenure SET since = '2026-01-01T00:00:00Z' WHERE until IS NULL")
    try:
        plan = shown()
        over = int(plan["Were due"])
        assert over >= 5
        assert plan["Missed"] == {"text": f"{over} of {over}", "state": "failed"}
        assert plan["The last missed"].startswith("due on 2026-")
    finally:
        with site.shared.index.writing() as to:
            to.executemany("UPDATE tenure SET since = ? WHERE rowid = ?", [tuple(row) for row in before])


def test_what_many_documents_are_late_with_is_shown_in_parts(tmp_path):
    """Documents of one kind that were due on one day once made the page fail; all of them at once made it slow."""

    def publish(registry):
        office = DocumentOffice(registry)
        for name in ("plan-b", "plan-a", "plan-c"):
            office.publish("log-plan", name=name, approve=False, review_by="2026-02-01")

    site, title = of(tmp_path, publish), "Overdue by the published documents"
    assert [row["About"]["text"] for row in site.rows("due", title)] == ["plan-a", "plan-b", "plan-c"]
    assert [row["About"]["text"] for row in site.rows("due", title, {"rows": "2"})] == ["plan-a", "plan-b"]
    assert "rows 1 to 2 of 3" in site.html("due", {"rows": "2"})
    assert site.json("due", {"rows": "2"})["next"] == "due?from=3&rows=2"
    assert [row["About"]["text"] for row in site.rows("due", title, {"rows": "2", "from": "3"})] == ["plan-c"]


@pytest.mark.parametrize("name", ["documents", "document", "risks", "suppliers", "soa", "due", "monitors"])
def test_documents_are_for_readers_of_all_models_of_their_system(doubtful, site, name):
    """What is about the organisation is for those who may read everything."""
    secrets = ("The soa", "log-plan", "model API", "olga", "ana")
    body = site.answer(name, scope=NOBODY).body.decode()
    assert not [s for s in secrets if s in body]
    of_system = doubtful.answer(name, scope=READER, document="supplier-record").body.decode()
    assert ("risk-register" in of_system) == (name in ("documents", "risks", "due"))
    assert site.answer("soa", scope=READER).body.decode().count("The soa") == 0


def test_a_reader_of_one_of_two_models_of_a_system_reads_no_document_about_it(site):
    with site.shared.index.writing() as to:
        to.execute("INSERT INTO version SELECT 'income-two', version, digest, time, sequence, request, system, run_id, "
                   "basis, gone FROM version WHERE version = '1'")  # fmt: skip
    try:
        assert site.rows("documents", ROWS["documents"], scope=READER) == []
    finally:
        with site.shared.index.writing() as to:
            to.execute("DELETE FROM version WHERE model = 'income-two'")


def test_a_part_of_the_monitors_page_without_plans_says_how_many_there_are(site):
    assert len(site.rows("monitors", "Monitoring plans, and runs that were missed")) == 1
    assert site.rows("monitors", "Monitoring plans, and runs that were missed", {"from": "2"}) == []
    assert "None of the 1 monitoring plans is in this part." in site.html("monitors", {"from": "2"})


def test_the_organisation_is_judged_by_the_policy_of_its_gate(site):
    """The statement had "no policy of a gate is here" beside a version that the same gate let in."""
    (row,) = (r for r in site.rows("soa", "Controls of Annex A") if r["Control"]["text"].startswith("A.6.1.3"))
    assert "no policy of a gate" not in str(row)
    assert row["Computed state"]["state"] == "missing", "its process is not published"
