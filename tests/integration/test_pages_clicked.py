"""The ten questions of an auditor, answered by clicking through the pages in a real browser; and axe-core on each page."""

import pytest

from support import page_server, signed_sessions
from support.browser import CHROMIUM
from support.ledger_with_decisions import NAME, SYSTEM, decided_ledger
from support.page_server import PageServer, Reader, axe_source, browser_of
from support.page_site import PAGES, PageSite, variables
from support.sealed_documents import ENTRY, publish_all

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    publish_all(made).publish("system", fields={**ENTRY, "models": []}, system="letters", name="letters")
    return made


@pytest.fixture(scope="module")
def site(registry, tmp_path_factory):
    made = PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")
    made.args = {
        "system": SYSTEM, "control": "A.6.2.4", "model": NAME, "version": "1", "number": "1", "document": "soa",
        "leaf": str(made.first("SELECT sequence FROM decision WHERE alias = 'champion'")),
        "record": made.first("SELECT id FROM record WHERE kind = 'performance' ORDER BY leaf LIMIT 1"),
        "digest": made.first("SELECT policy FROM decision LIMIT 1"),
    }  # fmt: skip
    return made


@pytest.fixture(scope="module")
def server(site):
    made = PageServer(site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def chrome():
    with playwright.sync_playwright() as started:
        browser = browser_of(started)
        yield browser
        browser.close()


@pytest.fixture
def reader(chrome, server):
    context = chrome.new_context(viewport={"width": 1200, "height": 900})
    yield Reader(context.new_page(), server.url)
    context.close()


def test_the_data_behind_a_fairness_claim(reader):
    reader.click("Models").click(NAME).click("version 1")
    reader.within("Behaviour: what was measured, against its limits", "selection-rate ratio", place=1)
    reader.sees("0.91", "3,210", "95% 0.28 to 0.34", "Limits fixed before training", "fits the envelope")
    reader.sees("test, 9,769 rows", signed_sessions.TEST)


def test_who_approved_what_served_on_a_day(reader, site):
    day = site.first("SELECT since FROM tenure")[:10]
    reader.click("Served").fill("Day (UTC)", day).click("Show", "button")
    reader.sees(f"In use at any moment of {day}", "income version 1", "champion", "olga")


def test_which_systems_lack_an_assessment(reader):
    reader.click("Systems")
    lacking = (
        "2 of 2 systems lack an impact assessment that counts: none is published for 1; a control of A.5 is not met"
    )
    reader.sees("Impact assessment", SYSTEM, "approved, decision go", lacking)
    reader.click(f"{lacking} for 1.")
    reader.sees("letters", "none is published here", "missing", "2 in all")


def test_proof_that_a_record_was_not_changed(reader, site):
    record = site.args["record"]
    reader.click("Models").click(NAME).click("version 1")
    reader.within("Records that count for it", f"performance {record[:13]}…")
    reader.sees("fits the envelope", "below checkpoint", "Check it without us")


def test_a_random_sample_each_item_with_its_tests(reader):
    reader.click("Sample").fill("Population", "all decisions").fill("How many leaves (all of today if unchanged)", "8")
    reader.fill("Size", "2").click("Draw", "button")
    reader.sees("Drawn", "Evidence whole", "Approver is not trainer", "Result", "2 in all")


def test_a_sample_of_today_is_one_more_click(reader):
    reader.click("Sample").fill("Population", "registrations").click("Draw", "button")
    reader.sees("Not drawn yet")
    reader.click(reader.page.get_by_role("link", name="Draw now over the first").inner_text())
    reader.sees("Drawn", "3 in all", "How to test an item", "the decision: Evidence that counted")


def test_by_keyboard_alone(reader):
    """The first tab leads to the content; a page is opened and something folded shown without a mouse."""
    page = reader.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Go to the content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Records":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/records")
    page.locator("table a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/records/*")
    folded = page.locator("details").first
    assert folded.get_attribute("open") is None
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    assert folded.get_attribute("open") is not None


def test_what_changed_between_two_versions(reader):
    reader.click("Models").click(NAME).click("version 2")
    reader.sees("What changed since version 1", "model digest")


def test_what_ends_within_a_month(reader):
    reader.click("Due")
    reader.sees("Within 31 days", "waiver ends", "Overdue by the published documents", "review of log-plan")


def test_which_waivers_are_open_and_why(reader):
    reader.click("Waivers")
    reader.sees("in force", "looked at it", "until and including", "olga")


def test_where_the_data_came_from_and_with_which_rights(reader):
    reader.click("Models").click(NAME).click("version 1")
    reader.sees("Lineage", "Data, and where it comes from", "Rights to the data")
    assert reader.page.get_by_role("img").first.get_attribute("aria-label").startswith("origin not proved")


def test_the_card_beside_the_behaviour(reader):
    reader.click("Models").click(NAME).click("version 1").page.get_by_text("Show", exact=True).first.click()
    reader.sees("Behaviour: what was measured", "Model card", "balanced accuracy")


def test_how_a_state_came_about_and_what_the_statement_of_applicability_says(reader):
    reader.click("Controls").within("Matrix", "failed").click("the states after each of its leaves")
    reader.sees("History of the state", "failed")
    reader.click("Applicability")
    reader.sees("What changed since soa 1", "A.2.2", "excluded")


