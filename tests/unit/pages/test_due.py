"""The page of what is due: a calendar month as well as the next days, and who owes each of it."""

from datetime import UTC, datetime, timedelta

import pytest

from support.good_documents import FIELDS
from support.ledger_with_decisions import NAME, SYSTEM, decided_ledger
from support.page_site import PageSite
from support.sealed_documents import ENTRY, DocumentOffice

TODAY = datetime.now(UTC).date()
THIS_MONTH = TODAY.replace(day=1)
NEXT_MONTH = (THIS_MONTH + timedelta(days=31)).replace(day=1)
LAST_DAY = (NEXT_MONTH + timedelta(days=31)).replace(day=1) - timedelta(days=1)
TITLE = f"In {NEXT_MONTH:%B %Y}"
MEASURES = [
    {"impact": "I1", "measure": "a first day", "owner": "olga", "due": str(NEXT_MONTH)},
    {"impact": "I2", "measure": "a last day", "due": str(LAST_DAY)},
    {"impact": "I3", "measure": "a day later", "due": str(LAST_DAY + timedelta(days=1))},
    {"impact": "I4", "measure": "a day before", "due": str(NEXT_MONTH - timedelta(days=1))},
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    office = DocumentOffice(registry)
    office.publish("system", fields=ENTRY)
    office.publish("impact-assessment", fields={**FIELDS["impact-assessment"], "measures": MEASURES})
    office.publish("monitoring-plan", fields={**FIELDS["monitoring-plan"], "every_days": 20, "who_acts": None})
    told = [{"audience": "clerks", "within": "72 hours"}, {"audience": "customers", "within": "5 working days"}]
    office.publish("incident-communication-plan", fields={"audiences": told})
    days = {"aware_on": str(TODAY), "detected_on": str(TODAY), "serious": "no"}
    office.publish("incident", fields=days)
    office.publish(
        "use-process",
        fields={
            "process": "by score",
            "oversight": "olga reads the list of overruled cases every two months, and reports.",
        },
    )
    return PageSite.of(registry.ledger, tmp_path_factory.mktemp("index") / "pages.db")


def test_a_month_has_its_first_and_its_last_day_and_no_other(site):
    shown = site.rows("due", TITLE, {"month": f"{NEXT_MONTH:%Y-%m}"})
    assert {r["What"] for r in shown if "measure" in r["What"]} == {
        "measure against impact I1: a first day", "measure against impact I2: a last day",
    }  # fmt: skip
    assert {r["Day"] for r in shown} <= {str(NEXT_MONTH + timedelta(days=n)) for n in range(31)}


def test_months_are_counted_and_lead_to_their_page(site):
    months = {row["Month"]["text"]: row for row in site.rows("due", "By month")}
    mine = months[f"{NEXT_MONTH:%B %Y}"]
    assert mine["Month"]["href"] == f"due?month={NEXT_MONTH:%Y-%m}"
    assert mine["Due from today on"] == len(site.rows("due", TITLE, {"month": f"{NEXT_MONTH:%Y-%m}"}))
    assert site.rows("due", "By month", {"month": f"{NEXT_MONTH:%Y-%m}"}) == list(months.values()), "no endless chain"


def test_the_page_leads_to_the_next_month(site):
    (lead,) = site.json("due")["lead"]
    assert lead == {"text": f"Due next month, in {NEXT_MONTH:%B %Y}", "href": f"due?month={NEXT_MONTH:%Y-%m}"}


def test_somebody_owes_each_of_it(site):
    site.json("version", model=NAME, version="1")  # whose states are judged by that
    rows = site.rows("due", "Within 365 days", {"within": "365"})
    assert {r["Who"] for r in rows if r["What"].startswith("monitor run of")} == {"olga"}
    assert all(row["Who"] for row in rows), [row for row in rows if not row["Who"]]
    (measure,) = (r for r in rows if r["What"].startswith("measure against impact I1:"))
    assert (measure["Control"]["text"][:3], measure["Sealed"]["text"][:4]) == ("A.5", "leaf")


def test_a_promise_in_words_has_the_day_that_follows_from_it_and_from_what_it_was_counted(site):
    rows = site.rows("due", "Within 31 days")
    (told,) = (r for r in rows if r["What"].startswith("notice of incident incident to clerks"))
    assert (told["Day"], told["What"]) == (
        str(TODAY + timedelta(days=3)),
        "notice of incident incident to clerks: “72 hours”",
    )
    assert told["Counted from"] == f"{TODAY} (aware_on of incident), 72 hours after"
    (read,) = [r for r in site.rows("due", "Within 365 days", {"within": "365"}) if r["What"].startswith("“olga")][:1]
    assert read["Counted from"] == f"{TODAY} (the day of publication), every 2 months"
    (run,) = [r for r in rows if r["What"].startswith("monitor run of")][:1]
    assert run["Counted from"] == f"{TODAY} (the day of publication), every 20 days"


def test_a_promise_without_a_day_is_quoted_and_names_the_field_that_would_give_one(site):
    (row,) = site.rows("due", "Promised in words, without a day")
    assert row["What"] == "notice of an incident to customers: “5 working days”"
    assert row["Day"] == "no date can be computed: working days depend on holidays, which no field has"
    assert row["Field that would give one"].startswith("the field, with one length of time")
    tables = [block["title"] for block in site.json("due")["blocks"] if block["kind"] == "table"]
    header, line = site.csv("due", {"table": str(tables.index("Promised in words, without a day"))})
    assert (header[:3], line[:3]) == (["What", "Day", "Field that would give one"], list(row.values())[:3])


def test_a_month_that_is_none_is_told_and_left_out(site):
    page = site.json("due", {"month": "2026-13"})
    assert "'2026-13' is no value of Or a month" in str(page["lead"])
    assert page["blocks"][0]["title"] == "Within 31 days"
    assert site.json("due", {"month": "2199-01"})["blocks"][0]["rows"] == []
    assert SYSTEM in site.html("due", {"month": "1999-01"})
