"""Half an hour of load on a gated server, through restarts of database and server and through slow stores.

Eight client processes make versions, set aliases and tags, and read, on PostgreSQL and S3 with two workers. The length is
`AIMS_SOAK_MINUTES` (30). At the end ledger and registry agree, no lock is held, and the server's memory is flat.

Memory is what all processes of the server took themselves (RssAnon: pages of files do not count, which the system drops
when it wants), measured once a second: the median of the last third is at most a tenth above that of the middle third. The
server is restarted in the first third alone, so that both are of the same processes. Threads and open files are compared in
the same way.
"""

import json
import math
import os
import re
import time
from collections import Counter
from datetime import datetime

import pytest
import sqlalchemy as sa

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo import server
from aims_mlflow.demo.people import Office, set_up
from support import commands, trainings
from support.commands import command
from support.postgresql import new_database, running_server
from support.server_matrix import AWS, Row, RowServer, Running, bucket
from support.slow_proxy import SlowProxy
from support.soak import PARTS, WAIT, Events, Load, Usage, go_through
from support.soak_client import LONGEST
from support.trainings import train

MINUTES = float(os.environ.get("AIMS_SOAK_MINUTES", "30"))
NAMES = ("loans", "cards", "leases", "funds")
GATED = ("create", "create without evidence", "alias")
FLAT = 1.1

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600 + 120 * MINUTES)]


class KeptServer(RowServer):
    """A server that is started again at the same port, and keeps the log of before."""

    @property
    def process_group(self):
        return self._process.pid

    def keep_log(self):
        log = self.folder / "server.log"
        log.rename(log.with_name(f"server-{time.monotonic_ns()}.log"))

    @property
    def logs(self):
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("server*.log"))


def test_after_a_soak_ledger_and_registry_agree(tmp_path, s3, clean_state, monkeypatch):
    monkeypatch.setattr(server, "START_SECONDS", 900)  # it starts three times beside eight clients
    with running_server() as postgres, SlowProxy(lambda: socket_of(postgres)) as database_door:
        where = s3["MLFLOW_S3_ENDPOINT_URL"].rpartition(":")
        with SlowProxy(lambda: ("127.0.0.1", int(where[2]))) as store_door:
            gate = gate_of(tmp_path, postgres, s3, database_door, store_door)
            with gate.server, gate.as_trainer():
                sources = prepare(gate)
                with Usage(gate.server) as usage:
                    with Load(tmp_path, gate.server.port, NAMES, sources) as load:
                        happened = go_through(
                            Events(gate.server, postgres, database_door, store_door), load, usage, 60 * MINUTES
                        )
                    report(load, usage, happened, tmp_path)
                answers_are_as_they_should_be(load, happened)
                no_lock_is_held(gate)
                ledger_and_registry_agree(gate, load.answers)
                memory_is_flat(usage)


def socket_of(postgres):
    return str(postgres.get_postmaster_info().socket_path)


def gate_of(folder, postgres, s3, database_door, store_door):
    office = Office(folder)
    set_up(office, run_command)
    address = sa.make_url(new_database(postgres))
    through = f"postgresql+psycopg://postgres:@127.0.0.1:{database_door.port}/{address.database}"
    root = "s3://soak"
    bucket(s3, root).create(CreateBucketConfiguration={"LocationConstraint": AWS["AWS_DEFAULT_REGION"]})
    variables = {
        **office.environment(),
        **s3,
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{store_door.port}",
        "AIMS_WAIT_SECONDS": str(WAIT),
    }
    row = Row("postgresql", 2, storage="s3")
    return Running(office, KeptServer(folder / "server", variables, row, through, root), row, s3)


def prepare(gate):
    """Register the first version of each model, approved for champion; returns what clients register, and must not."""
    import mlflow

    gate.take_any_number_of_changes()
    _, good = train("loans", frame=trainings.table(3000))
    for name in NAMES:
        mlflow.register_model(good, name)
        with gate.as_approver():
            commands.aims("approve", f"models:/{name}/1", "--stage", "deployment", "--alias", "champion")
    return good, trainings.plain_model()


def report(load, usage, happened, folder):
    """Write down what was measured, in a file beside those of the clients."""
    answers = load.answers
    said = Counter((a["what"], a["status"], re.sub(r"[0-9a-f-]{8,}", "…", a["said"])[:200]) for a in answers)
    text = {
        "answers": len(answers),
        "longest answer, seconds": max(a["seconds"] for a in answers),
        "seconds of each event, until every client was served": [(e, b - a) for e, a, b in happened],
        "used by the server: MiB, threads, files": {part: usage.median(part) for part in PARTS},
        "said": [[*what, times] for what, times in said.most_common()],
    }
    (folder / "report.json").write_text(json.dumps(text, indent=1, ensure_ascii=False))


