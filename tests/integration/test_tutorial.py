"""The tutorial runs as it is written: its files are saved, and its commands are typed, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "first-evidence.md").read_text()
BLOCKS = re.findall(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)
SKIPPED = (
    "python3 -m venv",
    "mlflow server",
)  # the test's environment is installed; a person looks at the server's pages


def test_the_tutorial_runs(tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AIMS_HOME": str(tmp_path / "home"),
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
    }
    folder = tmp_path / "empty"
    folder.mkdir()
    run, commands = "RUN", 0
    for language, title, text in BLOCKS:
        if title:
            (folder / title).write_text(text)
        elif language == "sh" and not any(start in text for start in SKIPPED):
            done = subprocess.run(
                ["/bin/sh", "-e", "-c", text.replace("RUN", run)],
                cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            run = next(iter(re.findall(r"run ([0-9a-f]{32})", done.stdout + done.stderr)), run)
            commands += 1
    assert commands == 4
    assert "verified" in done.stdout
