"""Checks of a team's own and packs over packs: the example as it is copied, and everything that can go wrong."""

import importlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aims_mlflow.checks import installed_checks, own_check
from aims_mlflow.checks.outcome import Outcome
from aims_mlflow.checks.packs import load_pack, pack_digest
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.suite import planned
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.cli.main import main
from aims_mlflow.errors import ConfigError

LENDER = Path(__file__).parents[3] / "checks" / "lender"
CHILD = "name: mine\nversion: 1\ndescription: d\n"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """What `pip install checks/lender` leaves: the module, and the entry points of its pyproject.toml."""
    project = tomllib.loads((LENDER / "pyproject.toml").read_text())["project"]
    info = tmp_path / "site" / "lender_checks-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join([*lines, "bad = lender_checks:NAME", "gone = nowhere:f", ""]))
    (info.parent / "lender_checks.py").write_text((LENDER / "lender_checks.py").read_text())
    monkeypatch.syspath_prepend(str(info.parent))
    installed_checks.points.cache_clear()
    yield
    installed_checks.points.cache_clear()
    sys.modules.pop("lender_checks", None)
    importlib.invalidate_caches()


def dated(table, days, rows=300):
    when = pd.Timestamp.now(tz="UTC") - pd.to_timedelta(range(days, days + rows), unit="D")
    return make_dataset("train", table(rows).assign(applied=when), PredictionTask(target="repaid", favourable="yes"))


def test_what_a_team_imports_is_public_and_nothing_else_is():
    assert set(own_check.__all__) == {
        *("Check", "CheckDeclaration", "Claim", "Dataset", "Limit", "Outcome", "Pack"),
        *("claim", "held", "own_check", "reason_of", "result_of", "settings_of"),
    }
    for name in own_check.__all__:
        assert getattr(own_check, name).__doc__
    example = (LENDER / "lender_checks.py").read_text()
    assert set(re.findall(r"from (aims_mlflow\S*) import", example)) <= {
        "aims_mlflow.checks.own_check",
        "aims_mlflow.errors",
    }


@pytest.mark.usefixtures("installed")
def test_the_example_runs_from_its_pack(table, record):
    pack = load_pack("applications", LENDER)
    fresh, old = dated(table, 5), dated(table, 200)
    assert planned(fresh, pack)[-1] == "newest-row"
    outcome = run_check("newest-row", fresh, pack)
    record(outcome)
    assert (outcome.result, outcome.kind, outcome.controls) == ("passed", "data-quality", ("A.7.4",))
    late = run_check("newest-row", old, pack)
    assert late.result == "failed"
    assert "newest row days for column=applied is 200" in late.reason
    missing = run_check(
        "newest-row", make_dataset("train", table(100), PredictionTask(target="repaid", favourable="yes")), pack
    )
    assert missing.result == "not_evaluated"
    assert "there is no column 'applied'" in missing.reason


@pytest.mark.usefixtures("installed")
def test_the_command_line_lists_and_runs_it(table, tmp_path, capsys):
    when = pd.Timestamp.now(tz="UTC") - pd.to_timedelta(range(600), unit="D")
    table(600).assign(applied=when, age=lambda t: t["age"].clip(lower=21)).to_csv(tmp_path / "loans.csv", index=False)
    asked = ["check", "run", str(tmp_path / "loans.csv"), "--pack", str(LENDER / "applications"), "--target", "repaid"]
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--favourable", "yes", "--role", "train", "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    assert "newest-row           passed" in capsys.readouterr().out


