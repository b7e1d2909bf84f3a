"""A benchmark of this checkout against an earlier commit, in turn and in one run.

    python benchmarks/against.py COMMIT [--rounds 3] SCRIPT [its options]

For example: `python benchmarks/against.py v0.1.0 gate.py --backend sqlite --clients 1`. Each round runs SCRIPT of the
commit and SCRIPT of this checkout, in alternating order, with `--json` and the same interpreter. The table has the
medians of both, and the ratio new / old: above 1 the new one takes more of it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def checkout(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder, without touching this checkout."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)


def figures(tree: Path, script: str, options: list[str]) -> dict[str, float]:
    """Run a benchmark script of a tree; return its figures by name."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, str(tree / "benchmarks" / script), *options, "--json"]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script} of {tree} failed:\n{done.stderr[-2000:]}")
    out: dict[str, float] = {}
    for row in objects(done.stdout):
        about = " ".join(str(v) for v in row.values() if isinstance(v, str))
        out |= {f"{about} {k}".strip(): v for k, v in _numbers(row)}
    return out


def objects(text: str) -> list[dict[str, object]]:
    """Return the JSON objects among lines of text; an object may take several lines."""
    decoder, out, at = json.JSONDecoder(), [], 0
    while (at := text.find("{", at)) >= 0:
        row, at = decoder.raw_decode(text, at)
        out.append(row)
    return out


def _numbers(row: dict[str, object], prefix: str = "") -> list[tuple[str, float]]:
    """Return the numbers of a nested object, with their path as name."""
    out: list[tuple[str, float]] = []
    for name, value in row.items():
        if isinstance(value, dict):
            out += _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            out.append((f"{prefix}{name}", float(value)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("script", help="a file of benchmarks/ that knows --json")
    parser.add_argument("options", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"old": [], "new": []})
    with tempfile.TemporaryDirectory() as folder:
        trees = {"old": Path(folder) / "old", "new": ROOT}
        checkout(asked.commit, trees["old"])
        for number in range(asked.rounds):
            for side in ("old", "new") if number % 2 == 0 else ("new", "old"):
                sys.stderr.write(f"round {number + 1} of {asked.rounds}: {side}\n")
                for name, value in figures(trees[side], asked.script, asked.options).items():
                    seen[name][side].append(value)
    width = max(map(len, seen), default=0)
    print(f"{'figure':{width}}  {'old':>12}  {'new':>12}  new/old")
    for name, sides in seen.items():
        if sides["old"] and sides["new"]:
            old, new = statistics.median(sides["old"]), statistics.median(sides["new"])
            print(f"{name:{width}}  {old:12.4g}  {new:12.4g}  {new / old if old else float('nan'):7.3f}")


if __name__ == "__main__":
    main()
