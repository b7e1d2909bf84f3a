"""Each page of the site over a ledger with decisions: in three formats, with its states in words and its limits told."""

import html
import re
from urllib.parse import parse_qsl, unquote

import pytest

from aims_mlflow.documents.page_blocks import to
from aims_mlflow.ledger import checkpoint
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.serving import PageRequest, answer
from aims_mlflow.pages.site import SITE, split_format
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, UNFAIR, decided_ledger
from support.page_site import PAGES, PageSite, variables
from support.sealed_documents import publish_all


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    publish_all(made)
    return made


@pytest.fixture(scope="module")
def site(registry, tmp_path_factory):
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {
        "system": SYSTEM,
        "control": "A.6.2.4",
        "model": NAME,
        "version": "1",
        "leaf": str(made.first("SELECT sequence FROM decision WHERE alias = 'champion'")),
        "record": made.first("SELECT id FROM record WHERE kind = 'performance' ORDER BY leaf LIMIT 1"),
        "number": "1",
        "digest": made.first("SELECT policy FROM decision LIMIT 1"),
        "document": "soa",
    }
    return made


@pytest.mark.parametrize("name", sorted(PAGES))
def test_each_page_has_its_three_formats_with_cut_off_and_checkpoint(site, name):
    page = site.html(name)
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", page)
    assert "checkpoint" in page.lower()
    assert "?print=1" in page or "&amp;print=1" in page
    data = site.json(name)
    assert data["checkpoint"]["size"] == data["leaves"]
    assert data["shows_all_models"] is True
    rows = site.csv(name)
    assert rows[0][-2:] == ["as of", "checkpoint"]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_a_page_for_paper_has_its_address_and_no_form(site):
    page = site.html("controls", {"stage": "training", "print": "1"})
    assert re.search(r'class="soft paper">Page <code>/aims/controls\?stage=training', page)
    assert ">Filter</h2>" in site.html("controls")
    assert ">Filter</h2>" not in page


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_says_more_than_evidence_shows(site, name):
    text = re.sub(r"<pre.*?</pre>", "", site.html(name), flags=re.DOTALL).lower()
    assert not re.search(r"\b(certified|compliant|compliance|guarantee[sd]?)\b", text)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_has_script_style_or_a_foreign_address(site, name):
    page = site.html(name)
    assert not re.search(r"<script|\son\w+=|\sstyle=|<img|<iframe|javascript:", page)
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    assert addresses
    assert [a for a in addresses if not a.startswith(("/aims/", "#"))] == []


def test_each_link_leads_to_a_page_and_all_are_four_clicks_away_at_most(site):
    """Walk the site from the overview as a reader would."""
    seen, border = {""}, [""]
    reached = {"overview"}
    for _ in range(4):
        found = {each for address in border[:60] for each in links(ask(site, page_at(address), address))}
        border = sorted(found - seen)
        seen |= found
        reached |= {page_at(address).name for address in border}
    assert reached == set(PAGES)


def links(page):
    """The addresses of other pages that a page links to, without its print view and its twins."""
    found = (html.unescape(each) for each in re.findall(r'href="/aims/([^"#]*)"', page))
    return {f for f in found if "print=1" not in f and not f.partition("?")[0].endswith((".csv", ".json", ".css"))}


def pattern(page):
    return "^" + re.sub(r"<path:\w+>", "(.+)", re.sub(r"<\w+>", "([^/]+)", page.address)) + "$"


def page_at(address):
    """The page at an address; none is an error."""
    return next(page for page in SITE if re.match(pattern(page), address.partition("?")[0]))


def ask(site, page, address):
    path, _, query = address.partition("?")
    found = re.match(pattern(page), path)
    args = dict(zip(variables(page), map(unquote, found.groups()), strict=True))
    return site.html(page.name, dict(parse_qsl(query)), **args)


def test_the_overview_says_first_what_is_wrong_and_then_what_it_does_not_cover(site):
    titles = [block["title"] for block in site.json("overview")["blocks"]]
    assert titles == ["Needs attention", "Ending within 31 days", "Systems by stage", "Not covered here"]
    facts = site.json("overview")["blocks"][3]["facts"]
    assert re.match(
        r"\d+ of 38 are assessed here for at least one judged version; \d+ are not assessed here: A\.",
        facts["Controls"][0]["text"],
    )


def test_the_matrix_shows_all_controls_and_says_how_many_are_assessed(site):
    rows = site.rows("controls", "Matrix")
    assert sum(row["Control or clause"]["text"].startswith("A.") for row in rows) == 38
    assert "of 38 controls are assessed here" in site.html("controls")
    due = {row["Due from"] for row in rows}
    assert due == {"organisation", "training", "registration", "deployment", "operation"}
    assert {r["Due from"] for r in site.rows("controls", "Matrix", {"stage": "organisation"})} == {"organisation"}
    assert "not assessed here" in {row[f"{NAME} 1 (champion)"]["state"] for row in rows}


def test_a_state_is_a_symbol_and_a_word_never_a_colour_alone(site):
    page = site.html("control", {"model": NAME, "version": "1"})
    marked = re.findall(r'class="(?:good|bad|warn)"[^>]*>(.*?)</', page)
    assert marked
    assert all(re.search(r'class="mark"|[a-z]', each) for each in marked)


def test_one_number_has_value_limit_reason_signer_and_where_it_is_sealed(site):
    page = site.html("claim")
    for text in (
        "balanced accuracy",
        "0.791",
        "&gt;= 0.55",
        "Signature, checked now",
        "fits the envelope",
        "ana (trainer)",
        "leaf",
    ):
        assert text in page, text


