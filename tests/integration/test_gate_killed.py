"""The server is killed in the middle of decisions: ledger and registry agree again, or the reconciler closes it."""

import contextlib
import json
import os
import random
import signal
import threading
import time
import urllib.request
import uuid

import gated
import pytest
from click.testing import CliRunner
from gated import Gated, train

from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer

pytestmark = pytest.mark.timeout(900)


def post(url, method, **body):
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{method}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def storm(url, uri, ends, done):
    """Register versions and move the alias until the server is gone; no call is tried again."""
    while not ends.is_set():
        with contextlib.suppress(OSError):
            made = post(
                url,
                "model-versions/create",
                name="loans",
                source=uri,
                model_id=uri.removeprefix("models:/"),
                tags=[{"key": "call", "value": uuid.uuid4().hex}],
            )
            version = made["model_version"]["version"]
            post(url, "registered-models/alias", name="loans", alias="champion", version=version)
            done.release()


def kill_in_the_middle(server, uri, seconds):
    """Kill the server a moment after it has carried out some changes: its first one takes seconds."""
    ends, done = threading.Event(), threading.Semaphore(0)
    threads = [threading.Thread(target=storm, args=(server.url, uri, ends, done), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        assert done.acquire(timeout=60), "the storm does not reach the registry"
    time.sleep(seconds)
    os.killpg(server._process.pid, signal.SIGKILL)
    ends.set()
    for thread in threads:
        thread.join(30)
    server._process.wait(10)


def reconcile(server):
    from aims_mlflow.cli.main import cli

    ledger = f"sqlite:///{server.folder}/mlflow.db.aims.db"
    args = ["gate", "reconcile", "--json", "--ledger", ledger, "--registry", server.url, "--tracking", server.url]
    done = CliRunner().invoke(cli, args, standalone_mode=False)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


def agree(server):
    """Every allowed decision has one outcome, and the registry has the versions that the outcomes say."""
    from aims_mlflow.evidence.ledger import Ledger

    leaves = [leaf.content for leaf in Ledger(f"sqlite:///{server.folder}/mlflow.db.aims.db").leaves()]
    announced = sorted(x["request"] for x in leaves if x["type"] == "decision" and x["allowed"])
    outcomes = [x for x in leaves if x["type"] == "outcome"]
    assert sorted(x["request"] for x in outcomes) == announced
    made = {x["version"] for x in outcomes if x["done"] and x.get("stage") == "registration"}
    found, token = set(), None
    while True:
        page = post_search(server.url, token)
        found |= {v["version"] for v in page.get("model_versions", ())}
        token = page.get("next_page_token")
        if not token:
            break
    assert {str(v) for v in found} == {str(v) for v in made}
    return outcomes


def post_search(url, token):
    query = "filter=name%3D%27loans%27&max_results=200" + (f"&page_token={token}" if token else "")
    with urllib.request.urlopen(f"{url}/api/2.0/mlflow/model-versions/search?{query}", timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.full)])
def test_after_a_kill_ledger_and_registry_agree_again(tmp_path, clean_state, times):
    office = Office(tmp_path)
    set_up(office)
    server = GatedServer(tmp_path / "server", office.environment())
    with server, Gated(office, server).as_trainer():
        import mlflow

        _, uri = train("loans", frame=gated.table(3000))
        version = mlflow.register_model(uri, "loans").version
        with Gated(office, server).as_approver():
            gated.aims("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    chance = random.Random(7)
    for _ in range(times):
        server = GatedServer(tmp_path / "server", office.environment())
        with server:
            kill_in_the_middle(server, uri, chance.random() * 0.5)
        server = GatedServer(tmp_path / "server", office.environment())
        with server, Gated(office, server).as_trainer():
            first, second = reconcile(server), reconcile(server)
            assert (first["findings"], second["findings"], second["settled"]) == ([], [], [])
            outcomes = agree(server)
    assert len(outcomes) > 4 * times
