import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from aims_mlflow.checks.packs import load_pack, pack_digest, pack_text, shipped_packs
from aims_mlflow.checks.packs.origins import with_origins
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.count_tables import exact_interval
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.pack import Drift, Pack

PACKS = Path(__file__).parents[4] / "aims_mlflow" / "checks" / "packs"
MINIMAL = "name: mine\nversion: 1\ndescription: d\n"


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(MINIMAL + text)
    return folder


def refusal(folder, text):
    with pytest.raises(ConfigError) as caught:
        load_pack("mine", write(folder / "mine", text).parent)
    return str(caught.value)


# What a limit may rest on: a rule or a paper, a library's default, what a guess reaches or a word means, or us.
ORIGIN = re.compile(
    r"our starting point|\d+ (CFR|RCNY|USC) \d|Directive \d|GDPR art|BMJ \d|Science \d|Hosmer|Evidently's|guessing reaches|"
    r"always answering|the most frequent label has learned nothing|on the other side|runs code when it is loaded"
)


@pytest.mark.parametrize("name", shipped_packs())
def test_shipped_packs_load_and_say_for_everything_where_it_comes_from(name):
    pack = load_pack(name)
    assert pack.name == name
    parts: list[Any] = [pack.representativeness, pack.fairness, pack.performance, pack.robustness]
    reasons = {f"{type(p).__name__} {x.metric}": x.why for p in parts for x in p.limits}
    reasons |= {section: getattr(pack, section).why for section in ("drift", "monitor", "privacy", "leakage")}
    for found in pack.data_quality.expectations:
        assert len(found.why) > 20
        if "mostly" in found.kwargs:
            reasons[f"{found.type} of {found.kwargs['column']} mostly"] = found.why
    for part in parts[1:3]:
        if part.min_n > 1:
            reasons[f"{type(part).__name__} min_n"] = part.min_n_why or ""
    assert len(reasons) >= 15
    assert {what: why for what, why in reasons.items() if not ORIGIN.search(why)} == {}


@pytest.mark.parametrize("name", shipped_packs())
def test_shipped_packs_judge_groups_by_what_is_known_of_them(name):
    """A group of a few rows decides nothing; where people's rights are at stake, nor does what chance makes as easily."""
    fairness = load_pack(name).fairness
    assert fairness.limits
    assert {limit.verdict for limit in fairness.limits} == {"value" if name.startswith("tabular") else "interval"}
    assert fairness.min_n >= 30
    assert fairness.bootstrap >= 1000


@pytest.mark.parametrize("name", shipped_packs())
def test_every_line_of_a_shipped_pack_is_in_the_loaded_pack(name):
    told = yaml.safe_load((PACKS / name / "pack.yaml").read_text())
    pack, seen = load_pack(name), 0
    for section, content in told.items():
        for kind in ("limits", "expectations", "populations"):
            if isinstance(content, dict) and kind in content:
                loaded = list(getattr(getattr(pack, section), kind))
                author = {key: told[key] for key in ("set_by", "set_on")} if kind != "populations" else {}
                for line in content[kind]:
                    written = type(loaded[0]).model_validate({**author, **line})
                    assert written in loaded
                    loaded.remove(written)  # each line is there as often as it is written
                    seen += 1
    assert seen


def test_a_child_keeps_all_lines_of_one_identity_and_they_replace_all_of_its_parent(tmp_path):
    between = "{type: expect_column_values_to_be_between, kwargs: {column: age, min_value: %d}, why: x}"
    line = "    - " + between + "\n"
    head = "data_quality:\n  expectations:\n"
    write(tmp_path / "parent", head + line % 0 + line % 1 + line % 2)
    write(tmp_path / "child", "extends: ../parent\n" + head + line % 18 + line % 21)
    found = load_pack("child", tmp_path).data_quality.expectations
    assert [e.kwargs["min_value"] for e in found] == [18, 21]


def test_a_row_condition_without_a_value_is_the_same_in_parent_and_child(tmp_path):
    line = (
        "data_quality:\n  expectations:\n    - {type: expect_column_values_to_not_be_null, kwargs: {column: age}, "
        "where: [{column: sex, op: is not null}], severity: %s, why: x}\n"
    )
    write(tmp_path / "parent", line % "failing")
    write(tmp_path / "child", "extends: ../parent\n" + line % "warning")
    assert [e.severity for e in load_pack("child", tmp_path).data_quality.expectations] == ["warning"]


def test_the_four_fifths_rule_ships_with_its_source():
    (limit,) = (x for x in load_pack("tabular-classification").fairness.limits if x.metric == "selection_rate_ratio")
    assert (limit.comparator, limit.limit, limit.severity) == (">=", "0.8", "failing")
    assert "29 CFR 1607.4(D)" in limit.why


def width(n):
    """Return the widest exact 95% interval of a rate of n rows, in points with one decimal."""
    low, high = exact_interval(np.arange(n + 1), np.full(n + 1, n))
    return f"{100 * (high - low).max():.1f}"


@pytest.mark.parametrize("name", shipped_packs())
def test_the_reason_for_the_least_rows_is_right_by_its_own_arithmetic(name):
    pack = load_pack(name)
    sections = [s for s in (pack.fairness, pack.performance) if s.min_n_why is not None]
    assert sections
    for section in sections:
        said = re.findall(r"(\d+) rows the exact 95% interval of a rate is up to (\d+\.\d) points", section.min_n_why)
        assert said == [(str(section.min_n), width(section.min_n))]
        assert all(points == width(int(n)) for points, n in re.findall(r"\((\S+) with (\d+)\)", section.min_n_why))


