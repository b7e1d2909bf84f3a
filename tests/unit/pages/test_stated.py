"""What a document states stands in the order in which its form asks, however its file orders it."""

import pytest

from aims_mlflow.documents.page_blocks import Facts, PageTable
from aims_mlflow.pages.views.stated import NOT_STATED, plain_text, stated_blocks

FIELDS = {
    "consulted": [{"changed": "what has no score is read first", "how": "interview", "party": "clerks"}],
    "deployment": {"where": "both branches", "languages": [], "human_role": "a clerk decides"},
    "impacts": [
        {"mechanism": "women come last", "evidence": ["r1", "r2"], "group": "sex=f", "id": "I1", "kind": "harm"},
        {"mechanism": "nobody waits", "evidence": ["r3"], "id": "I2", "kind": "benefit", "dimension": "reliability"},
    ],
    "assessed_use": {"volume": "400 a day", "scope": "applications"},
    "later": {"b": 1, "a": 2},
    "parties": [],
}


def test_fields_columns_and_parts_come_in_the_order_of_the_form():
    facts, *tables = stated_blocks("impact-assessment", FIELDS)
    assert isinstance(facts, Facts)
    assert facts.rows == [
        ("Assessed use", "scope: applications; volume: 400 a day"),
        ("Deployment", "where: both branches; languages: not stated; human role: a clerk decides"),
        ("Parties", NOT_STATED),
        ("Later", "b: 1; a: 2"),
    ]
    consulted, impacts = tables
    assert isinstance(consulted, PageTable)
    assert isinstance(impacts, PageTable)
    assert (consulted.title, consulted.columns) == ("Consulted", ["Party", "How", "Changed"])
    assert impacts.columns == ["Id", "Kind", "Group", "Dimension", "Mechanism", "Evidence"]
    assert impacts.rows == [
        ("I1", "harm", "sex=f", NOT_STATED, "women come last", "r1, r2"),
        ("I2", "benefit", NOT_STATED, "reliability", "nobody waits", "r3"),
    ]


def test_a_kind_that_this_release_does_not_know_keeps_the_order_of_its_file():
    facts, table = stated_blocks("of-a-later-release", {"z": [{"b": "1", "a": "2"}], "y": "text", "x": None})
    assert isinstance(facts, Facts)
    assert isinstance(table, PageTable)
    assert facts.rows == [("Y", "text"), ("X", NOT_STATED)]
    assert (table.columns, table.rows) == (["B", "A"], [("1", "2")])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, NOT_STATED), ("", NOT_STATED), ([], NOT_STATED), ({}, NOT_STATED), (0, "0"), (False, "no"), (True, "yes")],
)
def test_what_says_nothing_is_said_not_to_be_stated(value, text):
    assert plain_text(value) == text
