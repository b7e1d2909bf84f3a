"""The server is killed in the middle of decisions: ledger and registry agree again, or the reconciler closes it.

Two of three kills are held open on purpose, by a lock on a database: one between the sealed decision and the registry's
commit, one between the commit and its outcome. The third comes at a random moment in a storm of changes.
"""

import contextlib
import http.client
import json
import os
import random
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from pathlib import Path

import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.ledger.ledger import Ledger
from support import commands, trainings
from support.commands import command
from support.fresh_database import fresh_database
from support.gated_registry import Gated
from support.server_matrix import Row, RowServer, running, workers_of
from support.trainings import train

pytestmark = pytest.mark.timeout(1500)
# What the reconciler closes after a kill of each kind: a change that did not take place, one that did, or either.
EXPECTED = {
    "before the commit": ([False],),
    "after the commit": ([True],),
    "in a storm": ([], [False], [True]),
}
KINDS = tuple(EXPECTED)
STAGES = ("registration", "deployment")


class Client:
    """Changes the registry over REST without trying again, and keeps every status that it got."""

    def __init__(self, server, uri):
        self.server, self.uri = server, uri
        self.statuses = Counter()

    def post(self, method, **body):
        request = urllib.request.Request(
            f"{self.server.url}/api/2.0/mlflow/{method}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.statuses[answer.status] += 1
                return json.loads(answer.read())
        except urllib.error.HTTPError as exc:
            self.statuses[exc.code] += 1
            raise

    def register(self):
        tags = [{"key": "call", "value": uuid.uuid4().hex}]
        model_id = self.uri.removeprefix("models:/")
        made = self.post("model-versions/create", name="loans", source=self.uri, model_id=model_id, tags=tags)
        return made["model_version"]["version"]

    def move_alias(self, version):
        self.post("registered-models/alias", name="loans", alias="champion", version=version)

    def storm(self, ends, done):
        """Register versions and move the alias until the server is gone."""
        while not ends.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.move_alias(self.register())
                done.release()


class Databases:
    """The registry's and the ledger's databases, as somebody beside the server sees and locks them."""

    def __init__(self, server):
        self.registry, self.ledger = server.folder / "mlflow.db", server.folder / "mlflow.db.aims.db"

    @contextlib.contextmanager
    def locked(self, path):
        """Let nobody else write to a database; everybody reads."""
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    def ask(self, path, query):
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
            return connection.execute(query).fetchone()[0]

    def open_changes(self):
        """Return how many decisions have no outcome."""
        count = "SELECT count(*) FROM aims_leaves WHERE type = '{}'".format
        return self.ask(self.ledger, f"SELECT ({count('decision')}) - ({count('outcome')})")

    def state(self):
        """Return what changes with every commit to the registry that is looked at here."""
        versions = self.ask(self.registry, "SELECT count(*) FROM model_versions")
        alias = "SELECT coalesce(max(version), 0) FROM registered_model_aliases WHERE alias = 'champion'"
        return versions, self.ask(self.registry, alias)


def wait_for(condition, what):
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


def kill(server):
    os.killpg(server._process.pid, signal.SIGKILL)
    server._process.wait(10)


def kill_an_open_change(server, change, kind):
    """Kill the server while a change is announced and not carried out, or carried out and not sealed."""
    databases = Databases(server)
    with contextlib.ExitStack() as locks:
        of_registry = locks.enter_context(contextlib.ExitStack())
        of_registry.enter_context(databases.locked(databases.registry))
        before = databases.state()
        thread = threading.Thread(target=quietly, args=(change,))
        thread.start()
        wait_for(lambda: databases.open_changes() == 1, "the decision is not sealed")
        if kind == "after the commit":
            locks.enter_context(databases.locked(databases.ledger))
            of_registry.close()
            wait_for(lambda: databases.state() != before, "the registry does not change")
        kill(server)
        assert databases.open_changes() == 1
        assert (databases.state() == before) == (kind == "before the commit")
    thread.join(30)


def quietly(change):
    with contextlib.suppress(OSError, http.client.HTTPException):
        change()


def kill_in_a_storm(server, client, seconds):
    """Kill the server a moment after it has carried out some changes: its first one takes seconds."""
    ends, done = threading.Event(), threading.Semaphore(0)
    threads = [threading.Thread(target=client.storm, args=(ends, done), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        assert done.acquire(timeout=120), "the storm does not reach the registry"
    time.sleep(seconds)
    kill(server)
    ends.set()
    for thread in threads:
        thread.join(30)


def reconcile(server):
    ledger = f"sqlite:///{server.folder}/mlflow.db.aims.db"
    _, said = command(
        "gate", "reconcile", "--json", "--ledger", ledger, "--registry", server.url, "--tracking", server.url
    )
    return json.loads(said)


def agree(ledger):
    """Every allowed decision has one outcome, and the registry is what the outcomes say; returns the outcomes."""
    import mlflow

    from aims_mlflow.registry.reading import model

    leaves = [leaf.content for leaf in ledger.leaves()]
    announced = [x["request"] for x in leaves if x["type"] == "decision" and x["allowed"]]
    outcomes = [x for x in leaves if x["type"] == "outcome"]
    assert [x["request"] for x in outcomes] == announced
    done = {stage: [x["version"] for x in outcomes if x["done"] and x["stage"] == stage] for stage in STAGES}
    found = model(mlflow.MlflowClient(), "loans")
    assert sorted(found.versions) == sorted(done["registration"])
    assert found.aliases.get("champion") == (done["deployment"] or [None])[-1]
    return outcomes


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.full)])
def test_after_a_kill_ledger_and_registry_agree_again(tmp_path, clean_state, times):
    office = Office(tmp_path)
    set_up(office, run_command)
    server = start(office)
    server.folder.mkdir()
    fresh_database(server.folder)
    with server, Gated(office, server).as_trainer():
        client = Client(server, make_ready(office, server))
        kill_somehow(server, client, 0)
    settled = Counter()
    for number in range(1, times + 1):
        client.server = server = start(office)
        with server, Gated(office, server).as_trainer():
            first, second = reconcile(server), reconcile(server)
            assert (first["findings"], second["findings"], second["settled"]) == ([], [], [])
            kind = KINDS[(number - 1) % len(KINDS)]
            assert [x["done"] for x in first["settled"]] in EXPECTED[kind]
            settled[kind] += len(first["settled"])
            outcomes = agree(Ledger(f"sqlite:///{server.folder}/mlflow.db.aims.db"))
            if number < times:
                kill_somehow(server, client, number)
    assert set(client.statuses) == {200}
    assert [settled[k] for k in KINDS[:2]] == [-(-times // 3), -(-(times - 1) // 3)]
    assert len(outcomes) > 4 * (times // 3)


def start(office):
    return GatedServer(office.folder / "server", office.environment())


def make_ready(office, server):
    """Register a model whose bytes are approved for champion."""
    import mlflow

    _, uri = train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans").version
    with Gated(office, server).as_approver():
        commands.aims("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    return uri


def kill_somehow(server, client, number):
    kind = KINDS[number % len(KINDS)]
    if kind == "in a storm":
        kill_in_a_storm(server, client, random.Random(number).random() * 0.5)
        return
    # Versions and aliases by turns: each is found in the registry in another way.
    alias = number // len(KINDS) % 2 == (kind == "before the commit")
    version = client.register()
    change = (lambda: client.move_alias(version)) if alias else client.register
    kill_an_open_change(server, change, kind)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["before the commit", "after the commit", "after the outcome was sent"])
def test_after_a_kill_on_postgresql_ledger_and_registry_agree_again(tmp_path, request, clean_state, kind):
    import sqlalchemy as sa

    lock = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE".format
    with running(Row("postgresql", 2), tmp_path, request) as gate, gate.as_trainer():
        client = Client(gate.server, make_ready(gate.office, gate.server))
        version = client.register()
        engine = sa.create_engine(gate.server.database)
        with contextlib.ExitStack() as of_ledger, engine.connect() as of_registry:
            of_registry.execute(sa.text(lock("registered_model_aliases")))
            thread = threading.Thread(target=quietly, args=(lambda: client.move_alias(version),))
            thread.start()
            wait_for(lambda: len(gate.leaves("decision")) > len(gate.leaves("outcome")), "the decision is not sealed")
            if kind != "before the commit":
                connection = of_ledger.enter_context(engine.connect())
                connection.execute(sa.text(lock("aims.aims_leaves")))
                of_registry.rollback()
                wait_for(lambda: waiting(engine), "the outcome is not sent")
            kill(gate.server)
            if kind == "after the commit":  # the host went down with its connections
                waiting(engine, end=True)
        thread.join(30)
        # It was sent with its commit, which PostgreSQL carries out for a client that is gone.
        if kind == "after the outcome was sent":
            wait_for(lambda: len(gate.leaves("decision")) == len(gate.leaves("outcome")), "the outcome is not sealed")
        engine.dispose()
        gate.server = RowServer(
            gate.server.folder,
            gate.office.environment(),
            gate.row,
            str(engine.url.render_as_string(False)),
            gate.server.root,
        )
        with gate.server, gate.as_trainer():
            where = ("--ledger", gate.ledger_uri, "--registry", gate.url, "--tracking", gate.url)
            said = json.loads(command("gate", "reconcile", "--json", *where)[1])
            settled = {"before the commit": [False], "after the commit": [True], "after the outcome was sent": []}[kind]
            assert (said["findings"], [x["done"] for x in said["settled"]]) == ([], settled)
            assert all(each["control"] == "A.6.2.8" for each in said["settled"])
            assert holder(engine) == (None if kind == "before the commit" else version)
            agree(gate.ledger)
            client.server = gate.server
            client.move_alias(version)
            agree(gate.ledger)
        assert set(client.statuses) == {200}


def waiting(engine, *, end=False):
    """Return how many of the server's connections wait for a lock; with `end`, end them."""
    import sqlalchemy as sa

    what = "sum(CASE WHEN pg_terminate_backend(pid) THEN 1 END)" if end else "count(*)"
    query = f"SELECT {what} FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with engine.connect() as connection:
        return connection.execute(sa.text(query)).scalar()


def holder(engine):
    """Return the version that has the alias in the registry's own table."""
    import sqlalchemy as sa

    query = "SELECT version FROM registered_model_aliases WHERE alias = 'champion'"
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).scalar()
    return str(found) if found is not None else None


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="workers are found by /proc")
def test_killed_workers_on_postgresql_let_go_of_the_model(tmp_path, request, clean_state):
    """The server goes on with new workers: their first change of the model closes what the dead ones left open."""
    import sqlalchemy as sa

    with running(Row("postgresql", 2), tmp_path, request) as gate, gate.as_trainer():
        client = Client(gate.server, make_ready(gate.office, gate.server))
        versions = [client.register() for _ in range(2)]
        engine = sa.create_engine(gate.server.database)
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE registered_model_aliases IN SHARE ROW EXCLUSIVE MODE"))
            thread = threading.Thread(target=quietly, args=(lambda: client.move_alias(versions[0]),))
            thread.start()
            wait_for(lambda: len(gate.leaves("decision")) > len(gate.leaves("outcome")), "the decision is not sealed")
            killed = workers_of(gate.server)
            for worker in killed:
                os.kill(worker, signal.SIGKILL)
            thread.join(30)
        assert len(killed) == 2
        wait_for(lambda: len(set(workers_of(gate.server)) - set(killed)) == 2, "no new workers")
        client.move_alias(versions[1])
        *_, lost, last = gate.leaves("outcome")
        assert (lost["done"], lost["closed_by"], lost["version"]) == (False, "the next change", versions[0])
        assert (last["done"], last["version"]) == (True, versions[1])
        agree(gate.ledger)
        assert set(client.statuses) == {200}
