"""Builds the wheel and the sdist of one commit, so that everybody who builds that commit gets the same bytes.

    python tools/build_release.py dist [--ref v0.1.0]

The source is what git holds of the commit, never the working tree. Times are those of the commit (SOURCE_DATE_EPOCH),
and the build tools are pinned with their hashes in tools/build-requirements.txt of that commit.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path("tools") / "build-requirements.txt"


class BuildError(Exception):
    """A step of the build failed; the text says which, and what it printed."""


def run(command: list[str], **options: object) -> bytes:
    """Run a program and return what it printed.

    Raises:
        BuildError: the program ended with an error; its output is the text.
    """
    done = subprocess.run(command, capture_output=True, check=False, **options)
    if done.returncode:
        raise BuildError(f"`{' '.join(command[:4])} ...` failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def commit_of(checkout: Path, ref: str) -> str:
    """Return the full commit that `ref` names in a git checkout."""
    return run(["git", "-C", str(checkout), "rev-parse", "--verify", f"{ref}^{{commit}}"]).decode().strip()


def export(checkout: Path, commit: str, folder: Path) -> int:
    """Write the files of a commit into `folder`, and return the commit's time in seconds since 1970."""
    git = ["git", "-C", str(checkout)]
    archive = run([*git, "-c", "tar.umask=0022", "archive", "--format=tar", commit])
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return int(run([*git, "show", "--no-patch", "--format=%ct", commit]))


def repack(sdist: Path, epoch: int) -> None:
    """Write a .tar.gz again with sorted names, one time and no owner: setuptools writes the time of the build."""
    packed = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda m: m.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode, member.pax_headers = 0o755 if member.isdir() or member.mode & 0o100 else 0o644, {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(packed.getvalue(), compresslevel=9, mtime=epoch))


def build(checkout: Path, commit: str, out: Path) -> list[Path]:
    """Build wheel and sdist of `commit` into `out`, and return their paths.

    Raises:
        BuildError: the commit, the pinned tools or the build could not be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, tools, built = (Path(scratch) / name for name in ("source", "tools", "built"))
        epoch = export(checkout, commit, source)
        if not (source / REQUIREMENTS).is_file():
            raise BuildError(f"commit {commit[:12]} has no {REQUIREMENTS}: it was not made to be built again")
        venv.create(tools, with_pip=True)
        python = str(tools / ("Scripts" if os.name == "nt" else "bin") / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        run([*pip, "--requirement", str(source / REQUIREMENTS)])
        command = [python, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)]
        run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}, umask=0o022)
        for sdist in built.glob("*.tar.gz"):
            repack(sdist, epoch)
        out.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy(path, out)) for path in sorted(built.iterdir())]


def main(arguments: list[str] | None = None) -> int:
    """Build the release and print the paths; exit status 3 where it cannot be built."""
    parser = argparse.ArgumentParser(description="Build wheel and sdist of one commit, reproducibly.")
    parser.add_argument("out", type=Path, help="folder for wheel and sdist; earlier ones there are replaced")
    parser.add_argument("--ref", default="HEAD", help="tag or commit; HEAD by default")
    asked = parser.parse_args(arguments)
    try:
        for path in build(ROOT, commit_of(ROOT, asked.ref), asked.out):
            print(path)
    except BuildError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
