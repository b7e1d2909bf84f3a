"""Leaves are written and read by their models; what still goes by dictionaries is listed here, and only shrinks."""

import ast
from pathlib import Path

import aims_mlflow

PACKAGE = Path(aims_mlflow.__file__).parent
# Rooms that are outside: the models themselves, and the ledger that stores them.
OUTSIDE = ("records/", "ledger/")
# A change's announced fields are handed on as a dictionary to its outcome, what it supersedes and what it closes.
HANDS_ON_A_CHANGE = {
    "audit/model.py", "lifecycle/closing.py", "lifecycle/model_history.py", "lifecycle/recovery.py",
    "registry/adopt.py", "registry/reconcile.py", "server/announced_change.py",
    "server/change.py", "server/removals.py",
}  # fmt: skip
# Findings have the fields of their kind, which `registers/kinds.py` lists.
FINDINGS = {"registers/findings.py", "lifecycle/incident_review.py"}
# Not converted yet.
CONSENTS = {"lifecycle/consents.py", "gates/consents.py"}
# These show a leaf before it is verified: it may be none of this format.
UNVERIFIED = {"audit/keyrings.py", "audit/watch.py", "cli/ledger.py"}
ALLOWED = HANDS_ON_A_CHANGE | FINDINGS | CONSENTS | UNVERIFIED


def by_key(node):
    """Tell a leaf's content that is read by a text: `.content["x"]` or `.content.get("x")`; or an untyped Entry."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "content"
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Name):
        return function.id == "Entry"
    of = function.value if isinstance(function, ast.Attribute) and function.attr == "get" else None
    return isinstance(of, ast.Attribute) and of.attr == "content"


def test_leaves_are_written_and_read_by_their_models():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(OUTSIDE) and any(by_key(n) for n in ast.walk(ast.parse(path.read_text("utf-8")))):
            found.add(name)
    assert found == ALLOWED
