"""One person is one person, however the name is written."""

import pytest

from aims_mlflow.errors import ConfigError
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing.keyring import add_key, require_one_spelling
from aims_mlflow.signing.keys import ephemeral_key
from aims_mlflow.signing.owners import is_among, near_owners, person
from support import signed_sessions


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
        "\u0251n\u0251",
        "ana\u3164",
        "a\u034fna\ufe0f",
        "\u00a0ana\u2003",
        "\U0001d41a\u0578a",
    ],
)
def test_spellings_of_one_name_are_one_person(spelling):
    assert person(spelling) == person("ana")
    assert is_among(spelling, ["olga", "ana"])


@pytest.mark.parametrize("other", ["olga", "anna", "ana.b", "ana2", ""])
def test_another_name_is_another_person(other):
    assert not is_among(other, ["ana"])


@pytest.mark.parametrize("spelling", ["Ana", "ana ", "\u0430na"])
def test_the_keyring_has_one_spelling_of_a_person(spelling):
    keyring = Keyring(version=1, keys=(signed_sessions.entry(ephemeral_key(), "ana"),))
    again = signed_sessions.entry(ephemeral_key(), spelling, ("approver",))
    with pytest.raises(ConfigError, match="is the same person as 'ana'"):
        add_key(keyring, again)
    with pytest.raises(ConfigError, match="are one person"):
        require_one_spelling(keyring.model_copy(update={"keys": (*keyring.keys, again)}), "keyring.yaml")
    same = add_key(keyring, signed_sessions.entry(ephemeral_key(), "ana", ("approver",)))
    require_one_spelling(same, "keyring.yaml")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana", "anna"),
        ("olga", "Olga"),
        ("olga", "0lga"),
        ("olga", "oiga"),
        ("marc", "rnarc"),
        ("olga", "olag"),
        ("ana", "ana@example.org"),
        ("ana@example.org", "ana@exarnple.org"),
    ],
)
def test_names_that_could_be_taken_for_each_other_are_shown(one, other):
    assert near_owners([one, other, "rosa@elsewhere.org"]) == [tuple(sorted((one, other)))]


def test_plainly_different_names_are_not_near():
    assert near_owners(["ana", "olga", "rosa", "ana.b", "ben@example.org", "ben.k@example.org", "registry"]) == []
