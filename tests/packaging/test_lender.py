"""Root checks/ as a team would use it: its package installed by pip, and its README run as written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).parents[2] / "checks"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a copy of checks/ (pip builds inside its source), and a shell that runs there."""
    folder = tmp_path_factory.mktemp("lender")
    shutil.copytree(CHECKS, folder / "checks", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "site"), "AIMS_HOME": str(folder / "home")}

    def shell(script):
        return subprocess.run(
            ["sh", "-ec", script], capture_output=True, text=True, cwd=folder, env=settings, timeout=300, check=False
        )

    installed = shell("python -m pip install --quiet --no-deps --target site ./checks/lender")
    assert installed.returncode == 0, installed.stderr
    assert sorted(p.name for p in (folder / "site").iterdir() if p.name != "__pycache__") == [
        "lender_checks-1.dist-info",
        "lender_checks.py",
    ]
    return folder, shell


@pytest.mark.full
def test_the_readme_runs_as_written(place):
    folder, shell = place
    scripts = re.findall(r"```sh\n(.*?)```", (folder / "checks" / "README.md").read_text(), re.DOTALL)
    commands = "".join(scripts).replace("pip install ./checks/lender\n", "", 1)
    ran = shell(commands)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("newest-row           passed") == 4  # three packs, and the one that extends the lender's
    cards, cars = (folder / "try" / name / "checks" / system / "pack.yaml" for name, system in
                   (("cards", "card-lines"), ("cars", "car-loans")))  # fmt: skip
    assert "extends: tabular-regression\n" in cards.read_text()
    assert "extends: ../../../../checks/lender/applications\n" in cars.read_text()


def test_the_check_is_found_by_its_entry_point_and_fails_old_data(place):
    _, shell = place
    assert "newest-row           data-quality         aims_mlflow.checks" in shell("aims check list").stdout
    old = "sed -E 's/,20[0-9]{2}-([0-9]{2}-[0-9]{2}),/,2019-\\1,/' try/collections.csv > try/old.csv\n"
    given = "--pack checks/lender/collections --target step --sensitive sex,age_group --prediction predicted"
    ran = shell(f"python checks/lender/tables.py try\n{old}aims check run try/old.csv {given}")
    assert ran.returncode == 1
    assert re.search(r"newest-row +failed", ran.stdout), ran.stdout
    assert "newest row days for column=overdue_since" in ran.stdout


def test_without_the_package_a_pack_that_names_the_check_is_refused(place):
    _, shell = place
    ran = shell("PYTHONPATH= aims check run checks/README.md --pack checks/lender/collections --target step")
    assert ran.returncode == 2
    assert "pack.yaml:11: there is no check among the entry points 'newest-row'" in ran.stderr