def answers_are_as_they_should_be(load, happened):
    """The clients ended by themselves, no call waited without end, and the gate answered each change by yes or no.

    A 503 of this code is MLflow's own, the gate has none: before a version is made its handler asks the database for the
    logged model, and once an alias is set and sealed, what kind of model it was.
    """
    assert set(load.codes) == {0}
    answers = load.answers
    starts = [(begun, ended) for event, begun, ended in happened if event.startswith("server")]
    there = [a for a in answers if not any(begun <= a["begun"] <= ended for begun, ended in starts)]
    assert not [a for a in there if a["seconds"] >= LONGEST]
    gated = [a for a in answers if a["what"] in GATED]
    others = [a for a in gated if a["status"] not in (0, 200, 403)]
    assert all(a["status"] == 503 and "TEMPORARILY_UNAVAILABLE" in a["said"] for a in others), others
    assert not [a for a in gated if a["what"] == "create without evidence" and a["status"] == 200]
    assert {a["client"] for a in gated if a["status"] == 200} == set(range(len(load.clients)))


def no_lock_is_held(gate):
    """No lock of a model, no open transaction in the databases; and each model takes a change at once."""
    import mlflow

    engine = sa.create_engine(gate.server.database)
    questions = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
    )
    ends = time.monotonic() + 30
    while True:
        with engine.connect() as connection:
            held = [connection.execute(sa.text(question)).scalar() for question in questions]
        if held == [0, 0]:
            break
        assert time.monotonic() < ends, held
        time.sleep(1)
    engine.dispose()
    for name in NAMES:
        mlflow.MlflowClient().set_registered_model_alias(name, "champion", "1")


def ledger_and_registry_agree(gate, answers):
    """What was answered with 200 is sealed and in the registry, and each version and alias there has its decision."""
    import mlflow

    from aims_mlflow.registry.reading import model

    status, said = command("gate", "reconcile", "--json", "--ledger", gate.ledger_uri)
    assert (status, json.loads(said)["findings"]) == (0, []), said
    status, said = command("gate", "reconcile", "--json", "--ledger", gate.ledger_uri)
    said = json.loads(said)
    assert (status, said["findings"], said["settled"]) == (0, [], []), said
    status, said = command("ledger", "verify", "--ledger", gate.ledger_uri)
    assert status == 0, said
    told = [a for a in answers if a["status"] == 200]
    for name in NAMES:
        leaves = [json.loads(leaf.data) for leaf in gate.ledger.leaves(model_name=name)]
        found = model(mlflow.MlflowClient(), name)
        done = done_changes(leaves)
        made = {x["version"]: x["request"] for x in done if x["stage"] == "registration"}
        assert {number: v.tags["aims.request"] for number, v in found.versions.items()} == made
        assert found.aliases["champion"] == [x["version"] for x in done if x["stage"] == "deployment"][-1]
        sets = [x for x in done if x["stage"] == "deployment"]
        mine, tags = [a for a in told if a["name"] == name], mlflow.MlflowClient().get_registered_model(name).tags
        for a in mine:
            if a["what"] == "create":
                assert found.versions[a["version"]].tags["call"] == a["key"]
            elif a["what"] == "tag":
                assert found.versions[a["version"]].tags[a["key"]] == "on"
            elif a["what"] == "model tag":
                assert tags[a["key"]] == "on"
            elif a["what"] == "alias":
                assert has_held(sets, a), a


def has_held(sets, answer):
    """Return whether a version had the alias at a moment of the call that says so.

    A call that repeats the last change of the alias changes nothing, and seals nothing.
    """
    begun, ended = answer["begun"], answer["begun"] + answer["seconds"]
    since = [datetime.fromisoformat(x["time"]).timestamp() for x in sets]
    until = [*since[1:], math.inf]
    return any(
        x["version"] == answer["version"] and since <= ended and begun <= until
        for x, since, until in zip(sets, since, until, strict=True)
    )


def done_changes(leaves):
    """Return the outcomes of what took place; each allowed decision has exactly one outcome."""
    outcomes = [x for x in leaves if x["type"] == "outcome"]
    announced = Counter(x["request"] for x in leaves if x["type"] == "decision" and x["allowed"])
    assert Counter(x["request"] for x in outcomes) == announced
    assert set(announced.values()) == {1}
    return [x for x in outcomes if x["done"]]


def memory_is_flat(usage):
    middle, last = usage.median("middle"), usage.median("last")
    assert {k for k in middle if last[k] > FLAT * middle[k]} == set(), (middle, last)
