"""What the checks cost, in one run: ours, the libraries as their own pages show them, and reading the two files.

python benchmarks/checks.py [--rows 1000000] [--json] [--no-stock] [--peers PYTHON]
python benchmarks/checks.py --table [ROWS ...] [--no-stock] [--peers PYTHON]

Two tables of 20 columns are written as parquet, read, and checked: data quality (20 expectations), representativeness
with proxies, fairness with B=1000, performance, and drift, exact and from histograms. Imports are paid before the
clock starts and told apart. `ours_exact_s`, `ours_histogram_s` and `stock_s` add up everything but performance, which
has its own line. The bootstrap as Fairlearn's page shows it takes hours, so it is left out of `stock_s`. `read_s` is
`pandas.read_parquet` of both files as its page shows; we read them so that they take less memory, which is not in it.
`--peers` adds what others take, each in a process that may take 15 minutes. `--table` measures every size in a process
of its own and prints README's table; the peers are asked at 100,000 rows, and the libraries' own calls up to a million.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
NUMBERS, WHOLE, TEXTS = 9, 4, 4  # beside sex, race and the label: 20 columns
PEERS = ("nannyml", "venturalitica")
PEER_SECONDS = 900
APART = "performance"
CHECKS = ("data_quality", "representativeness", "fairness", "performance")


def table(rows, seed):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    columns = {f"number_{i}": rng.normal(i, 1 + i / 4, rows) for i in range(NUMBERS)}
    columns |= {f"whole_{i}": rng.integers(0, 40 * (i + 1), rows) for i in range(WHOLE)}
    columns |= {f"text_{i}": pd.Categorical(rng.choice(list("abcdefgh")[: 3 + i], rows)) for i in range(TEXTS)}
    columns["sex"] = pd.Categorical(rng.choice(["Female", "Male"], rows))
    columns["race"] = pd.Categorical(rng.choice(["A", "B", "C", "D"], rows, p=[0.5, 0.3, 0.15, 0.05]))
    chance = 1 / (1 + np.exp(-columns["number_0"]))
    columns["label"] = np.where(rng.random(rows) < chance, "yes", "no")
    frame = pd.DataFrame(columns)
    return frame, (chance + rng.normal(0, 0.1, rows)).clip(0, 1)


def pack(method):
    from aims_mlflow.checks.packs import load_pack
    from aims_mlflow.records.pack import Pack

    wanted = [("expect_column_values_to_not_be_null", {"column": f"number_{i}"}) for i in range(NUMBERS)]
    wanted += [
        ("expect_column_values_to_be_between", {"column": f"whole_{i}", "min_value": 0, "max_value": 200})
        for i in range(WHOLE)
    ]
    wanted += [
        ("expect_column_values_to_be_in_set", {"column": f"text_{i}", "value_set": list("abcdefgh")})
        for i in range(TEXTS)
    ]
    wanted += [
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_column_unique_value_count_to_be_between", {"column": "label", "min_value": 2, "max_value": 2}),
        ("expect_column_mean_to_be_between", {"column": "number_0", "min_value": -1, "max_value": 1}),
    ]
    said = load_pack("tabular-classification").model_dump(mode="json")
    said["data_quality"]["expectations"] = [{"type": t, "kwargs": k, "why": "a benchmark"} for t, k in wanted]
    said["drift"]["method"] = method
    return Pack.model_validate(said), wanted


def prepared(frame, score, role):
    import numpy as np

    from aims_mlflow.checks.tables.predictions import Predictions
    from aims_mlflow.checks.tables.task import PredictionTask
    from aims_mlflow.checks.tables.validation import make_dataset

    data = make_dataset(role, frame, PredictionTask(target="label", favourable="yes"), sensitive=["sex", "race"])
    return replace(data, predictions=Predictions(np.where(score > 0.5, "yes", "no"), score))


def ours(train, test, method):
    """Return seconds by check; the drift is the one that `method` names."""
    from aims_mlflow.checks.runner import run_check

    chosen, _ = pack(method)
    seconds = {}
    for name in (*CHECKS, "drift"):
        started = time.perf_counter()
        outcome = run_check(name, test, chosen, train)
        seconds[name] = time.perf_counter() - started
        if not outcome.claims:  # "not enough data" is a verdict, and took its time
            raise SystemExit(f"{name}: {outcome.reason}")
    return seconds


def stock_quality(frame, wanted):
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("t")
    batch = asset.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame})
    built = [get_expectation_impl(kind)(**kwargs) for kind, kwargs in wanted]
    batch.validate(gx.ExpectationSuite(name="s", expectations=built))


def stock_fairness(frame, said):
    from fairlearn.metrics import (
        MetricFrame,
        false_negative_rate,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )
    from sklearn.metrics import accuracy_score, precision_score

    functions = {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "fnr": false_negative_rate,
        "accuracy": accuracy_score,
        "precision": precision_score,
    }
    actual, predicted = (frame["label"] == "yes").astype(int), (said == "yes").astype(int)
    frame_of = MetricFrame(
        metrics=functions, y_true=actual, y_pred=predicted, sensitive_features=frame[["sex", "race"]]
    )
    frame_of.by_group, frame_of.difference(), frame_of.ratio()


def stock_performance(frame, said):
    from sklearn.metrics import classification_report, confusion_matrix

    classification_report(frame["label"], said, output_dict=True)
    confusion_matrix(frame["label"], said)


def stock_drift(train, test):
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(test, train).dict()


def asked_peer(python, name, folder):
    """Return what a peer took in its own interpreter; without `s` where it took longer than `PEER_SECONDS`."""
    command = [python, Path(__file__).with_name("peers.py"), name, folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"over_s": PEER_SECONDS}
    if done.returncode:
        raise SystemExit(f"{name} did not run in {python}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def timed(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def resident_mib(field):
    """Return this process's resident memory in MiB: `VmRSS` now, `VmHWM` at its highest since `forget_peak`."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def forget_peak():
    """Let Linux count the highest memory from now on, so that what the imports took for a moment is not in it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def note(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def files_of(folder, rows):
    """Write the two files in a process of its own, so that the peak is of reading and checking; returns them."""
    for seed in (0, 1):
        subprocess.run([sys.executable, __file__, "--write", folder, str(seed), str(rows)], check=True)
    return [Path(folder, f"{seed}.parquet") for seed in (0, 1)]


def measure(rows, stock, peers=None):
    from aims_mlflow.adapters.reading.files import read_table

    warnings.simplefilter("ignore")
    started = time.perf_counter()
    small, small_score = table(2000, 0)
    ours(prepared(small, small_score, "train"), prepared(small, small_score, "test"), "exact")
    with tempfile.TemporaryDirectory() as folder:
        read_table(files_of(folder, 2000)[0])
        imports = time.perf_counter() - started
        found, frames, predictions = measure_ours(rows, files_of(folder, rows))
        found["imports_s"] = imports
        if stock:
            add_stock(found, *frames, predictions)
        for name in PEERS if peers else ():
            note(f"{name} ...")
            found.setdefault("peers", {})[name] = asked_peer(peers, name, folder)
    return rounded(found)


def read_seconds(*files):
    """Print how long pandas takes to read the files as its page shows, after a small one."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        write(folder, 0, 2000)
        pd.read_parquet(Path(folder, "0.parquet"))
    started = time.perf_counter()
    frames = [pd.read_parquet(file) for file in files]
    print(time.perf_counter() - started, len(frames))


