"""README, guides and tutorial run as they are written, block by block, where nothing is set: as in a bare container."""

import pytest

from support import documents

GUIDES = ["docs/gate.md", "docs/data-scientist.md", "docs/auditor.md"]
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}


def finished(done):
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.parametrize("variables", [{}, {"CI": "true"}], ids=["a workstation or a container", "a CI job"])
def test_the_readme_runs(tmp_path, variables):
    shown = finished(documents.run(["README.md"], tmp_path, is_first="CI" in variables, **QUIET, **variables))
    assert "aims: registered loan-screening" in shown
    assert "\nverified\n" in shown
    assert "gated (enforce)" in shown
    assert "Traceback" not in shown


def test_the_tutorial_runs(tmp_path):
    assert "\nverified\n" in finished(documents.run(["docs/tutorial/first-evidence.md"], tmp_path, **QUIET))