@pytest.mark.parametrize("name", [n for n in shipped_packs() if load_pack(n).task == "binary-classification"])
def test_shipped_packs_run_on_a_generated_table(name, table, scored):
    pack = load_pack(name)
    test = scored(1500)
    train = make_dataset(
        "train", table(3000, seed=9), PredictionTask(target="repaid", favourable="yes"), sensitive=["sex", "race"]
    )
    for data in (train, test):
        quality = run_check("data_quality", data, pack)
        assert quality.result == "passed", quality.reason
    fairness = run_check("fairness", test, pack)
    assert fairness.result == "failed"
    women = [c for c in fairness.claims if (c.metric, c.slice) == ("selection_rate_ratio", {"sex": "Female"})]
    assert [c.passed for c in women] == [False]
    assert name == "health" or "selection-rate ratio for sex=Female" in fairness.reason
    # The generated scores are no probabilities, which the pack for health asks for.
    assert run_check("performance", test, pack).result == ("failed" if name == "health" else "passed")
    assert run_check("drift", test, pack, train).result == "passed"


def test_a_folder_comes_before_a_shipped_pack_of_its_name(tmp_path):
    write(tmp_path / "tabular-classification", "")
    assert load_pack("tabular-classification", tmp_path).name == "mine"
    assert load_pack("tabular-classification", tmp_path / "elsewhere").name == "tabular-classification"


def test_a_path_will_do(tmp_path):
    folder = write(tmp_path / "a" / "b", "")
    assert load_pack("a/b", tmp_path) == load_pack(str(folder))


def test_a_pack_that_is_not_there_is_named_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_pack("tabular-clasification", tmp_path)
    assert "did you mean 'tabular-classification'?" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fairnes: {}\n", ["pack.yaml:4", "unknown key 'fairnes', did you mean 'fairness'?"]),
        ("fairness:\n  controls: [A.6.2.44]\n", ["pack.yaml:5", "'A.6.2.44'", "A.6.2.4"]),
        ("drift:\n  controls: [A.6]\n", ["pack.yaml:5", "group"]),
        (
            "fairness:\n  limits:\n    - {metric: selection_ratio, comparator: '>=', limit: 0.8, why: x}\n",
            ["pack.yaml:6", "no fairness metric 'selection_ratio'", "did you mean 'selection_rate"],
        ),
        (
            "performance:\n  limits:\n    - {metric: acuracy, comparator: '>=', limit: 0.8, why: x}\n",
            ["pack.yaml:6", "did you mean 'accuracy'?"],
        ),
        (
            "data_quality:\n  expectations:\n    - {type: expect_column_values_not_null, kwargs: {}, why: x}\n",
            ["pack.yaml:6", "did you mean 'expect_column_values_to_not_be_null'?"],
        ),
        (
            "data_quality:\n  expectations:\n    - {type: expect_column_to_exist, roles: [tset], why: x}\n",
            ["pack.yaml:6", "no data role 'tset', did you mean 'test'?"],
        ),
        (
            "performance:\n  limits:\n    - {metric: accuracy, comparator: '>=', limit: 0.8}\n",
            ["pack.yaml:6", "'why of limit 1 of performance", "is missing"],
        ),
        (
            "performance:\n  limits:\n    - {metric: accuracy, comparator: '>=', limit: high, why: x}\n",
            ["pack.yaml:6", "limit"],
        ),
        ("drift: {method: exakt}\n", ["pack.yaml:4", "drift.method"]),
        ("name: [\n", ["pack.yaml", "not valid YAML"]),
    ],
)
def test_mistakes_are_named_with_file_line_and_the_nearest_right_word(tmp_path, text, expected):
    said = refusal(tmp_path, text)
    for part in expected:
        assert part in said


def test_the_digest_is_of_the_meaning_and_of_all_of_it(tmp_path):
    one = load_pack("mine", write(tmp_path / "mine", "drift: {threshold: 0.1}\n").parent)
    same = load_pack("mine", write(tmp_path / "mine", "# a comment\ndrift:\n  threshold: 0.10\n").parent)
    assert pack_digest(one) == pack_digest(same)
    assert pack_digest(one) == hashlib.sha256(pack_text(one)).hexdigest()
    other = load_pack("mine", write(tmp_path / "mine", "drift: {threshold: 0.2}\n").parent)
    assert pack_digest(one) != pack_digest(other)
    plain = Pack(name="mine", version="1", description="d", drift=Drift(threshold="0.1"))
    assert pack_digest(with_origins(plain, root=True)) == pack_digest(one)


def test_large_whole_numbers_have_a_digest_of_their_own():
    def digest(value):
        line = {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "id", "value_set": [value]},
            "why": "w",
        }
        return pack_digest(
            Pack.model_validate(
                {"name": "p", "version": "1", "description": "d", "data_quality": {"expectations": [line]}}
            )
        )

    values = [2**53 + 1, 2**53 + 3, str(2**53 + 1), 1]
    assert len({digest(value) for value in values}) == len(values)
