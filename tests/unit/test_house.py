"""The house rules that no linter holds: lengths, arguments, names of classes, and reasons for what a checker is told."""

import ast
import functools
import re
from collections import defaultdict
from pathlib import Path

import aims_mlflow

PACKAGE = Path(aims_mlflow.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE, MAX_FUNCTION, MAX_ARGUMENTS, MAX_IGNORES = 300, 45, 8, 14
# Words that end like a participle and are nouns of the field.
NOUNS = {
    "Finding",
    "Grouping",
    "Heading",
    "Keyring",
    "ManagementFinding",
    "OpenFinding",
    "OutputMeaning",
    "Setting",
    "Training",
}
ERRORS_OF_THE_CONTRACT = {"GateRefused", "PolicyRefused"}


@functools.cache
def tree(path):
    """The parsed module: each rule walks it."""
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path):
    return str(path.relative_to(PACKAGE))


def functions(path):
    """Yield (name, node) of every function and method of a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_public_face(path, node):
    """Tell a function whose long signature is what a person writes: a public decorator, or a command's options."""
    decorators = " ".join(ast.unparse(d) for d in node.decorator_list)
    named = {"trains", "training", "acquires", "prepares", "evaluate", "record", "attach"}
    return ("cli" in path.parts and ("command" in decorators or "option" in decorators)) or (
        "capture" in path.parts and node.name in named
    )


def length(node):
    """Return a function's lines without its docstring, which is documentation and not code."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_no_module_is_longer_than_a_person_reads_at_once():
    long = {place(p): n for p in MODULES if (n := p.read_text(encoding="utf-8").count("\n")) > MAX_MODULE}
    assert long == {}


def test_functions_fit_a_screen():
    long = {f"{place(p)}:{f.name}": length(f) for p in MODULES for f in functions(p) if length(f) > MAX_FUNCTION}
    assert long == {}


def test_functions_take_few_arguments():
    many = {}
    for path in MODULES:
        for node in functions(path):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([a for a in given if a.arg not in ("self", "cls")])
            if count > MAX_ARGUMENTS and not is_public_face(path, node):
                many[f"{place(path)}:{node.name}"] = count
    assert many == {}


def test_what_a_type_checker_is_told_has_a_reason():
    told = [
        (place(p), number, line.strip())
        for p in MODULES
        for number, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if "# type: ignore" in line
    ]
    assert len(told) <= MAX_IGNORES, told
    assert [t for t in told if not re.search(r"# type: ignore\[[a-z-]+\].*#\s*\S+", t[2])] == []


def classes():
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, place(path)


def test_a_class_name_means_one_thing():
    where = defaultdict(list)
    for name, path in classes():
        where[name].append(path)
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_class_is_named_by_a_noun():
    ends = re.compile(r"(ed|ing|own|nown|ught|eld|een|aken|ade|aid)$")
    names = {name for name, _ in classes()} - NOUNS - ERRORS_OF_THE_CONTRACT
    assert [name for name in sorted(names) if ends.search(re.findall(r"[A-Z][a-z0-9]*", name)[-1])] == []


def test_each_table_that_scrolls_has_a_name_and_takes_the_keyboard():
    templates = sorted(PACKAGE.rglob("*.j2"))
    opened = [(p.name, m) for p in templates for m in re.findall(r'<div class="scroll"[^>]*>', p.read_text("utf-8"))]
    assert len(opened) >= 7
    bare = [name for name, tag in opened if 'tabindex="0"' not in tag or "aria-label=" not in tag]
    assert bare == []
