"""Leaves and evidence details are written and read by their models, never by a text that could be misspelt."""

import ast
from pathlib import Path

import aims_mlflow

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
