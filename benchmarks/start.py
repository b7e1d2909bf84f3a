"""What `import aims_mlflow` and `aims --help` cost, against `import mlflow`, in one run.

python benchmarks/start.py [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

RUNS = 7
COMMANDS = {
    "python_s": "pass",
    "import_mlflow_s": "import mlflow",
    "import_aims_s": "import aims_mlflow",
    "aims_help_s": "import sys; sys.argv = ['aims', '--help']; from aims_mlflow.cli.main import main; main()",
}


def seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    seen = {name: [] for name in COMMANDS}
    for _ in range(RUNS + 1):  # in turn, so that a slow moment hits all of them; the first round warms up
        for name, code in COMMANDS.items():
            seen[name].append(seconds(code))
    out = {name: round(statistics.median(values[1:]), 3) for name, values in seen.items()}
    out["import_ratio"] = round(out["import_aims_s"] / out["import_mlflow_s"], 3)
    out["help_ratio"] = round(out["aims_help_s"] / out["import_mlflow_s"], 3)
    if as_json:
        print(json.dumps(out))
    else:
        print(
            f"import mlflow {out['import_mlflow_s']} s; import aims_mlflow {out['import_ratio']:.0%} of that, "
            f"aims --help {out['help_ratio']:.0%}"
        )


if __name__ == "__main__":
    main()
