"""Addresses of fields: people count the entries of a list from 1, and programs from 0."""

import pytest

from aims_mlflow.field_address import field_text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("impacts", 1), "impact 2 (impacts[1])"),
        (("measures", 0, "owner"), "owner of measure 1 (measures[0].owner)"),
        (("duties", 2, "law"), "law of duty 3 (duties[2].law)"),
        (("criteria", 0, "reason"), "reason of criterion 1 (criteria[0].reason)"),
        (("scales", "likelihood", 1, "meaning"), "meaning of likelihood 2 of scales (scales.likelihood[1].meaning)"),
        (("components", 0, "documents", 1), "document 2 of component 1 (components[0].documents[1])"),
        (("assessed_use", "scope"), "assessed_use.scope"),
        (("approver",), "approver"),
        ((), ""),
        ((0, "x"), "x of entry 1 ([0].x)"),
    ],
)
def test_entries_count_from_one_in_words(path, text):
    assert field_text(path) == text
