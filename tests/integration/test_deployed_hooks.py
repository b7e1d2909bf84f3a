"""What a platform team deploys: the start script runs a gated server."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.server import free_port
from aims_mlflow.settings import environment

SCRIPT = Path(__file__).parents[2] / "hooks" / "gated-server" / "serve.sh"


@pytest.fixture
def settings(tmp_path):
    port = free_port()
    values = {
        "AIMS_POLICY": str(tmp_path / "policy"),
        "AIMS_HOME": str(tmp_path / "home"),
        "DATABASE": f"sqlite:///{tmp_path}/mlflow.db",
        "ARTIFACTS": str(tmp_path / "artifacts"),
        "PORT": str(port),
    }
    (tmp_path / "server.env").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return values, {**os.environ, "SETTINGS": str(tmp_path / "server.env"), "PATH": path}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here: serve.sh needs it")
def test_the_start_script_refuses_without_a_policy_and_serves_with_one(settings, tmp_path):
    values, variables = settings
    refused = subprocess.run([str(SCRIPT)], env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "aims gate init" in refused.stderr
    with environment({k: values[k] for k in ("AIMS_POLICY", "AIMS_HOME")}):
        run_command("gate", "init")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(SCRIPT)],
            env=variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=tmp_path,  # not the checkout, which the server would import: what is installed is what is tried
        )
    try:
        url = f"http://127.0.0.1:{values['PORT']}"
        ends = time.monotonic() + 90
        while time.monotonic() < ends:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        code = "from aims_mlflow.cli.main import main; main()"
        asked = subprocess.run(
            [sys.executable, "-c", code, "gate", "status", url], capture_output=True, text=True, check=False
        )
        assert asked.returncode == 0, (tmp_path / "log").read_text()[-2000:]
        assert asked.stdout.startswith("gated (enforce)")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
