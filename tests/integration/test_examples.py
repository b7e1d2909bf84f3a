"""Every example runs as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [
    "auditor.py",
    "data_scientist.py",
    "gated_training.py",
    "images.py",
    "loans.py",
    "notebook_style.py",
    "platform_team.py",
]


def run(name, folder, *args, **more):
    environment = {**os.environ, "EXAMPLE_DIR": str(folder), "AIMS_HOME": str(folder / "home"), **more}
    environment.pop("PYTHONSAFEPATH", None)  # a reader's Python finds the example beside an example
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *args],
        capture_output=True,
        text=True,
        cwd=folder,  # not the checkout: what is installed is what is tried
        env=environment,
        timeout=300,
        check=False,
    )


def test_every_example_is_run_here():
    assert {p.name for p in EXAMPLES.glob("*.py")} == {
        "data_scientist.py",
        "gated_training.py",  # run by docs/gate.md
        "images.py",
        "loans.py",
        "notebook_style.py",
        "auditor.py",
        "platform_team.py",
    }


def test_data_scientist_and_auditor(tmp_path):
    done = run("data_scientist.py", tmp_path)
    assert done.returncode == 0, done.stderr
    target = next(word for word in done.stdout.split() if word.startswith("runs:/"))
    seen = run("auditor.py", tmp_path, target, MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/mlflow.db")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert "signed by" in seen.stdout
    assert seen.stdout.splitlines()[-1].startswith("verified by itself")
    assert "training-provenance" in seen.stdout


@pytest.mark.full
def test_images(tmp_path):
    done = run("images.py", tmp_path)
    assert done.returncode == 0, done.stderr
    text = next(tmp_path.rglob("aims/datasheet.md")).read_text()
    assert "### pictures (files)" in text
    assert re.search(r"600\[?\^?.* files in `pictures`", text)
    assert "dark" in next(tmp_path.rglob("aims/model_card.md")).read_text()


@pytest.mark.full
def test_notebook_style(tmp_path):
    done = run("notebook_style.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "among 3 trials" in done.stdout


@pytest.mark.full
def test_platform_team(tmp_path):
    done = run("platform_team.py", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gated (enforce)" in done.stdout
    assert "refused: a model without evidence" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_examples_stay_short(name):
    assert len((EXAMPLES / name).read_text().splitlines()) <= 80
