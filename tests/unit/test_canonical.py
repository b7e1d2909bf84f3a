"""Canonical bytes: what may not be in them."""

import pytest
from pydantic import ValidationError

from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.signing.keys import ephemeral_key


def body(**more):
    key = more.pop("key", None) or ephemeral_key()
    return Evidence(
        id=uuid7(), kind="fairness", result="passed", actor="a", key_id=key.key_id, time="2026-01-01T00:00:00Z", **more
    )


def test_floats_and_repeated_keys_do_not_get_in():
    with pytest.raises(ValidationError, match="float"):
        body(details={"a": [1, {"b": 0.5}]})
    with pytest.raises(EvidenceError, match="stands twice"):
        parse_json(b'{"a": 1, "a": 2}', "x")
    with pytest.raises(EvidenceError, match="NaN"):
        parse_json(b'{"a": NaN}', "x")
    with pytest.raises(EvidenceError):
        parse_json(b"[" * 100_000, "x")
    for deep in (b"[" * 101 + b"]" * 101, b'{"a":' * 300 + b"1" + b"}" * 300, b"[" * 990 + b"]" * 990):
        with pytest.raises(EvidenceError, match="x: nested over 100 levels"):
            parse_json(deep, "x")
    parse_json(b"[" * 100 + b"]" * 100, "x")
    parse_json(b"[" + b",".join([b"[{}]"] * 1000) + b"]", "x")
    with pytest.raises(EvidenceError, match="no canonical JSON"):
        canonical({"a": 2**60})
