"""A platform team's first hour: policy, a trusted key, a gated server, and a model that is refused.

    python examples/platform_team.py

The same in plain commands: docs/gate.md and hooks/gated-server/serve.sh.
"""

import os
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

from aims_mlflow.cli.main import cli
from aims_mlflow.demo.server import GatedServer

FOLDER = Path(os.environ.get("EXAMPLE_DIR") or tempfile.mkdtemp(prefix="aims-example-"))
SETTINGS = {"AIMS_POLICY": str(FOLDER / "policy"), "AIMS_HOME": str(FOLDER / "platform")}


def aims(*args: str) -> None:
    print(f"$ aims {' '.join(args)}", flush=True)
    cli.main(args=list(args), standalone_mode=False)


if __name__ == "__main__":
    os.environ.update(SETTINGS)
    aims("gate", "init")
    aims("keys", "new", str(FOLDER / "ana.pem"))
    aims("gate", "lint")
    with GatedServer(FOLDER / "server", SETTINGS) as server:
        mlflow.set_tracking_uri(server.url)
        aims("gate", "status", server.url)
        with mlflow.start_run():
            logged = mlflow.sklearn.log_model(LogisticRegression().fit([[0], [1]], [0, 1]), name="model")
        try:
            mlflow.register_model(logged.model_uri, "loan-screening")
        except MlflowException as refusal:
            print(f"refused: a model without evidence\n{refusal.message}")
