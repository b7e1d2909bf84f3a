"""The statement has 38 rows, whatever was written; what speaks against a row stands beside it, in every format."""

import csv
import io
import re

import pytest

from aims_mlflow.catalog.loader import controls
from aims_mlflow.errors import ConfigError
from aims_mlflow.gates.combined_status import ControlStatus
from aims_mlflow.management.applicability.coverage import FRAMEWORKS, framework_rows, outside_the_crosswalk
from aims_mlflow.management.applicability.formats import rendered
from aims_mlflow.management.applicability.statement import changes, computed_statement, newest_statement
from support import management_states as states
from support.management_states import good


def status(control, state):
    return ControlStatus(controls()[control], state, f"because of {state}")


def made(statuses=None, **changed):
    state = good(**changed)
    return computed_statement(newest_statement(state), state, statuses or {}, "2026-06-15T12:00:00")


def row(statement, control):
    return next(r for r in statement.rows if r.control == control)


def test_a_control_that_nobody_wrote_about_has_a_row():
    statement = made(soa=states.soa(without="A.9.3"))
    assert len(statement.rows) == 38
    assert row(statement, "A.9.3").decision == "no decision"
    assert statement.sentence() == (
        "38 controls: 37 apply, 0 excluded, 1 without decision; something speaks against 0 decisions"
    )


def test_what_the_register_and_risks_say_stands_beside_an_exclusion():
    statement = made(soa=states.soa("A.6.2.4", applies=False, reason="no time", basis=[]))
    assert row(statement, "A.6.2.4").against == (
        "income-screening has models that are trained or kept here",
        "it treats R1",
    )
    assert row(statement, "A.6.2.4").basis == ("R1",)


@pytest.mark.parametrize("worst", ["failed", "failed and waived", "missing"])
def test_the_worst_state_is_shown_with_how_many_have_it(worst):
    found = {"A.6.2.4": [("income 3", status("A.6.2.4", "met")), ("churn 1", status("A.6.2.4", worst))]}
    statement = made(found, soa=states.soa("A.6.2.4", implemented="pack, gate"))
    mine = row(statement, "A.6.2.4")
    assert (mine.state, mine.why) == (f"{worst} (1 of 2)", f"churn 1: because of {worst}")
    assert mine.against == (f"it is said to be implemented, and its computed state is {worst}",)
    assert row(statement, "A.2.2").state == "not assessed here"
    assert statement.subjects == ("income 3", "churn 1")


def test_remaining_risks_say_who_accepted_them():
    statement = made(risks=states.risks(states.risk(), states.risk(id="R2", residual=None, accepted_by=None)))
    assert [(r.risk, r.level, r.accepted_by) for r in statement.residual] == [
        ("R1", "medium", "max"), ("R2", "not stated", "nobody"),
    ]  # fmt: skip


HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> [x](javascript:1)"


@pytest.mark.parametrize("form", ["html", "md", "csv"])
def test_what_a_document_says_stays_text(form):
    text = rendered(made(soa=states.soa("A.2.2", reason=HOSTILE)), form).decode()
    if form == "csv":
        (cell,) = [r[3] for r in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) if r[0] == "A.2.2"]
        assert cell == f"'{HOSTILE}"
    else:
        assert "<script>" not in text
        assert form == "html" or "\\[x]" in text


def test_every_format_has_all_rows(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    statement = made(soa=states.soa("A.2.2", reason="=1+1"))
    for form in ("html", "md"):
        text = rendered(statement, form).decode()
        assert {c for c in controls() if c in text} == set(controls())
        assert "conformity is the auditor's judgement" in text.replace("&#39;", "'")
    path = tmp_path / "s.xlsx"
    path.write_bytes(rendered(statement, "xlsx"))
    book = openpyxl.load_workbook(path)
    sheet = book["Statement"]
    assert [c.value for c in sheet["A"]][1:] == list(controls())
    assert (sheet["D2"].value, sheet["D2"].data_type) == ("=1+1", "s")
    assert book.sheetnames == ["Statement", "Remaining risks", "About"]


def test_no_format_promises_anything():
    words = re.compile(r"certif|complian|guarant", re.IGNORECASE)
    assert not words.search(rendered(made(), "html").decode())


def test_changes_between_versions_name_control_and_field():
    later = states.soa("A.10.3", applies=False, reason="the API was switched off")
    found = [(c.control, c.field, c.after) for c in changes(states.soa(), later)]
    assert found == [("A.10.3", "decision", "excluded"), ("A.10.3", "reason", "the API was switched off")]
    gone = {c.after for c in changes(states.soa(), states.soa(without="A.9.3"))}
    assert gone == {"not stated"}
    assert changes(later, later) == []


def test_a_folder_without_statement_says_so():
    with pytest.raises(ConfigError, match="no statement of applicability"):
        newest_statement(good(soa=None))


def test_a_framework_is_seen_by_rows_with_denominators():
    found = {c: status(c, "met" if c == "A.2.2" else "missing") for c in controls()}
    rows = {r.element: r for r in framework_rows("eu-ai-act", found)}
    assert (rows["A.2"].requirement, rows["A.2"].members) == ("Art. 17 QMS", ("A.2.2", "A.2.3", "A.2.4"))
    assert rows["A.2"].coverage.sentence().startswith("1 of 3 controls met")
    assert rows["A.2"].states == {"met": 1, "missing": 2}
    assert {r.element for r in framework_rows("soc-2", found) if r.requirement is None} == {"6.1.4", "A.5", "A.9"}
    shown = {m for r in rows.values() for m in r.members}
    assert shown.isdisjoint(outside_the_crosswalk())
    assert {"A.3.2", "7.2", "6.1.3"} <= set(outside_the_crosswalk())
    with pytest.raises(ConfigError, match="did you mean 'soc-2'"):
        framework_rows("soc2", found)
    assert len(FRAMEWORKS) == 6
