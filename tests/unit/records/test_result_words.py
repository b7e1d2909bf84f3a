"""The result of a record in one word: what measured nothing has passed nothing."""

import pytest

from aims_mlflow.records.result_words import result_word


@pytest.mark.parametrize(
    ("kind", "result", "claims", "word"),
    [
        ("performance", "passed", 64, "passed"),
        ("dataset-record", "passed", 0, "recorded"),
        ("session-start", "passed", 0, "recorded"),
        ("model-card", "passed", 0, "recorded"),
        ("impact-assessment", "passed", 0, "signed"),
        ("document-approval", "passed", 0, "signed"),
        ("session", "passed", 0, "nothing failed"),
        ("session", "failed", 0, "failed"),
        ("acquisition", "warned", 0, "warned"),
        ("fairness", "not_evaluated", 0, "not evaluated"),
    ],
)
def test_a_record_without_values_has_passed_nothing(kind, result, claims, word):
    assert result_word(kind, result, claims) == word
