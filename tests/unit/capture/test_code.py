"""Which code ran, and whether a key may be made where it runs."""

import importlib.util
import subprocess

import pytest

from aims_mlflow.capture.code import code_version
from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.signing.key_sources import signing_key


def git(folder, *args):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *args], check=True, capture_output=True)


@pytest.fixture
def function(tmp_path):
    path = tmp_path / "train_it.py"
    path.write_text("def train(train, test):\n    return 1\n")
    spec = importlib.util.spec_from_file_location("train_it", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.train


def test_a_commit_is_named_and_so_is_what_was_not_committed(function, tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    head = subprocess.run(
        ["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    clean = code_version(function)
    assert (clean["commit"], clean["dirty"], clean["file"]) == (head, False, "train_it.py")
    (tmp_path / "train_it.py").write_text("def train(train, test):\n    return 2\n")
    assert code_version(function)["dirty"] is True


def test_without_a_commit_the_source_digest_stands_with_the_reason(function, tmp_path):
    outside = code_version(function)
    git(tmp_path, "init", "-q")
    empty = code_version(function)
    for found in (outside, empty):
        assert "commit" not in found
        assert "in no git repository with a commit" in found["reason"]
        assert len(found["source_digest"]) == 64


@pytest.mark.parametrize(
    "variable", ["CI", "KUBERNETES_SERVICE_HOST", "DATABRICKS_RUNTIME_VERSION", "AWS_BATCH_JOB_ID", "SLURM_JOB_ID"]
)
def test_no_key_is_made_where_the_home_does_not_last(variable, monkeypatch):
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv(variable, "1")
    with pytest.raises(
        KeyUnavailable, match=f"none is made because {variable} is set. Next: `aims keys new`.*AIMS_SIGNING_KEY"
    ):
        signing_key()