def measure_ours(rows, files):
    """Read the two files and check them; returns (what it took, the frames, the predictions for the second)."""
    import numpy as np

    from aims_mlflow.adapters.reading.files import read_table

    # In a process of its own: memory that is read into once is there for the next to use.
    told = subprocess.run([sys.executable, __file__, "--read", *files], capture_output=True, text=True, check=True)
    read = float(told.stdout.split()[0])
    forget_peak()
    before = resident_mib("VmRSS")
    train, test = (read_table(file).frame for file in files)
    scores = [np.load(file.with_suffix(".npy")) for file in files]
    datasets = prepared(train, scores[0], "train"), prepared(test, scores[1], "test")
    note("ours, histogram drift ...")
    histogram = ours(*datasets, "histogram")
    note("ours, exact drift ...")
    exact = ours(*datasets, "exact")
    checks = {name: {"ours_s": seconds} for name, seconds in exact.items()}
    checks["drift"]["histogram_s"] = histogram["drift"]
    found = {
        "rows": rows,
        "read_s": read,
        "ours_exact_s": sum(exact[name] for name in exact if name != APART),
        "ours_histogram_s": sum(histogram[name] for name in histogram if name != APART),
        "frame_mib": sum(f.memory_usage(deep=True).sum() for f in (train, test)) / 2**20,
        "peak_mib": resident_mib("VmHWM") - before,
        "checks": checks,
    }
    return found, (train, test), datasets[1].predictions


