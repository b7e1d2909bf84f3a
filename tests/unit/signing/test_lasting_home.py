"""Keys are made where the home is declared to last, and nowhere else without being asked."""

from pathlib import Path

import pytest

from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.signing import lasting_home
from aims_mlflow.signing.key_sources import signing_key

ROOT = "21 1 0:30 / / rw,relatime - overlay overlay rw\n"


@pytest.fixture
def container(tmp_path, monkeypatch):
    """A container whose account has its home at tmp_path/home; returns what sets its list of mounts."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("AIMS_HOME", *lasting_home.JOBS, *lasting_home.CONTAINER_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "mark").touch()
    monkeypatch.setattr(lasting_home, "CONTAINER_MARKS", (str(tmp_path / "mark"),))
    monkeypatch.setattr(lasting_home, "MOUNTS", str(tmp_path / "mounts"))

    def mounts(text):
        (tmp_path / "mounts").write_text(ROOT + text.replace("HOME", str(home)))

    mounts("")
    return mounts


def test_a_container_without_a_volume_keeps_no_key(container):
    assert lasting_home.why_home_passes() == "this is a container"
    with pytest.raises(KeyUnavailable) as caught:
        signing_key()
    assert "\n" not in caught.value.sentence()
    assert "none is made because this is a container. Next: `aims keys new`" in caught.value.sentence()
    assert "export AIMS_HOME=" in caught.value.next


@pytest.mark.parametrize("point", ["HOME", "HOME/.aims"])
def test_a_volume_at_the_home_or_at_its_folder_for_keys_lasts(container, point):
    container(f"40 21 8:1 /volumes/ana {point} rw,relatime - ext4 /dev/sda1 rw\n")
    assert lasting_home.why_home_passes() is None
    assert Path(signing_key().origin).is_file()


@pytest.mark.parametrize(
    "mount",
    [
        "40 21 0:44 / HOME rw - tmpfs tmpfs rw\n",
        "40 21 0:44 / HOME/.aims rw - overlay overlay rw\n",
        "40 21 8:1 /pods/1/volumes/kubernetes.io~empty-dir/home HOME rw - ext4 /dev/sda1 rw\n",
        "40 21 8:1 /volumes/ana HOME/projects rw - ext4 /dev/sda1 rw\n",  # another folder
        "40 21 8:1 /volumes/ana HOME rw - ext4 /dev/sda1 rw\n41 40 0:44 / HOME rw - tmpfs tmpfs rw\n",  # hidden by memory
    ],
)
def test_memory_and_other_folders_are_no_lasting_volume(container, mount):
    container(mount)
    assert lasting_home.why_home_passes() == "this is a container"


def test_a_volume_that_a_ci_job_lends_does_not_last(container, monkeypatch):
    container("40 21 8:1 /runner/home HOME rw,relatime - ext4 /dev/sda1 rw\n")
    monkeypatch.setenv("CI", "true")
    assert lasting_home.why_home_passes() == "CI is set"


def test_a_home_that_is_named_lasts(container, monkeypatch, tmp_path):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("AIMS_HOME", str(tmp_path / "named"))
    assert lasting_home.why_home_passes() is None


def test_a_home_that_cannot_be_written_is_not_offered(container, monkeypatch):
    monkeypatch.setattr(lasting_home.os, "access", lambda *_: False)
    assert lasting_home.how_to_keep("aims keys new", "AIMS_SIGNING_KEY").startswith("`export AIMS_HOME=")
