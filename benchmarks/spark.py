"""What the checks take on Spark frames, at a tenth of the rows and at all of them: does this process's memory grow?

    python benchmarks/spark.py [--rows 5000000] [--json]

Two tables of 20 columns, a prediction and a score are written as parquet in pieces, and checked on Spark local[2] as
`aims check run spark:TABLE` does it: data quality (20 expectations), representativeness, fairness, performance, drift
and the drift baseline. Each size has a process of its own, which first checks a small table, so that Spark's start
and the imports are paid before the clock starts. `peak_mib` is this process's memory over what it held by then;
Spark's own (the JVM is driver and executor in one here) is not in it. `collected_kib` is what result tasks sent to
the driver, and `jobs` how many jobs were run, both from Spark's event log. Needs pyspark and Java.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from checks import CHECKS, forget_peak, note, pack, resident_mib, rounded, table

RAN = (*CHECKS, "drift", "drift_baseline")
PIECE = 250_000
WARM_UP_ROWS = 2000
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}


def write(folder, rows):
    """Write both tables in pieces, so that no process holds a whole one."""
    import numpy as np

    for role, first in (("train", 0), ("test", 1_000_000)):
        place = Path(folder, role)
        place.mkdir(parents=True)
        for i, start in enumerate(range(0, int(rows), PIECE)):
            frame, score = table(min(PIECE, int(rows) - start), first + i)
            frame["score"], frame["predicted"] = score, np.where(score > 0.5, "yes", "no")
            frame.to_parquet(place / f"{i}.parquet")


def session(folder):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("bench")
    for name, value in {**SETTINGS, "spark.eventLog.dir": f"file://{folder}"}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def checked(spark, folder):
    """Check the tables in `folder`; returns seconds by check."""
    from aims_mlflow.checks.runner import run_check
    from aims_mlflow.operation.checking import Columns, dataset_from
    from aims_mlflow.records.system import Data

    chosen, _ = pack("histogram")
    data = Data(target="label", favourable="yes", sensitive=("sex", "race"))
    columns = Columns(prediction="predicted", score="score")
    train, test = (
        dataset_from(spark.read.parquet(str(Path(folder, role))), role, data, chosen.task, columns)
        for role in ("train", "test")
    )
    seconds = {}
    for name in RAN:
        note(f"{name} ...")
        started = time.perf_counter()
        of, beside = (train, test) if name == "drift_baseline" else (test, train)
        outcome = run_check(name, of, chosen, beside)
        seconds[name] = time.perf_counter() - started
        if outcome.result == "not_evaluated":
            raise SystemExit(f"{name}: {outcome.reason}")
    return seconds


def measure(folder, warm_up):
    """Return what checking the tables in `folder` took, in this process."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as log:
        started = time.perf_counter()
        spark = session(log)
        checked(spark, warm_up)
        warm = time.perf_counter() - started
        forget_peak()
        before, began = resident_mib("VmRSS"), time.time() * 1000
        started = time.perf_counter()
        seconds = checked(spark, folder)
        took, peak = time.perf_counter() - started, resident_mib("VmHWM") - before
        rows = sum(spark.read.parquet(str(Path(folder, role))).count() for role in ("train", "test")) // 2
        ended = time.time() * 1000 - (time.perf_counter() - started - took) * 1000
        spark.stop()
        counted = from_log(next(path for path in Path(log).iterdir() if path.is_file()), began, ended)
    return {"rows": rows, "s": took, "peak_mib": peak, **counted, "checks": seconds, "warm_up_s": warm}


def from_log(path, began, ended):
    """Return jobs, and KiB that result tasks sent to the driver, between two times in ms, from Spark's event log."""
    jobs = collected = 0
    with path.open() as lines:
        for line in lines:
            event = json.loads(line)
            if event["Event"] == "SparkListenerJobStart":
                jobs += began <= event["Submission Time"] <= ended
            elif event["Event"] == "SparkListenerTaskEnd" and event["Task Type"] == "ResultTask":
                inside = began <= event["Task Info"]["Launch Time"] <= ended
                collected += event["Task Metrics"]["Result Size"] if inside else 0
    return {"jobs": jobs, "collected_kib": collected / 1024}


def asked_of(step, *arguments):
    """Run a step of this script in a process of its own; returns what it printed."""
    command = [sys.executable, __file__, step, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step.strip('-')} ended with status {done.returncode}")
    return done.stdout


def compared(rows):
    """Return both sizes, and how many times as much the larger one takes."""
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        small, sizes = Path(folder, "warm-up"), {}
        asked_of("--write", small, WARM_UP_ROWS)
        for name, number in (("tenth", rows // 10), ("all", rows)):
            note(f"{number:,} rows ...")
            asked_of("--write", Path(folder, name), number)
            sizes[name] = json.loads(asked_of("--measure", Path(folder, name), small).splitlines()[-1])
    tenth, whole = sizes["tenth"], sizes["all"]
    ratios = {key: whole[key] / max(tenth[key], 1e-9) for key in ("rows", "s", "peak_mib", "collected_kib", "jobs")}
    return {"rows": rows, **sizes, "ratio": ratios}


def readable(found):
    lines = ["two tables of 20 columns on Spark local[2]"]
    lines += [
        f"  {size['rows']:>10,} rows  {size['s']:7.1f} s  peak {size['peak_mib']:6.1f} MiB over imports  "
        f"{size['collected_kib']:9.0f} KiB to the driver  {size['jobs']:4d} jobs"
        for size in (found["tenth"], found["all"])
    ]
    ratio = found["ratio"]
    lines.append(
        f"  {ratio['rows']:.0f} times the rows take {ratio['s']:.1f} times the time, {ratio['peak_mib']:.1f} times the "
        f"memory and {ratio['collected_kib']:.1f} times the bytes"
    )
    return "\n".join(lines)


def main():
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if sys.argv[1:2] == ["--write"]:
        write(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(rounded(measure(*sys.argv[2:]))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = rounded(compared(asked.rows))
    print(json.dumps(found, indent=1) if asked.json else readable(found))


if __name__ == "__main__":
    main()
