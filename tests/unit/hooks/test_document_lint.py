"""What lints documents before a commit and in CI: each file runs `aims document lint` as it is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.management_folder import PEOPLE, POLICY, write

HOOKS = Path(__file__).parents[3] / "hooks"
GOOD = POLICY.replace("The board of the bank binds everyone who builds or uses AI.", (
    "The board of the bank binds everyone who builds or uses AI. People decide about people: a clerk grants or refuses a "
    "loan and can say why. Whoever builds a system answers for its data, and whoever uses one stops it at once when it harms somebody. The board hears of each incident within a week."
))  # fmt: skip


def command_of(name):
    """The command of a hook or a job, as a shell runs it."""
    found = yaml.safe_load((HOOKS / name).read_text(encoding="utf-8"))
    if "repos" in found:
        (hook,) = found["repos"][0]["hooks"]
        assert hook["pass_filenames"] is False
        return hook["entry"]
    jobs = found["jobs"]["lint"]["steps"] if "jobs" in found else None
    return jobs[-1]["run"] if jobs else "\n".join(found["document-lint"]["script"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here: the jobs are shell scripts")
@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("documents/pre-commit-config.yaml", "D2 error: a gap is left", marks=pytest.mark.full),
        ("ci/github-document-lint.yml", "::error file="),
        pytest.param("ci/gitlab-document-lint.yml", "D2 error: a gap is left", marks=pytest.mark.full),
    ],
)
def test_an_error_fails_the_commit_or_the_build_and_a_good_folder_passes(name, form, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run():
        return subprocess.run(
            ["bash", "-e", "-c", command_of(name)], cwd=tmp_path, env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    write(tmp_path, policy=GOOD, people=PEOPLE)
    good = run()
    assert good.returncode == 0, good.stdout + good.stderr
    write(tmp_path, policy=GOOD.replace("exceptions: the board", "exceptions: TODO the board"))
    bad = run()
    assert bad.returncode == 1
    assert form in bad.stdout
