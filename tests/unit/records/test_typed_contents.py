"""Leaves and evidence details are written and read by their models, never by a text that could be misspelt."""

import ast
import inspect
from pathlib import Path

import pytest

import aims_mlflow
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.checks import CheckDetails
from aims_mlflow.records.details.gate import ConsentDetails
from aims_mlflow.records.details.training import SystemStatement
from aims_mlflow.records.system import Source, System

PACKAGE = Path(aims_mlflow.__file__).parent
# Rooms that are outside: the models themselves, and the ledger that stores them.
OUTSIDE = ("records/", "ledger/")
# These show a leaf before it is verified: it may be none of this format.
UNVERIFIED = {"audit/keyrings.py", "audit/watch.py", "cli/ledger.py"}


def modules():
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(OUTSIDE):
            yield name, ast.walk(ast.parse(path.read_text("utf-8")))


def by_key(node, attribute):
    """Tell a dictionary that is read by a text: `.content["x"]` or `.content.get("x")`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == attribute
    function = node.func if isinstance(node, ast.Call) else None
    of = function.value if isinstance(function, ast.Attribute) and function.attr == "get" else None
    return isinstance(of, ast.Attribute) and of.attr == attribute


def test_leaves_are_read_by_their_models():
    assert {name for name, nodes in modules() if any(by_key(n, "content") for n in nodes)} == UNVERIFIED


def test_details_are_read_by_their_models():
    assert {name for name, nodes in modules() if any(by_key(n, "details") for n in nodes)} == set()


def by_hand(node):
    """Tell details that are a dictionary of the writer's own: `details={...}`, `details=dict(...)`, `details=a | b`."""
    if not isinstance(node, ast.keyword) or node.arg != "details":
        return False
    called = node.value.func if isinstance(node.value, ast.Call) else None
    return isinstance(node.value, ast.Dict | ast.DictComp | ast.BinOp) or (
        isinstance(called, ast.Name) and called.id == "dict"
    )


def test_details_are_written_by_their_models():
    """mypy holds the rest: a session takes a model alone, and a model is made of the fields that it declares."""
    assert {name for name, nodes in modules() if any(by_hand(n) for n in nodes)} == set()
    assert inspect.signature(SessionWriter.add).parameters["details"].annotation == "EvidenceDetails | None"


def test_what_is_stated_in_aims_yaml_is_declared():
    assert set(System.model_fields) <= set(SystemStatement.model_fields)
    assert set(Source.model_fields) <= set(SourceStatement.model_fields)
    assert set(Consent.model_fields) <= set(ConsentDetails.model_fields)


def test_a_field_that_the_kind_does_not_declare_is_refused():
    with pytest.raises(ValueError, match="CheckDetails has no field rolle"):
        CheckDetails(role="test").changed(rolle="train")
