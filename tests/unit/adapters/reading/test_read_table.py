"""The option that a sentence gives can be pasted: into a shell, and into aims.yaml."""

import re
import shlex

import pytest

from aims_mlflow import strict_yaml
from aims_mlflow.adapters.reading.read_table import option
from aims_mlflow.cli.options import reading_of
from aims_mlflow.records.system import ReadingOptions

TEXTS = [
    "NA",
    "?",
    "*",
    "-",
    ".",
    " ",
    "# none",
    "[x",
    "a,b",
    "true",
    "No",
    "1",
    "-999",
    "n/a:",
    "it's",
    "{a}",
    "%",
    "",
]


@pytest.mark.parametrize(
    ("key", "value"),
    [*(("missing", text) for text in TEXTS), *(("separator", mark) for mark in ",;\t|"), ("decimal", ","),
     ("thousands", "."), ("skip", "2"), ("sheet", "2023"), ("sheet", "a b"), ("encoding", "utf-16-le")],
)  # fmt: skip
def test_the_option_means_the_value(key, value):
    text = option(key, value)
    shell, yaml = re.fullmatch(r"(--read .*) \(in aims\.yaml, under data: `(.*)`\)", text).groups()
    wanted = {"missing": (value,) if value else (), "skip": 2}.get(key, value)
    first, said = shlex.split(shell)
    assert first == "--read"
    assert getattr(reading_of((said,), ReadingOptions()), key) == wanted
    found = strict_yaml.parse(yaml, "aims.yaml").data["reading"]
    assert getattr(ReadingOptions.model_validate(found), key) == wanted
