"""Where tests are: unit mirrors the package, no test imports another, and what they share is in support."""

import ast
from pathlib import Path

from support.untraced import INTEGRATION, UNMEASURED

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "aims_mlflow"
FILES = [p for p in sorted(TESTS.rglob("*.py")) if "__pycache__" not in p.parts]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def misplaced(path):
    """Why a file of tests/ is in the wrong place, or None."""
    inside = path.relative_to(TESTS)
    if inside.parts[0] in {"support", "golden"}:
        return (
            "a test among what tests share" if path.name.startswith("test_") and "golden" not in inside.parts else None
        )
    if not path.name.startswith("test_") and path.name != "conftest.py":
        return "what tests share belongs in tests/support"
    room = inside.parts[1:-1]
    if inside.parts[0] == "unit" and room and not PACKAGE.joinpath(*room).is_dir():
        return f"the package has no {'/'.join(room)}"
    return None


def test_each_file_is_where_its_subject_is():
    assert {str(p.relative_to(TESTS)): reason for p in FILES if (reason := misplaced(p))} == {}


def test_no_file_imports_a_test():
    wrong = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in FILES
        for name in imported(path)
        if any(part.startswith("test_") or part == "conftest" for part in name.split("."))
    ]
    assert wrong == []


def test_a_file_of_tests_has_400_lines_at_most():
    long = {p.name: n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}


def test_what_is_left_out_of_coverage_and_what_is_taken_in_are_files():
    names = {room: {p.stem for p in (TESTS / room).rglob("test_*.py")} for room in ("unit", "integration")}
    assert set(UNMEASURED) - names["unit"] == set()
    assert set(INTEGRATION) - names["integration"] == set()