def add_stock(found, train, test, predictions):
    """Add what the libraries take as their pages show them; none of them does what representativeness does."""
    _, wanted = pack("exact")
    for name, function, arguments in (
        ("data_quality", stock_quality, (test, wanted)),
        ("fairness", stock_fairness, (test, predictions)),
        ("performance", stock_performance, (test, predictions)),
        ("drift", stock_drift, (train, test)),
    ):
        note(f"{name} as its library's page shows ...")
        found["checks"][name]["stock_s"] = timed(function, *arguments)
    found["stock_s"] = sum(c.get("stock_s", 0) for name, c in found["checks"].items() if name != APART)


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(float(value), 3) if isinstance(value, float) or hasattr(value, "dtype") else value


def readable(found):
    lines = [f"{found['rows']:,} rows x 20 columns, two tables of {found['frame_mib']:.0f} MiB together"]
    for name, seconds in found["checks"].items():
        stock = f"{seconds['stock_s']:9.2f} s as its page shows" if "stock_s" in seconds else ""
        lines.append(f"  {name:<20} {seconds['ours_s']:7.2f} s {stock}")
    lines.append(f"  all but {APART}, exact drift     {found['ours_exact_s']:7.2f} s")
    lines.append(f"  all but {APART}, histogram drift {found['ours_histogram_s']:7.2f} s")
    for name, took in found.get("peers", {}).items():
        lines.append(f"  {name:<20} " + (f"{took['s']:7.2f} s" if "s" in took else f"over {took['over_s']} s"))
    if "stock_s" in found:
        lines.append(f"  the libraries' own   {found['stock_s']:7.2f} s, without a bootstrap")
        lines.append(f"  ratio                {found['stock_s'] / found['ours_exact_s']:7.1f}")
    lines.append(f"  reading both files   {found['read_s']:7.2f} s; peak {found['peak_mib']:.0f} MiB over imports")
    return "\n".join(lines)


HEAD = """| rows | reading both files | the libraries' own calls | ours, exact drift | ours, drift from histograms | \
performance | peak memory over the frames |
|---|---|---|---|---|---|---|"""
SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
PEERS_AT, MAX_STOCK = 100_000, 1_000_000


def measured_apart(rows, stock, peers):
    """Return the object that this script prints for so many rows."""
    more = [] if stock and rows <= MAX_STOCK else ["--no-stock"]
    more += ["--peers", peers] if peers and rows == PEERS_AT else []
    command = [sys.executable, __file__, "--json", "--rows", str(rows), *more]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def row(found):
    """Return one line of README's table, and one for each peer."""
    exact, histogram, read = found["ours_exact_s"], found["ours_histogram_s"], found["read_s"]
    stock = found.get("stock_s")
    faster = f", {stock / exact:.0f} times faster" if stock else ""
    cells = [
        f"{found['rows']:,}",
        f"{read:.2f} s",
        f"{stock:.1f} s" if stock else "(not run)",
        f"{exact:.2f} s{faster}",
        f"{histogram:.2f} s, {histogram / read:.1f} reads",
        f"{found['checks'][APART]['ours_s']:.2f} s",
        f"{found['peak_mib'] / found['frame_mib']:.1f}",
    ]
    lines = ["| " + " | ".join(cells) + " |"]
    for name, took in found.get("peers", {}).items():
        said = f"{took['s']:.1f} s" if "s" in took else f"over {took['over_s']} s"
        lines.append(f"{name} at {found['rows']:,} rows: {said}")
    return "\n".join(lines)


def write(folder, seed, rows):
    import numpy as np

    frame, score = table(int(rows), int(seed))
    frame.to_parquet(Path(folder, f"{seed}.parquet"))
    np.save(Path(folder, f"{seed}.npy"), score)


def main():
    inner = {"--write": write, "--read": read_seconds}.get("".join(sys.argv[1:2]))
    if inner is not None:  # what this script asks of itself, in a process of its own
        inner(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-stock", action="store_true", help="leave the libraries' own calls out")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with nannyml and venturalitica: see peers.py")
    parser.add_argument("--table", nargs="*", type=int, metavar="ROWS", help="measure every size; print README's table")
    asked = parser.parse_args()
    if asked.table is not None:
        sizes = asked.table or SIZES
        print(HEAD, *(row(measured_apart(rows, not asked.no_stock, asked.peers)) for rows in sizes), sep="\n")
        return
    found = measure(asked.rows, not asked.no_stock, asked.peers)
    print(json.dumps(found, indent=1) if asked.json else readable(found))


if __name__ == "__main__":
    main()
