"""What stands in for a statement says nothing, in other languages and with letters that look alike too."""

import pytest

from aims_mlflow.gates.person_statements import says


@pytest.mark.parametrize(
    "text",
    [
        "siehe oben", "Entfällt.", "k. A.", "nicht zutreffend", "à compléter", "ver arriba", "同上", "待定", "as above", "idem",
        "dito", "see policy", "because it applies", "pending", "will be added later", "(to follow)", "not yet", "N. A.",
        "keine Angabe", "T\u200bODO", "\u0422\u041eDO", "\u0422\u0412D", "\uff34\uff2f\uff24\uff2f", "<who>", "[name]",
    ],
)  # fmt: skip
def test_a_placeholder_says_nothing(text):
    assert not says(text)
    assert not says(["a clerk reads each draft", text])


@pytest.mark.parametrize(
    "text",
    [
        "a clerk reads each draft", "see policy ai-policy, clause 3", "olga", "no", "pending cases are read by rita",
        "none of the groups is affected", "offene Fälle prüft rita", "\u043d\u0435\u0442 \u0434\u0430\u043d\u043d\u044b\u0445", "40", "open source",
    ],
)  # fmt: skip
def test_words_around_a_placeholder_make_a_statement(text):
    assert says(text)
