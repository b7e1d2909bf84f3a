"""README, guides and tutorial run as they are written, block by block, where nothing is set: as in a bare container."""

import pytest

from support import documents

pytestmark = pytest.mark.timeout(documents.SECONDS + 100)
GUIDES = ["docs/gate.md", "docs/data-scientist.md", "docs/how-to/audit.md"]


def finished(done):
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="a workstation or a container"),
        pytest.param({"CI": "true"}, id="a CI job", marks=pytest.mark.full),
    ],
)
def test_the_readme_runs(tmp_path, variables):
    shown = finished(documents.run(["README.md"], tmp_path, is_first="CI" in variables, **variables))
    assert "aims: registered loan-screening" in shown
    assert "\nverified by itself: no ledger was consulted" in shown
    assert "gated (enforce)" in shown
    assert "Traceback" not in shown


def test_every_rule_of_a_block_is_known():
    for name in ("README.md", *GUIDES, "docs/tutorial/first-evidence.md"):
        assert documents.script_of(name, documents.blocks_of(documents.ROOT / name), 1, is_first=True)


@pytest.mark.full
def test_the_tutorial_runs(tmp_path):
    shown = finished(documents.run(["docs/tutorial/first-evidence.md"], tmp_path))
    assert "\nverified by itself: no ledger was consulted" in shown


@pytest.mark.full
def test_the_guides_of_the_three_users_run_one_after_another(tmp_path):
    shown = finished(documents.run(GUIDES, tmp_path, CI="true"))
    assert "registered loan-screening version 2" in shown
    by_itself = shown.count("\nverified by itself: no ledger was consulted")
    unpinned = shown.count("\nverified as of an unpinned root: ")  # the id of the root comes from a person
    assert (by_itself, unpinned) == (1, 3), "a run; a version, a ledger and a bundle"
    assert "Traceback" not in shown
