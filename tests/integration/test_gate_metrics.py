"""The gate's counters on MLflow's own /metrics, summed over its workers."""

import re
import shutil
import urllib.request

import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from support import trainings
from support.gated_registry import Gated, refused
from support.trainings import train

pytest.importorskip("prometheus_flask_exporter", reason="prometheus-flask-exporter is not installed")
pytestmark = pytest.mark.timeout(300)
SAMPLE = re.compile(r"^(aims_gate_\w+)(?:\{(.*)\})? ([0-9.]+)$", re.MULTILINE)


class MeasuredServer(GatedServer):
    """A gated server that exposes its counters."""

    workers = 1

    def command(self):
        whole = super().command()
        whole[whole.index("--workers") + 1] = str(self.workers)
        return [*whole, "--expose-prometheus", str(self.folder / "metrics")]


def counted(server):
    """Return {(counter, sorted labels): value} as Prometheus reads it."""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        text = answer.read().decode()
    return {(name, tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))): float(value)
            for name, labels, value in SAMPLE.findall(text)}  # fmt: skip


def labels(**named):
    return tuple(sorted(named.items()))


@pytest.mark.parametrize("workers", [1, pytest.param(4, marks=pytest.mark.full)])
def test_decisions_refusals_and_errors_are_counted_over_all_workers(tmp_path, clean_state, workers):
    import mlflow

    office = Office(tmp_path)
    set_up(office, run_command)
    server = MeasuredServer(tmp_path / "server", office.environment())
    server.workers = workers
    with server, Gated(office, server).as_trainer():
        client = mlflow.MlflowClient()
        _, uri = train("loans", frame=trainings.table(3000))
        client.create_registered_model("loans")
        for number in range(6):
            client.create_model_version("loans", uri, model_id=uri.removeprefix("models:/"), description=str(number))
            refused(client.set_registered_model_alias, "loans", "champion", str(number + 1))
        refused(client.create_registered_model, "aims.mine")
        ledger = server.folder / "mlflow.db.aims.db"
        ledger.rename(f"{ledger}.kept")
        try:
            refused(client.set_registered_model_alias, "loans", "production", "1")
        finally:
            ledger.unlink(missing_ok=True)
            (ledger.parent / f"{ledger.name}.kept").rename(ledger)
        for _ in range(3):  # whichever worker answers, it answers for all
            found = counted(server)
            decisions, enforce = "aims_gate_decisions_total", {"mode": "enforce"}
            assert found[decisions, labels(stage="registration", result="allowed", **enforce)] == 6
            assert found[decisions, labels(stage="deployment", result="refused", **enforce)] == 6
            assert found["aims_gate_refusals_total", ()] == 8
            assert sum(v for (name, _), v in found.items() if name == "aims_gate_errors_total") == 1
    if workers > 1:
        they_go_on_after_a_restart_until_the_folder_is_emptied(server)


def they_go_on_after_a_restart_until_the_folder_is_emptied(server):
    with server:
        assert counted(server)["aims_gate_refusals_total", ()] == 8
    shutil.rmtree(server.folder / "metrics")
    with server:
        assert counted(server).get(("aims_gate_refusals_total", ()), 0) == 0
