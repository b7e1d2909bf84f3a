"""Which code ran, and whether a key may be made where it runs."""

import hashlib
import importlib.util
import subprocess
import sys

import pytest

from aims_mlflow.capture import code
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
    assert (clean.commit, clean.dirty, clean.file) == (head, False, "train_it.py")
    (tmp_path / "train_it.py").write_text("def train(train, test):\n    return 2\n")
    assert code_version(function).dirty is True


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """A module below the repository that the process has imported."""
    path = tmp_path / "helper_of_a_training.py"
    path.write_text("RATE = 3\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    monkeypatch.setitem(sys.modules, path.stem, importlib.util.module_from_spec(spec))
    return path


def committed(folder, *names):
    git(folder, "init", "-q")
    git(folder, "add", *names)
    git(folder, "commit", "-qm", "first")


def test_code_in_use_that_git_does_not_track_is_named_with_its_digest(function, helper, tmp_path):
    committed(tmp_path, "train_it.py")
    (tmp_path / "notes.py").write_text("nobody imports this\n")
    found = code_version(function)
    assert found.dirty is False
    assert found.untracked == {helper.name: hashlib.sha256(b"RATE = 3\n").hexdigest()}


def test_ignored_code_is_code_too(function, helper, tmp_path):
    (tmp_path / ".gitignore").write_text("helper*\n")
    committed(tmp_path, "train_it.py", ".gitignore")
    assert list(code_version(function).untracked) == [helper.name]


@pytest.mark.parametrize("told", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_is_not_vouched_for(function, helper, tmp_path, told):
    committed(tmp_path, ".")
    assert code_version(function).untracked == {}
    git(tmp_path, "update-index", told, helper.name)
    helper.write_text("RATE = 4\n")
    found = code_version(function)
    assert (found.dirty, list(found.untracked)) == (False, [helper.name])


def test_what_git_does_not_answer_is_not_taken_for_clean(function, helper, tmp_path):
    committed(tmp_path, ".")
    (tmp_path / ".git" / "index").write_bytes(b"spoilt")
    found = code_version(function)
    assert found.commit
    assert (found.dirty, found.untracked) == (None, None)
    assert found.reason == "git did not report which tracked files differ; git did not report which files it tracks"


def test_installed_packages_below_the_repository_are_the_package_lists_matter(function, tmp_path, monkeypatch):
    committed(tmp_path, "train_it.py")
    path = tmp_path / "venv" / "lib" / "site-packages" / "some_package.py"
    path.parent.mkdir(parents=True)
    path.write_text("")
    spec = importlib.util.spec_from_file_location("some_package", path)
    monkeypatch.setitem(sys.modules, "some_package", importlib.util.module_from_spec(spec))
    assert code_version(function).untracked == {}


def test_many_untracked_files_are_counted(function, tmp_path, monkeypatch):
    committed(tmp_path, "train_it.py")
    monkeypatch.setattr(code, "MAX_NAMED", 2)
    for name in ("a_1", "a_2", "a_3"):
        (tmp_path / f"{name}.py").write_text("")
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, importlib.util.module_from_spec(spec))
    found = code_version(function)
    assert (len(found.untracked), found.untracked_count) == (2, 3)


def test_a_function_of_a_notebooks_cell_is_in_no_commit(tmp_path, monkeypatch):
    committed_file = tmp_path / "readme.py"
    committed_file.write_text("")
    committed(tmp_path, "readme.py")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    exec(compile("def train(train, test):\n    return 1\n", "/tmp/ipykernel_1/2.py", "exec"), namespace)
    found = code_version(namespace["train"])
    assert found.commit
    assert [name for name in found.untracked if name.endswith("train (in no file)")]


def test_without_a_commit_the_source_digest_stands_with_the_reason(function, tmp_path):
    outside = code_version(function)
    git(tmp_path, "init", "-q")
    empty = code_version(function)
    for found in (outside, empty):
        assert found.commit is None
        assert "in no git repository with a commit" in found.reason
        assert len(found.source_digest) == 64


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


def test_a_repository_that_git_does_not_read_is_not_called_absent(function, tmp_path, monkeypatch):
    committed(tmp_path, ".")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert code_version(function).reason.startswith("git does not read a repository of another user")
