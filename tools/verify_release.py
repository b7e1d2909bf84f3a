"""Builds a released wheel or sdist again and compares every byte.

    python tools/verify_release.py aims_mlflow-0.1.0-py3-none-any.whl --ref v0.1.0

Prints one line for each file. Exit status 0: the bytes are the same; 1: they differ; 2: wrong use; 3: the file could
not be built again. The build is the one of tools/build_release.py, with the build tools that the commit pins.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build_release import ROOT, BuildError, build, commit_of

ENDINGS = (".whl", ".tar.gz")


def contents(path: Path) -> dict[str, bytes]:
    """Return the files in a wheel or an sdist by name; empty where it is no archive."""
    try:
        if path.name.endswith(".whl"):
            with zipfile.ZipFile(path) as wheel:
                return {name: wheel.read(name) for name in wheel.namelist()}
        with tarfile.open(path) as sdist:
            return {m.name: sdist.extractfile(m).read() for m in sdist.getmembers() if m.isfile()}
    except (zipfile.BadZipFile, tarfile.TarError, OSError):
        return {}


def difference(released: Path, rebuilt: Path) -> str:
    """Say in a few words where two archives differ."""
    left, right = contents(released), contents(rebuilt)
    if not left:
        return "the released file is no readable archive"
    names = sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
    if not names:
        return "the files inside are the same, but order, times, permissions or compression are not"
    return f"{len(names)} files differ, first {names[0]}"


def verdict(released: Path, commit: str, rebuilt_folder: Path) -> tuple[bool, str]:
    """Return whether a released file is the one that the commit builds, and the line that says so."""
    rebuilt = rebuilt_folder / released.name
    if not rebuilt.is_file():
        names = ", ".join(sorted(p.name for p in rebuilt_folder.iterdir()))
        return False, f"DIFFERENT {released.name}: commit {commit[:12]} builds {names} instead"
    if released.read_bytes() != rebuilt.read_bytes():
        return False, f"DIFFERENT {released.name}: commit {commit[:12]} builds other bytes; " + difference(
            released, rebuilt
        )
    digest = hashlib.sha256(released.read_bytes()).hexdigest()
    return True, f"SAME {released.name}: commit {commit[:12]} builds these bytes, sha256 {digest}"


def released_files(parser: argparse.ArgumentParser, paths: list[Path]) -> list[Path]:
    """Return the files to verify; a folder gives those in it. Ends with status 2 where one is not a release's."""
    files = [f for path in paths for f in (sorted(path.iterdir()) if path.is_dir() else [path])]
    for path in files:
        if not path.is_file() or not path.name.endswith(ENDINGS):
            parser.error(f"{path}: no wheel (.whl) or sdist (.tar.gz); give the released file")
    if not files:
        parser.error("the folder is empty; give the released files")
    return files


def main(arguments: list[str] | None = None) -> int:
    """Verify the files and return the exit status."""
    parser = argparse.ArgumentParser(description="Build a released file again and compare every byte.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="wheel or sdist, or a folder of them")
    parser.add_argument("--source", type=Path, default=ROOT, help="git checkout; this one by default")
    parser.add_argument("--ref", default="HEAD", help="the release's tag or commit; HEAD by default")
    asked = parser.parse_args(arguments)
    files = released_files(parser, asked.files)
    try:
        with tempfile.TemporaryDirectory() as folder:
            commit = commit_of(asked.source, asked.ref)
            build(asked.source, commit, Path(folder))
            verdicts = [verdict(path, commit, Path(folder)) for path in files]
    except BuildError as error:
        print(f"NOT VERIFIED: {error}")
        return 3
    for _, line in verdicts:
        print(line)
    return 0 if all(same for same, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
