"""Each of the auditor's pages, asked by several browsers at once, over a made-up ledger.

    python benchmarks/pages.py [--json] [--quick] [--systems N] [--versions N] [--records N] [--documents N]
                               [--browsers N] [--asks N]

One line for each page. Server and browsers are threads of this one process, so that the browsers' own
work is in the figures. Documents are published and approved: some
of the organisation, and those of one system after another.
"""

import argparse
import json
import logging
import re
import resource
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

    source = page_routes.source_of(ledger)
    page_routes.shared_source = lambda: source
    page_routes.reader_scope = lambda _: page_readers.EVERYTHING
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask("benchmark")
    page_routes.add_pages(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return source, f"http://127.0.0.1:{server.server_port}/aims/"


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the ledger, to try the script")
    sizes = {"systems": 200, "versions": 5000, "records": 100_000, "documents": 2000, "browsers": 8, "asks": 20}
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
        source, root = serve(made.ledger)
        while not source.index.refresh(source.view):
            pass
        for name, address in addresses(source).items():
            measure(root + address, 1, 2)  # states that were never judged are judged once
            took = sorted(measure(root + address, asked.browsers, asked.asks))
            p99 = took[min(int(len(took) * 0.99), len(took) - 1)]
            line = {
                "page": name,
                "median_ms": round(statistics.median(took), 1),
                "p99_ms": round(p99, 1),
                "asks": len(took),
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            print(
                json.dumps(line)
                if asked.json
                else f"{name:10} {line['median_ms']:8.1f} ms  p99 {line['p99_ms']:8.1f} ms"
            )


if __name__ == "__main__":
    main()
