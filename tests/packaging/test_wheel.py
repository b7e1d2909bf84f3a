"""What is installed: only the package, with its data; every entry point can be loaded."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = (
    "aims_mlflow/py.typed",
    "aims_mlflow/catalog/controls.yaml",
    "aims_mlflow/checks/packs/tabular-classification/pack.yaml",
    "aims_mlflow/checks/pages/templates/claims.html.j2",
    "aims_mlflow/gates/default_policy/policy.yaml",
    "aims_mlflow/documents/templates/run_page.html.j2",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    import zipfile

    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"aims_mlflow"}
    assert set(DATA) <= set(names)
    assert not [n for n in names if "lender" in n]  # what root checks/ holds is a team's
    assert not [n for n in names if n.endswith((".pem", ".db", ".csv"))]


def test_every_entry_point_loads():
    found = importlib.metadata.distribution("aims_mlflow").entry_points
    assert {e.group for e in found} == {
        "console_scripts",
        "mlflow.model_registry_store",
        "mlflow.run_context_provider",
        "mlflow.workspace_provider",
        "mlflow.app",
    }
    for entry in found:
        assert callable(entry.load())


def test_each_heavy_library_stands_in_its_one_file():
    import re

    places = {
        "great_expectations": "quality/data_quality",
        "fairlearn": "fairness/fairness",
        "evidently": "drift/evidently_scores",
    }
    package = ROOT / "aims_mlflow"
    found = {
        (library, path.relative_to(package).as_posix())
        for path in package.rglob("*.py")
        for library in places
        if re.search(rf"^\s*(import|from) {library}\b", path.read_text(), re.MULTILINE)
    }
    assert found == {(library, f"checks/{place}.py") for library, place in places.items()}


def test_controls_page_is_the_catalog():
    import runpy

    page = runpy.run_path(str(ROOT / "docs" / "make_controls.py"))["page"]()
    assert (ROOT / "docs" / "controls.md").read_text() == page


def test_every_dependency_has_a_reason_and_the_changelog_names_the_version():
    reasons = (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text().lower()
    for line in importlib.metadata.requires("aims_mlflow"):
        if "extra ==" not in line:
            name = line.split(">")[0].split("[")[0].split("<")[0].strip().lower()
            assert name in reasons, f"{name} has no reason in docs/adr/0002-dependencies.md"
    assert importlib.metadata.version("aims_mlflow") in (ROOT / "CHANGELOG.md").read_text()
