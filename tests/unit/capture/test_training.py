"""The phases of a training get what they need, and never the training itself."""

import ast
from pathlib import Path
from typing import Any

import pytest

from aims_mlflow import capture
from aims_mlflow.capture.state import ProcessMemory

MODULES = sorted(Path(capture.__file__).parent.glob("*.py"))


def names_in(annotation):
    """Return every name in an annotation, those in quotes included."""
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)}
    texts = [
        node.value for node in ast.walk(annotation) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return names.union(*(names_in(ast.parse(text, mode="eval")) for text in texts))


def takers(source):
    """Return the functions whose annotations, or arguments without one, take a training."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
            for argument in filter(None, given):
                named = names_in(argument.annotation) if argument.annotation is not None else set()
                if "Training" in named or argument.arg in ("training", "session"):
                    found.append(getattr(node, "name", "lambda"))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_function_takes_a_training(path):
    assert takers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(t: Training): ...",
        "def f(t: 'Training | None'): ...",
        "def f(*, t: list[training.Training]): ...",
        "async def f(training): ...",
        "g = lambda session: session",
    ],
)
def test_a_function_that_takes_one_is_seen(source):
    assert takers(source)


def test_the_training_has_no_base_class():
    tree = ast.parse(Path(capture.__file__).with_name("training.py").read_text(encoding="utf-8"))
    training = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "Training")
    assert training.bases == []


def test_a_memory_that_forgets_is_as_new():
    memory = ProcessMemory()
    memory.origins.append(object())
    sweep: Any = object()
    memory.sweeps["run"] = sweep
    memory.sentences.add("once")
    memory.data_runs["uri"] = "run"
    memory.forget()
    assert vars(memory) == vars(ProcessMemory())