def address_of(site, name):
    address = PAGES[name].address
    for each in variables(PAGES[name]):
        address = address.replace(f"<path:{each}>", site.args[each]).replace(f"<{each}>", site.args[each])
    return address


@pytest.mark.parametrize(
    ("scheme", "width"),
    [("light", 1200), pytest.param("dark", 1200, marks=pytest.mark.full),
     pytest.param("light", 390, marks=pytest.mark.full), pytest.param("dark", 390, marks=pytest.mark.full)],
)  # fmt: skip
def test_axe_finds_nothing_serious_on_any_page(chrome, server, site, tmp_path_factory, scheme, width):
    asked = {name: server.url + address_of(site, name) for name in sorted(PAGES)}
    asked["a sample"] = f"{server.url}sample?population=registrations&leaves=8"
    asked["a history"] = f"{server.url}models/{NAME}/1?history=all"
    assert violations(chrome, asked, tmp_path_factory, scheme, width) == {}


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.full)])
def test_axe_finds_nothing_serious_in_a_bundle_on_a_disk(chrome, registry, tmp_path_factory, scheme):
    folder = tmp_path_factory.mktemp("bundle")
    for name, content in registry.bundle().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    shown = [f"pages/{name}" for name in ("search", "sample", "models_income_1", "controls", "documents_soa")]
    asked = {name: (folder / f"{name}.html").as_uri() for name in ("index", "verify", *shown)}
    assert violations(chrome, asked, tmp_path_factory, scheme, 1200) == {}


def violations(chrome, asked, tmp_path_factory, scheme, width):
    """What axe calls serious or critical on some pages: {page and rule: the first elements}."""
    source = axe_source(tmp_path_factory.getbasetemp())
    context = chrome.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page, found = context.new_page(), {}
    for name, address in asked.items():
        page.goto(address)
        page.evaluate(source)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bad = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
        found |= {f"{name}: {v['id']}": [n["html"][:200] for n in v["nodes"][:2]] for v in bad}
    context.close()
    return found


def test_no_page_scrolls_sideways_on_a_narrow_screen(chrome, server, site):
    context = chrome.new_context(viewport={"width": 360, "height": 780})
    page, wide = context.new_page(), {}
    for name in sorted(PAGES):
        page.goto(server.url + address_of(site, name))
        width = page.evaluate("document.documentElement.scrollWidth")
        wide |= {name: width} if width > 360 else {}
    context.close()
    assert wide == {}


A4 = {False: 703, True: 1032}  # pixels between the margins of a sheet, upright and, for wide tables, across
ON_PAPER = """() => {
  const all = (what) => [...document.querySelectorAll(what)], wrong = [];
  const cut = all("html, .scroll, .drawing, pre").filter((e) => e.scrollWidth > e.clientWidth + 1);
  cut.forEach((e) => wrong.push("cut: " + e.tagName + " " + e.scrollWidth + " of " + e.clientWidth));
  all("nav, form, details:not(.fold) > summary").filter((e) => e.getClientRects().length)
    .forEach((e) => wrong.push("of no use on paper: " + e.outerHTML.slice(0, 80)));
  all("h2, h3").filter((e) => e.checkVisibility() && !e.nextElementSibling).forEach((e) => wrong.push("alone: " + e.innerText));
  all("details > :last-child").filter((e) => !e.getBoundingClientRect().height).forEach(() => wrong.push("folded"));
  if (getComputedStyle(document.body).backgroundColor !== "rgb(255, 255, 255)") wrong.push("dark");
  all("tr").slice(0, 1).filter((e) => getComputedStyle(e).breakInside !== "avoid").forEach(() => wrong.push("broken row"));
  all("section").filter((e) => getComputedStyle(e).breakInside !== "auto").forEach(() => wrong.push("empty sheet"));
  return wrong;
}"""


@pytest.mark.parametrize("query", ["", "print=1"])
def test_each_page_is_whole_on_paper_and_says_where_it_is_from(chrome, server, site, query):
    context = chrome.new_context(color_scheme="dark")
    page, wrong = context.new_page(), {}
    page.emulate_media(media="print")
    for name in sorted(PAGES):
        address = address_of(site, name)
        page.goto(f"{server.url}{address}?{query}")
        across = page.evaluate("document.querySelector('thead th:nth-child(8)') !== null")
        page.set_viewport_size({"width": A4[across], "height": 900})
        told = page.evaluate(ON_PAPER)
        said = page.locator("header .paper").inner_text()
        told += [said] if not (f"{server.url}{address}" in said and "root of the checkpoint" in said) else []
        wrong |= {name: told} if told else {}
    context.close()
    assert wrong == {}


def test_no_page_asks_another_server_or_runs_a_script(chrome, server, site):
    context = chrome.new_context()
    page, asked, errors = context.new_page(), set(), []
    page.on("request", lambda request: asked.add(request.url.split("/aims/")[0]))
    page.on("console", lambda message: errors.append(message.text))
    for name in sorted(PAGES):
        page.goto(server.url + address_of(site, name))
    context.close()
    assert asked == {server.url.removesuffix(page_server.ROOT)}
    assert errors == []
