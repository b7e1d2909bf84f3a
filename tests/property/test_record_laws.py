"""Bytes -> model -> bytes is the identity for every leaf type, body and kind of evidence, unknown fields included."""

import functools
import inspect
import types
import typing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import StringConstraints

from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.records.base import Record, Time, utc_text
from aims_mlflow.records.details import KINDS
from aims_mlflow.records.leaves import CONTENTS, body_model
from aims_mlflow.records.open_record import OpenRecord

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PLAIN = {str: TEXT, int: NUMBER, bool: st.booleans(), typing.Any: JSON}
LAW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MODELS = [*dict.fromkeys([*CONTENTS.values(), *map(body_model, CONTENTS), *KINDS.values()])]


def values(annotation, metadata=()):
    """Return a strategy for the JSON values of a type; None is no value of a field that may be left out."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return values(inside[0], (*metadata, *inside[1:]))
    if metadata and any(each in typing.get_args(Time) for each in metadata):
        return st.datetimes().map(utc_text).filter(lambda text: len(text) == 27)
    for each in metadata:
        if isinstance(each, StringConstraints) and each.pattern:
            return st.from_regex(each.pattern, fullmatch=True).filter(lambda text: "\n" not in text)
    if origin is typing.Literal:
        return st.sampled_from(inside)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values(each) for each in inside if each is not type(None)])
    if origin is list:
        return st.lists(values(inside[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(values(inside[0]), values(inside[1]), max_size=2)
    if inspect.isclass(annotation) and issubclass(annotation, OpenRecord):
        return contents(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, Record):
        return closed(annotation)
    return PLAIN[annotation]


@functools.cache
def closed(model):
    """Return a strategy for valid content of a model that takes no field of a later release."""
    fields = {name: values(f.annotation, tuple(f.metadata)) for name, f in model.model_fields.items()}
    needed = {name for name, f in model.model_fields.items() if f.is_required()}
    return st.fixed_dictionaries(
        {name: s for name, s in fields.items() if name in needed},
        optional={name: s for name, s in fields.items() if name not in needed},
    )


@functools.cache
def contents(model):
    """Return a strategy for valid content of a model, with fields of later releases."""
    kept = {"v", "type", "time", "commitment"}
    fields = {name: values(f.annotation, tuple(f.metadata)) for name, f in model.model_fields.items()}
    fields |= {name: fields[name] | st.none() for name in model.NULLS}
    needed = {name for name, f in model.model_fields.items() if f.is_required() or name in kept}
    known = st.fixed_dictionaries(
        {name: s for name, s in fields.items() if name in needed},
        optional={name: s for name, s in fields.items() if name not in needed},
    )
    later = st.dictionaries(TEXT.map(lambda text: f"later {text}"), JSON, max_size=2)
    return st.builds(lambda a, b: {**b, **a}, known, later)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@LAW
@given(data=st.data())
def test_bytes_to_model_to_bytes_is_the_identity(model, data):
    raw = canonical(data.draw(contents(model)))
    assert canonical(model.model_validate(parse_json(raw, "x")).plain()) == raw


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@LAW
@given(data=st.data())
def test_what_is_written_is_what_is_read(model, data):
    content = data.draw(contents(model))
    known = {name: value for name, value in content.items() if name in model.model_fields}
    empty = {name: None for name in model.model_fields if name not in content and may_be_none(model, name)}
    made = model(**known, **{name: value for name, value in empty.items() if name not in model.NULLS})
    assert canonical(made.plain()) == canonical(known)


def may_be_none(model, name):
    return type(None) in typing.get_args(model.model_fields[name].annotation)
