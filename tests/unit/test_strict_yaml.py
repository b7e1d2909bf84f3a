"""What is wrong in a YAML file is told once for each key."""

import importlib.util
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow import strict_yaml
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.system import AimsConfig
from aims_mlflow.strict_yaml import parse

SYSTEM = "system:\n  id: loans\n  owner: me\ndata:\n  target: repaid\n"
PACK = """\
name: p
version: "1"
description: d
fairness:
  limits:
    - {metric: selection_rate_ratio, comparator: ">=", limit: 0.8, why: because}
"""


def told(text, model=AimsConfig):
    with pytest.raises(ConfigError) as caught:
        parse(text, "f").validate(model)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "model", "said"),
    [
        (SYSTEM.replace("owner", "ownr"), AimsConfig, "f:3: unknown key 'system.ownr', did you mean 'owner'?"),
        (SYSTEM.replace("target", "tarket"), AimsConfig, "f:5: unknown key 'data.tarket', did you mean 'target'?"),
        (SYSTEM.replace("system:", "sytem:"), AimsConfig, "f:1: unknown key 'sytem', did you mean 'system'?"),
        (
            PACK.replace("why", "whi"), Pack,
            "f:6: unknown key 'whi of limit 1 of fairness (fairness.limits[0].whi)', did you mean 'why'?",
        ),
        (SYSTEM + "  files: {images: {foldr: x}}", AimsConfig,
         "f:6: unknown key 'data.files.images.foldr', did you mean 'folder'?"),
    ],
    ids=["system", "data", "top", "pack", "files"],
)  # fmt: skip
def test_a_misspelt_key_is_told_once(text, model, said):
    """It was told as missing too, so that one mistake read as two."""
    assert told(text, model) == [said]


def test_a_key_that_is_missing_beside_an_unknown_one_is_told():
    assert told(SYSTEM.replace("owner: me", "colour: red")) == [
        "f:1: 'system.owner' is missing",
        "f:3: unknown key 'system.colour'",
    ]


def test_a_value_of_none_of_several_forms_is_told_once_by_its_key():
    (line,) = told(SYSTEM + "  sources: {x: {personal_data: 3}}")
    assert line.startswith("f:6: 'data.sources.x.personal_data': Input should be a valid boolean")
    assert line.endswith(", or must be a list: [one, two]")


ROOT = Path(__file__).parents[2]
FILES = sorted(p for folder in ("aims_mlflow", "checks", "examples", "hooks") for p in (ROOT / folder).rglob("*.yaml"))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@pytest.fixture(scope="module")
def without_libyaml():
    """The same module where PyYAML was built without libyaml."""
    spec = importlib.util.spec_from_file_location("strict_yaml_of_python", strict_yaml.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, spec.name, module)
        patch.setattr(yaml, "__with_libyaml__", False)
        spec.loader.exec_module(module)
    assert issubclass(module.SafeLoader, yaml.SafeLoader)
    assert yaml.__with_libyaml__
    return module


def same(one, other):
    """Compare what two parsers read: values of the same types, and lines."""
    return (repr(one.data), one.lines) == (repr(other.data), other.lines)


def test_both_parsers_read_every_file_alike(without_libyaml):
    assert len(FILES) > 60
    for path in FILES:
        assert same(strict_yaml.read(path), without_libyaml.read(path)), path


@given(VALUES)
def test_both_parsers_read_what_is_written_alike(without_libyaml, value):
    text = yaml.safe_dump(value)
    assert parse(text, "f").data == value
    for each in (text, yaml.safe_dump(value, allow_unicode=True)):
        assert same(parse(each, "f"), without_libyaml.parse(each, "f"))


REFUSED = [
    ("a: &x 1\nb:\n  - *x\n", "f:3: not valid YAML: aliases are not allowed here"),
    ("a: &x [1]\nb: {c: *x}\n", "f:2: not valid YAML: aliases are not allowed here"),
    ("a: &x [1, *x]\n", "f:1: not valid YAML: aliases are not allowed here"),
    ("a: &x {b: 1}\n*x : 2\n", "f:2: not valid YAML: aliases are not allowed here"),
    ("a: *x\n", "f:1: not valid YAML: "),
    ("a: 1\nb: 2\na: 3\n", "f:3: not valid YAML: the key 'a' stands twice"),
    ("? [a]\n: 1\n", "f:1: not valid YAML: a key must be plain text"),
    ("a: !!python/object:os.system 1\n", "f:1: not valid YAML: could not determine a constructor"),
    ("a: [1\nb: 2\n", "f:2: not valid YAML: "),
    ("a: 1\n--- \nb: 2\n", "f:2: not valid YAML: but found another document"),
    ("a: \x01\n", "f: not valid YAML: "),
    ("a: \ud800\n", "f: not valid YAML: "),
    ("[" * 5000 + "]" * 5000, "f: nested over 100 levels"),
    ("- " * 5000, "f: nested over 100 levels"),
    ("[" * 120 + "]" * 120, "f: nested over 100 levels"),
    ("a" * 5_000_000, "f: the file is larger than 4 MiB"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[r[0][:12].strip() for r in REFUSED])
def test_both_parsers_refuse_alike(without_libyaml, text, said):
    for module in (strict_yaml, without_libyaml):
        with pytest.raises(ConfigError) as refused:
            module.parse(text, "f")
        assert str(refused.value).startswith(said)


def test_a_star_in_a_text_is_no_alias():
    assert parse("# see *x\na: 2*3\nb: '*x'\n", "f").data == {"a": "2*3", "b": "*x"}


@pytest.mark.parametrize(("written", "read"), [("0200", 128), ("1:30", 90), ("0x1F", 31), ("-010", -8)])
def test_a_number_that_is_read_otherwise_than_it_looks_is_refused(written, read):
    with pytest.raises(
        ConfigError, match=f"f:1: .*YAML reads {written} as {read}: write that number, or put {written} in quotes"
    ):
        parse(f"limit: {written}", "f")
    assert parse(f"limit: '{written}'", "f").data == {"limit": written}


def test_a_document_keeps_numbers_as_they_are_written():
    found = parse("version: 1.10\ncontact: 0200\nn: 12", "f", as_written=True).data
    assert (found["version"], found["version"].text, found["contact"], found["n"]) == (1.1, "1.10", "0200", 12)
