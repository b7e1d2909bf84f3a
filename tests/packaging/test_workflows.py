"""The files for GitHub and for pre-commit: they call tox, trust only pinned code, and hold no secret."""

import configparser
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {  # every permission beyond reading the code, and why release.yml needs it
    ("release.yml", "attest", "attestations"),
    ("release.yml", "attest", "id-token"),
    ("release.yml", "publish", "id-token"),
}


def workflow(path):
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # BaseLoader: `on` stays a word


def steps(path):
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def tox():
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read(ROOT / "tox.ini")
    return parsed


def pythons():
    setup = (ROOT / "setup.cfg").read_text()
    return set(re.findall(r"Programming Language :: Python :: (3\.\d+)$", setup, re.MULTILINE))


def test_the_workflows_are_those_that_the_documents_name():
    assert [path.name for path in WORKFLOWS] == ["docs.yml", "lint.yml", "release.yml", "tests.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside_it(path):
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\s+- uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit_everywhere():
    pins = {tuple(step["uses"].split("@")) for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert len(pins) == len({name for name, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_permissions_are_the_least_and_no_secret_is_there(path):
    parsed = workflow(path)
    assert not parsed["permissions"]
    writes = {
        (path.name, name, what)
        for name, job in parsed["jobs"].items()
        for what, right in job["permissions"].items()
        if (what, right) != ("contents", "read")
    }
    assert writes <= WRITES
    assert "secrets." not in path.read_text()
    assert "pull_request_target" not in parsed["on"]
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"
        assert "${{" not in step.get("run", ""), "an expression in a script is a way to run a stranger's text"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_every_tox_environment_that_is_called_exists(path):
    called = re.findall(r"tox run -e (\S+)", path.read_text())
    assert called
    for name in called:
        assert name == '"py${PYTHON_VERSION}-${MLFLOW}"' or f"testenv:{name}" in tox()


def test_the_matrix_is_what_setup_cfg_promises():
    job = workflow(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["tests"]
    tried = set(re.findall(r"matrix\.python == '([\d.]+)'", job["continue-on-error"]))
    assert set(job["strategy"]["matrix"]["python"]) - tried == pythons()
    factors = tox()["testenv"]["deps"]
    for end in job["strategy"]["matrix"]["mlflow"]:
        assert f"{end}: mlflow" in factors
    oldest = re.search(r"oldest: mlflow==([\d.]+)\.0$", factors, re.MULTILINE).group(1)
    assert f"mlflow>={oldest},<4" in (ROOT / "setup.cfg").read_text()


def test_what_pre_commit_runs_is_pinned_and_tox_runs_it_too():
    lint = tox()["testenv:lint"]["commands"]
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for repository in repositories:
        if repository["repo"] == "local":
            assert {hook["entry"].removeprefix("python -m ") for hook in repository["hooks"]} <= set(lint.splitlines())
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", repository["rev"])
    for path in WORKFLOWS:
        assert path.relative_to(ROOT).as_posix() in lint, f"tox -e lint does not check {path.name}"
