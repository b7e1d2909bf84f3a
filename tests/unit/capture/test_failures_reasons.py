"""The sentence of an error that is not ours: its type and place, and where the whole of it can be read."""

import pytest

from aims_mlflow.capture.failures import reason_of
from aims_mlflow.errors import DataError


def test_a_strangers_error_gives_its_place_and_how_to_read_it_without_its_message():
    with pytest.raises(ValueError, match="12345") as raised:
        int("secret 12345")
    text = reason_of(raised.value)
    assert text.startswith("ValueError at test_failures_reasons.py:")
    assert "DEBUG" in text
    assert "12345" not in text


def test_our_own_error_is_its_sentence():
    assert reason_of(DataError("no rows", next="pass some")) == "no rows. Next: pass some"