@pytest.mark.usefixtures("installed")
def test_a_check_that_is_none_is_not_evaluated(table, tmp_path, monkeypatch):
    data = dated(table, 5, rows=50)
    for name, text in (("bad", "is no check"), ("gone", "cannot be imported")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pack.yaml").write_text(CHILD + f"checks: [{{name: {name}, why: a test}}]\n")
        outcome = run_check(name, data, load_pack(name, tmp_path))
        assert outcome.result == "not_evaluated"
        assert text in outcome.reason
    pack = load_pack("applications", LENDER)
    installed_checks.load("newest-row")
    import lender_checks as example

    ways: list[tuple[Any, str]] = [(lambda *_: 1, "not an Outcome"), (lambda *_: 1 / 0, "ZeroDivisionError")]
    for broken, text in ways:
        broken.declaration = example.newest_row.declaration
        monkeypatch.setattr(example, "newest_row", broken)
        outcome = run_check("newest-row", data, pack)
        assert outcome.result == "not_evaluated"
        assert text in outcome.reason
    needy = example.own_check("fairness", needs_predictions=True)(lambda *_: Outcome("fairness", "passed"))
    monkeypatch.setattr(example, "newest_row", needy)
    assert "judges predictions" in run_check("newest-row", data, pack).reason


def test_a_name_that_no_package_offers_is_refused_with_its_line(tmp_path):
    (tmp_path / "pack.yaml").write_text(CHILD + "checks:\n  - {name: newest-rwo, why: a test}\n")
    with pytest.raises(ConfigError, match=r"pack.yaml:5: there is no check among the entry points 'newest-rwo'"):
        load_pack(str(tmp_path))


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(CHILD + text)
    return load_pack(str(folder))


def test_a_child_replaces_lines_keeps_the_rest_and_leaves_some_out(tmp_path):
    parent = load_pack("tabular-classification", tmp_path)
    child = write(
        tmp_path / "child",
        """extends: tabular-classification
without: [fairness.equalized_odds_difference, "data_quality.expect_column_values_to_not_be_null:$column"]
fairness:
  min_n: 30
  limits:
    - {metric: selection_rate_ratio, comparator: ">=", limit: 0.9, why: ours}
    - {metric: selection_rate_ratio, comparator: ">=", limit: 0.7, slice: {race: "*", sex: "*"}, why: crossed}
""",
    )
    limits = [(x.metric, x.limit, x.slice) for x in child.fairness.limits]
    assert limits == [
        ("selection_rate_ratio", "0.9", None),
        ("selection_rate_ratio", "0.7", {"race": "*", "sex": "*"}),
    ]
    assert (child.fairness.min_n, child.fairness.bootstrap) == (30, parent.fairness.bootstrap)
    assert len(child.data_quality.expectations) == len(parent.data_quality.expectations) - 1
    assert (child.name, child.drift, child.performance) == ("mine", parent.drift, parent.performance)
    grandchild = write(tmp_path / "child" / "grand", "extends: ../../child\nfairness: {min_n: 40}\n")
    assert grandchild.fairness.limits == child.fairness.limits
    assert grandchild.fairness.min_n == 40
    assert len({pack_digest(p) for p in (parent, child, grandchild)}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: tabular-clasification\n", "did you mean 'tabular-classification'"),
        ("extends: tabular-classification\nwithout: [fairness.selection_rate]\n", "does not have, did you mean"),
        ("without: [a]\n", "no pack to leave out of"),
        ("extends: .\n", "extends itself|there is no pack"),
        ("extends: tabular-classification\ntask: regression\n", "does not fit the task regression"),
    ],
)
def test_a_child_that_does_not_fit_is_refused(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        write(tmp_path / "child", text)


def test_a_child_takes_the_task_of_its_parent_and_so_the_metrics(tmp_path):
    line = "fairness:\n  limits:\n    - {metric: %s, comparator: '>=', limit: 0.9, why: ours}\n"
    child = write(tmp_path / "child", "extends: tabular-regression\n" + line % "mean_absolute_error_ratio")
    assert child.task == "regression"
    assert [x.limit for x in child.fairness.limits if x.metric == "mean_absolute_error_ratio"] == ["0.9"]
    with pytest.raises(ConfigError, match=r"pack\.yaml:7: there is no fairness metric 'accuracy_ratio'"):
        write(tmp_path / "wrong", "extends: tabular-regression\n" + line % "accuracy_ratio")
