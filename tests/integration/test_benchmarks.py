"""The benchmarks that the README's figures come from run, and each prints one object with what was promised."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "benchmarks"


def printed(folder, script, *arguments):
    """Return the one object that a benchmark prints."""
    return json.loads(run(folder, script, "--json", *arguments))


def run(folder, script, *arguments):
    """Run a benchmark in a folder of its own; returns what it prints, and sees that it leaves no file."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=550,
        check=False,
        # They share code by standing in one folder, as when a person runs them.
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
    )
    assert done.returncode == 0, done.stderr
    assert not list(folder.iterdir())
    return done.stdout


@pytest.mark.full
def test_the_checks_benchmark_prints_one_object(tmp_path):
    found = printed(tmp_path, "checks.py", "--rows", "3000", "--no-stock")
    for name in ("read_s", "ours_exact_s", "ours_histogram_s", "frame_mib", "peak_mib"):
        assert found[name] > 0
    assert set(found["checks"]) == {"data_quality", "representativeness", "fairness", "performance", "drift"}
    assert found["rows"] == 3000


@pytest.mark.full
def test_the_checks_benchmark_prints_the_table_of_the_readme(tmp_path):
    *head, line = run(tmp_path, "checks.py", "--table", "2000", "--no-stock").splitlines()
    readme = (SCRIPTS.parent / "README.md").read_text()
    assert "\n".join(head) in readme
    assert line.startswith("| 2,000 | ")
    assert line.count("|") == head[0].count("|")


@pytest.mark.full
def test_the_training_benchmark_prints_one_object(tmp_path):
    found = printed(tmp_path, "training.py", "--rows", "3000", "--fit-seconds", "0.2", "--rounds", "1")
    assert (found["rows"], found["held_out_rows"], found["rounds"]) == (3000, 300, 1)
    for name in ("fit_s", "plain_s", "enforce_s", "observe_s", "checks_histogram_s", "imports_s", "predict_s"):
        assert found[name] > 0
    for one in (found, found["cpu"]):
        for mode in ("enforce", "observe"):
            assert one[f"added_{mode}_s"] == pytest.approx(one[f"{mode}_s"] - one["plain_s"], abs=0.01)
        assert one["over_checks_s"] == pytest.approx(one["added_enforce_s"] - one["checks_histogram_s"], abs=0.01)
        assert one["share_of_fit"] == pytest.approx(one["added_enforce_s"] / one["plain_s"], rel=0.02, abs=0.01)
        assert sum(one["checks"].values()) == pytest.approx(one["checks_histogram_s"], abs=0.01)


@pytest.mark.full
def test_the_spark_benchmark_prints_one_object(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    found = printed(tmp_path, "spark.py", "--rows", "20000")
    assert (found["tenth"]["rows"], found["all"]["rows"]) == (2000, 20000)
    for size in (found["tenth"], found["all"]):
        assert {"drift", "drift_baseline", "data_quality"} < set(size["checks"])
        for name in ("s", "collected_kib", "jobs"):
            assert size[name] > 0
    assert found["ratio"]["rows"] == 10
    assert found["ratio"]["jobs"] == pytest.approx(1, abs=0.3)
