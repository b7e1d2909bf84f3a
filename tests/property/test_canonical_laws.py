"""Canonical bytes are RFC 8785's, whichever way they are written."""

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aims_mlflow import canonical as module
from aims_mlflow.canonical import canonical
from aims_mlflow.errors import EvidenceError

TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(TEXT, inner, max_size=4)
)


def reference(value):
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return None


def ours(value):
    try:
        return canonical(value)
    except EvidenceError:
        return None


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "\u00f6": 7})
@example({"\ue000": 1, "\U00010000": 2})
@example("".join(map(chr, range(0xA0))) + '"\\/\u2028\u2029')
@example([2**53 - 1, 2**53, -(2**53) + 1, True, 1.0, 1e21])
@example({"a": "\ud800"})
def test_it_is_what_rfc_8785_says(value):
    assert ours(value) == reference(value)


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {None: 1}}, {"a": object()}, [b"a"], {"a": {1, 2}}])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(EvidenceError):
        canonical(value)


def test_what_records_are_made_of_takes_the_short_way(monkeypatch):
    monkeypatch.setattr(rfc8785, "dumps", lambda _: pytest.fail("the long way"))
    assert canonical({"b": [1, None, True], "a": "Größe"}) == '{"a":"Größe","b":[1,null,true]}'.encode()
    assert module._is_plain({"a": 1})