def test_a_version_has_its_timeline_its_changes_and_its_card(site):
    events = [row["What"] for row in site.rows("version", "Timeline")]
    begun = ["trained", "registration asked", "approval", "deployment as champion asked", "serves as champion"]
    assert events == [*begun, "trained"], "the second training was ingested later"
    changed = {row["Field"] for row in site.rows("version", "What changed since version 1", version="2")}
    assert "model digest" in changed
    assert "Model card" in site.html("version")


def test_a_refused_decision_whose_texts_were_erased_says_so(site):
    leaf = str(site.first("SELECT sequence FROM decision WHERE NOT allowed"))
    page = site.html("decision", leaf=leaf)
    assert "its texts were erased" in page
    assert "✗" in page


def test_what_if_is_answered_by_the_gate_itself(site):
    query = {"without": "olga"}
    page = site.html("decision", query)
    assert "it would be refused" in page
    assert "an approval by another person than the trainer is missing" in page
    assert "it would be allowed" in site.html("decision", {"rules": "now"})
    late = site.html("decision", {"on": "2031-01-01"})
    assert "it would be refused" in late


def test_a_decision_says_which_documents_its_policy_did_not_ask_for(site):
    leaf = str(site.first("SELECT sequence FROM decision WHERE stage = 'deployment' AND allowed"))
    page = site.html("decision", leaf=leaf)
    assert "Documents that counted" in page
    assert "Not asked for by this policy" in page
    assert "impact-assessment, validation-report" in page


def test_a_condition_without_evidence_is_missing_and_has_not_failed(site):
    (row,) = site.rows("decision", "Conditions that would not hold", {"without": "olga"})
    assert (row["State"]["state"], row["Condition"]) == (
        "missing",
        "A.6.2.5: an approval by another person than the trainer is missing",
    )


def test_served_names_the_holder_of_a_day_with_its_approver(site):
    day = site.first("SELECT since FROM tenure")[:10]
    rows = site.rows("served", f"In use at any moment of {day} (UTC)", {"on": day})
    assert [(r["Version"]["text"], r["Held"], r["Approved by"], r["Comment"]) for r in rows] == [
        ("income version 1", "champion", "olga", "olga: looked at it")
    ]
    assert site.rows("served", "In use at any moment of 2020-02-29 (UTC)", {"on": "2020-02-29"}) == []
    assert "is no day of the form" in site.html("served", {"on": "2020-02-30"})


def test_a_waiver_ends_on_the_day_that_was_typed_and_shows_its_reason(site):
    rows = site.rows("waivers", "Waivers")
    assert {row["Reason"] for row in rows} == {"looked at it"}
    assert all(row["Ends"].startswith("until and including ") for row in rows)


def test_a_pasted_checkpoint_is_compared_with_the_ledger(site, registry):
    first = next(iter(registry.ledger.proofs.checkpoints()))[1]
    assert "the ledger continues it" in site.html("ledger", {"checkpoint": first})
    head = registry.ledger.proofs.newest()
    forged = checkpoint.sign(head.origin, 3, bytes(32), registry.log).text
    assert "the ledger does not continue it" in site.html("ledger", {"checkpoint": forged})
    foreign = checkpoint.sign(head.origin, 3, bytes(32), registry.trainer).text
    assert "it cannot be used" in site.html("ledger", {"checkpoint": foreign})
    assert "it cannot be used" in site.html("ledger", {"checkpoint": "hello"})


def test_verify_now_proves_leaves_and_bodies(site):
    rows = site.rows("ledger", "Verified now", {"verify": "200"})
    assert {row["In the tree"]["state"] for row in rows} == {"passed"}
    assert {row["Body"]["state"] for row in rows} == {"passed", "not applicable"}


def test_a_sample_is_drawn_by_a_checkpoint_after_its_population(site):
    query = {"population": "all decisions", "leaves": "8", "n": "2"}
    rows = site.rows("sample", "Drawn", query)
    assert len(rows) == 2
    assert rows == site.rows("sample", "Drawn", query)
    assert {"Note", "Result"} <= set(rows[0])
    now = site.json("sample", {"population": "all decisions"})
    assert [b["title"] for b in now["blocks"]] == ["Not drawn yet", "How it was drawn"]


def test_search_finds_names_ids_and_digests(site):
    found = {row["Page"]["href"] for row in site.rows("search", f"Found for {GOOD[:20]}", {"q": GOOD[:20]})}
    assert f"models/{NAME}/1" in found
    assert site.rows("search", f"Found for {UNFAIR[:8]} nothing", {"q": f"{UNFAIR[:8]} nothing"}) == []
    assert site.html("search", {"q": '"*() NEAR ^ -- \x00'})


def test_addresses_keep_slashes_of_workspaces_and_endings_of_names():
    assert to("models", "credit/loans", "1") == "models/credit/loans/1"
    assert to("systems", "loans.csv") == "systems/loans.csv.html"
    assert split_format("loans.csv.html") == ("loans.csv", "html")
    assert split_format("loans.json") == ("loans", "json")


def test_a_page_says_the_whole_address_that_it_was_asked_by(site):
    page = PAGES["waivers"]
    made = answer(site.shared, EVERYTHING, PageRequest(page, {}, {}, "html", "/aims/", "https://mlflow.example.org"))
    assert "Page <code>https://mlflow.example.org/aims/waivers</code>" in made.body.decode()
