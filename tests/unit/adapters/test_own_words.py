"""The last line of a stranger's error is shown, and no value of the data in it."""

import pandas as pd
import pytest

from aims_mlflow.adapters.own_words import MAX_SHOWN, own_words

FRAME = pd.DataFrame(
    {
        "income": [1503.25, 37.0],
        "name": ["Ana Smith", "Bob Miller"],
        "email": ["ana@example.org", "bob@example.org"],
        "kind": pd.Categorical(["alpha", "beta"]),
    }
)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("column 'extra' is made in prepare(), call it first"), "column 'extra' is made in prepare(), call it first"),
        (KeyError("['ratio', 'income'] not in index"), "['ratio', 'income'] not in index"),
        (ValueError("Found 2 features, but 4 are expected"), "Found 2 features, but 4 are expected"),
        (
            ValueError("Failed to enforce schema of data '1 Ana' with schema '[..]'. Error: Incompatible input types for column income."),
            "Incompatible input types for column income.",
        ),
        (TypeError("first line\n\n  the last line\n"), "the last line"),
    ],
)  # fmt: skip
def test_the_last_line_is_shown(error, shown):
    text = own_words([] or error, [FRAME], FRAME.columns)
    assert text.startswith(f"{type(error).__name__}: ")
    assert shown in text


@pytest.mark.parametrize(
    "text",
    [
        "could not convert string to float: 'Ana Smith'",
        "no such person: ana@example.org",
        "unknown MILLER, known are bob and ANA",
        "1503.25 is over 37.0",
        "bad id 1234-5678 at 2024-05-06T07:08:09",
        "category 'alpha' was not in the training data",
        "see https://example.org/ana or /home/ana/data.csv",
        "someone.else@example.com said no",
    ],
)
def test_no_value_of_the_data_is_shown(text):
    shown = own_words(ValueError(text), [FRAME], FRAME.columns).casefold()
    for value in ("ana", "smith", "bob", "miller", "@", "1503", "37", "1234", "2024", "alpha", "home"):
        assert value not in shown.replace("known are", "")


def test_a_long_line_is_shortened():
    text = own_words(ValueError("word " * 200), [FRAME])
    assert len(text) <= MAX_SHOWN + len("ValueError: ")
    assert text.endswith("…")


def test_values_of_the_training_rows_are_no_part_of_it_either():
    other = pd.DataFrame({"name": ["Cleo"]})
    assert "Cleo" in own_words(ValueError("unlike Cleo"), [FRAME])
    assert "Cleo" not in own_words(ValueError("unlike Cleo"), [FRAME, other])


def test_without_rows_the_type_alone_is_shown():
    assert own_words(ValueError("Ana"), []) == "ValueError"
    assert own_words(ValueError(), [FRAME]) == "ValueError"
