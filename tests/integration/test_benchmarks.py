"""The benchmark that the README's figures come from runs, and prints one object with what was promised."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "checks.py"


def test_the_checks_benchmark_prints_one_object(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--rows", "3000", "--json", "--no-stock"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name in ("read_s", "ours_exact_s", "ours_histogram_s", "frame_mib", "peak_mib"):
        assert found[name] > 0
    assert set(found["checks"]) == {"data_quality", "representativeness", "fairness", "performance", "drift"}
    assert found["rows"] == 3000
