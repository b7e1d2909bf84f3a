"""Each of the auditor's pages, asked by several browsers at once, over a made-up ledger.

    python benchmarks/pages.py [--json] [--quick] [--systems N] [--versions N] [--records N] [--documents N]
                               [--browsers N] [--asks N] [--rounds N]

One line for each page and round. The first round begins when all leaves are in the index, which was just made:
documents are not read then, and no version is judged. `memory_mib` is what the process holds after the page,
`memory_grows_mib` what the whole round added to it. Server and browsers are threads of this one process, so that the
browsers' own work is in the figures. Documents are published and approved: some of the organisation, and those of one
system after another.
"""

import argparse
import json
import logging
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aims_mlflow.pages.site import SITE
from aims_mlflow.server import page_readers, page_routes

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.made_up_ledger import OF_ALL, MadeUpLedger


def addresses(shared):
    """Return an address of each page that has something to show."""
    row = shared.index.connection.execute(
        "SELECT model, version, system FROM version ORDER BY sequence DESC"
    ).fetchone()
    record = shared.index.connection.execute("SELECT id FROM record WHERE claims ORDER BY leaf DESC").fetchone()["id"]
    decision = shared.index.connection.execute(
        "SELECT sequence, policy FROM decision ORDER BY sequence DESC"
    ).fetchone()
    known = {
        "system": row["system"],
        "control": "A.6.2.4",
        "model": row["model"],
        "version": row["version"],
        "leaf": decision["sequence"],
        "record": record,
        "number": 0,
        "digest": decision["policy"],
        "document": "soa",
    }
    asked = {"search": "?q=model", "sample": "?population=registrations&leaves=100", "controls": "?rows=12"}
    filled = {p.name: re.sub(r"<(?:path:)?(\w+)>", lambda found: str(known[found[1]]), p.address) for p in SITE}
    return {name: address + asked.get(name, "") for name, address in filled.items()}


def serve(ledger):
    """Serve the pages of a ledger on a free port; returns their address."""
    import flask
    from werkzeug.serving import make_server

    reader = page_routes.reader_of(ledger)
    page_routes.page_reader = lambda: reader
    page_routes.reader_scope = lambda _: page_readers.EVERYTHING
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask("benchmark")
    page_routes.add_pages(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return reader, f"http://127.0.0.1:{server.server_port}/aims/"


def measure(address, browsers, asks):
    """Return the milliseconds of each answer to a page that several browsers ask for at once."""
    import requests

    def browse(_):
        took, session = [], requests.Session()
        for _ in range(asks):
            started = time.perf_counter()
            answer = session.get(address, timeout=120)
            took.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{address}: {answer.status_code} {answer.text[:300]}")
        return took

    with ThreadPoolExecutor(browsers) as pool:
        return [each for took in pool.map(browse, range(browsers)) for each in took]


def memory():
    """Return the MiB of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def one_round(number, reader, root, asked):
    """Ask for each page; return a line for each, with what the whole round added to the process's memory."""
    begun, lines = memory(), []
    for name, address in addresses(reader.shared).items():
        took = sorted(measure(root + address, asked.browsers, asked.asks))
        p99 = took[min(int(len(took) * 0.99), len(took) - 1)]
        figures = {"median_ms": round(statistics.median(took), 1), "p99_ms": round(p99, 1)}
        lines.append({"page": name, "round": number, **figures, "asks": len(took), "memory_mib": round(memory())})
    grown = round(memory() - begun, 1)
    return [{**line, "memory_grows_mib": grown} for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the ledger, to try the script")
    sizes = {
        "systems": 200,
        "versions": 5000,
        "records": 100_000,
        "documents": 2000,
        "browsers": 8,
        "asks": 20,
        "rounds": 3,
    }
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    part = 100 if asked.quick else 1
    systems, versions = max(asked.systems // part, 2), max(asked.versions // part, 2)
    with tempfile.TemporaryDirectory() as folder:
        made, each = MadeUpLedger(Path(folder)), max(asked.records // asked.versions, 2)
        for number in range(versions):
            made.add(number, number % systems, each, in_use=number >= versions - systems)
        made.publish(max(asked.documents // part, len(OF_ALL)), systems)
        reader, root = serve(made.ledger)
        while not reader.shared.index.refresh(reader.shared.view):
            pass
        for number in range(1, asked.rounds + 1):
            for line in one_round(number, reader, root, asked):
                print(json.dumps(line) if asked.json else _told(line), flush=True)


def _told(line):
    return (
        f"{line['round']} {line['page']:10} {line['median_ms']:8.1f} ms  p99 {line['p99_ms']:8.1f} ms  "
        f"{line['memory_mib']:6} MiB, this round {line['memory_grows_mib']:+.1f}"
    )


if __name__ == "__main__":
    main()
