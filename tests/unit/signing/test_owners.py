"""One person is one person, however the name is written."""

import pytest

from aims_mlflow.signing.owners import is_among, person


@pytest.mark.parametrize(
    "spelling",
    [
        "Ana",
        "ana ",
        " ANA",
        "a na",
        "\u0430na",
        "\uff41\uff4e\uff41",
        "an\u0430",
        "an\u00e1",
        "a\u200bna",
        "\u03b1n\u03b1",
    ],
)
def test_spellings_of_one_name_are_one_person(spelling):
    assert person(spelling) == person("ana")
    assert is_among(spelling, ["olga", "ana"])


@pytest.mark.parametrize("other", ["olga", "anna", "ana.b", "ana2", ""])
def test_another_name_is_another_person(other):
    assert not is_among(other, ["ana"])
