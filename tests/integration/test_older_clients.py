"""Clients of older MLflow releases on a gated server: the skinny distribution in environments that are made here."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from support import gated_registry, trainings

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]
ROOT = Path(__file__).parents[2]
# What loads the model that is trained here, as the server's own environment has it.
LOADS = ("numpy", "pandas", "scikit-learn", "scipy", "skops")
UNREACHED = (
    "No matching distribution",
    "Could not find a version",
    "ConnectionError",
    "Temporary failure",
    "timed out",
)
LOAD = """
import aims_mlflow as aims
from aims_mlflow.errors import AimsError

try:
    print(type(aims.load_model("models:/loans@champion")).__name__)
except AimsError as exc:
    print(exc.sentence())
"""
ALIAS = "import mlflow; mlflow.MlflowClient().set_registered_model_alias('loans', 'champion', '1')"


class Client:
    """An environment with one release of mlflow-skinny, and nothing of this test's own."""

    def __init__(self, folder, release):
        self.bin = folder / "bin"
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
        loads = [f"{name}=={version(name)}" for name in LOADS]
        wanted = [f"{ROOT / 'skinny'}[ledger]", f"mlflow-skinny=={release}", *loads]
        command = [str(self.bin / "pip"), "install", "--quiet", "--disable-pip-version-check", *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)
        if any(word in done.stderr for word in UNREACHED):
            pytest.skip(f"MLflow {release} is not to be had from the package index here")
        assert done.returncode == 0, done.stderr[-2000:]

    def run(self, program, *args, gate, key):
        """Run a program of the environment as a person; returns (exit status, what it printed, its errors)."""
        variables = {
            "PATH": os.environ["PATH"], "HOME": str(self.bin.parent), "AIMS_HOME": str(self.bin.parent / "home"),
            "AIMS_LEDGER_URI": f"sqlite:///{gate.server.folder}/mlflow.db.aims.db", "AIMS_SIGNING_KEY": f"file:{key}",
            "AIMS_POLICY": str(gate.office.policy), "MLFLOW_TRACKING_URI": gate.url, "MLFLOW_DISABLE_TELEMETRY": "true",
        }  # fmt: skip
        command = [str(self.bin / program), *args]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env=variables, cwd=self.bin.parent
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("release", "loaded"),
    [("3.1.4", "this MLflow (3.1.4) does not load models in the format skops"), ("3.10.1", "PyFuncModel")],
)
def test_the_clients_commands_work_with_an_older_mlflow(tmp_path, clean_state, release, loaded):
    import mlflow

    client = Client(tmp_path / "client", release)
    with gated_registry.gated_server(tmp_path / "office") as gate, gate.as_trainer():
        _, uri = trainings.train("loans", frame=trainings.table(3000))
        mlflow.register_model(uri, "loans")

        def said(program, *args, status=0):
            code, out, err = client.run(program, *args, gate=gate, key=gate.office.approver)
            assert code == status, (args, out, err)
            return out + err

        assert said("python", "-c", "import mlflow; print(mlflow.__version__)").strip() == release
        assert "gated" in said("aims", "gate", "status", gate.url)
        assert "approval" in said("aims", "gate", "explain", "models:/loans/1", "--stage", "deployment", status=1)
        said("aims", "gate", "explain", "models:/loans/1", "--stage", "registration")
        said(
            "aims", "approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion", "--comment", "read it"
        )
        said("python", "-c", ALIAS)
        history = said("aims", "gate", "history", "loans")
        assert "champion" in history
        assert json.loads(said("aims", "gate", "reconcile", "--json"))["findings"] == []
        said("aims", "gate", "findings")
        assert "verified" in said("aims", "verify", "models:/loans/1")
        assert "verified" in said("aims", "verify", "models:/loans@champion", "--at-load")
        assert "verified" in said("aims", "ledger", "verify")
        assert loaded in said("python", "-c", LOAD)
