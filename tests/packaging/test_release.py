"""A release can be built again by a stranger: the same bytes on another day, under another umask and in another zone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tool(name, *arguments, **options):
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / name), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=300, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    built = tool("build_release.py", folder)
    assert built.returncode == 0, built.stderr
    assert {path.suffix for path in folder.iterdir()} == {".whl", ".gz"}
    return folder


@pytest.mark.full
def test_a_second_build_elsewhere_gives_the_same_bytes(release):
    verified = tool("verify_release.py", release, umask=0o077, env={**os.environ, "TZ": "Asia/Tokyo"})
    lines = verified.stdout.splitlines()
    assert (verified.returncode, len(lines)) == (0, 2), verified.stdout + verified.stderr
    assert all(line.startswith("SAME aims_mlflow-") for line in lines)


@pytest.mark.full
def test_a_changed_byte_is_told_with_the_file_that_it_is_in(release, tmp_path):
    import zipfile

    wheel = next(release.glob("*.whl"))
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(tmp_path / wheel.name, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            text = old.read(entry)
            new.writestr(
                entry, text.replace(b"0.1.0", b"0.1.1") if entry.filename == "aims_mlflow/__init__.py" else text
            )
    sdist = next(release.glob("*.tar.gz"))
    shutil.copy(sdist, tmp_path)
    verified = tool("verify_release.py", tmp_path)
    lines = dict(line.split(" ", 1) for line in verified.stdout.splitlines())
    assert verified.returncode == 1
    assert lines["DIFFERENT"].endswith("builds other bytes; 1 files differ, first aims_mlflow/__init__.py")
    assert lines["SAME"].startswith(sdist.name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "builds other bytes"),
        (lambda data: b"junk", "the released file is no readable archive"),
    ],
)
def test_any_byte_counts(release, tmp_path, monkeypatch, change, words):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from verify_release import verdict

    wheel = next(release.glob("*.whl"))
    released = tmp_path / wheel.name
    released.write_bytes(change(wheel.read_bytes()))
    same, line = verdict(released, "c" * 40, release)
    assert not same
    assert words in line


def test_another_version_is_not_the_commits(release, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from verify_release import verdict

    stranger = tmp_path / "aims_mlflow-9.9.9-py3-none-any.whl"
    shutil.copy(next(release.glob("*.whl")), stranger)
    assert verdict(stranger, "c" * 40, release)[1].startswith("DIFFERENT aims_mlflow-9.9.9")


def test_wrong_use_and_what_cannot_be_built_have_their_own_status(release, tmp_path):
    assert tool("verify_release.py", tmp_path / "none.whl").returncode == 2
    assert tool("verify_release.py", tmp_path).returncode == 2
    unknown = tool("verify_release.py", next(release.glob("*.whl")), "--ref", "v99")
    assert unknown.returncode == 3
    assert unknown.stdout.startswith("NOT VERIFIED: ")
