"""Version of the code: the git commit and what in use no commit holds, or the source's digest and why there is none."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.callables import name_of, plain_function
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.digests import sha256_file
from aims_mlflow.records.details.base import CodeVersion
from aims_mlflow.settings import working_folder

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_NAMED, BATCH = 50, 200
PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


def code_version(function: Callable[..., Any] | None) -> CodeVersion:
    """Return which code runs.

    Never raises: `reason` says why there is no commit, and what git did not report about it.
    """
    source_file = _source_file(function)
    source = _source(function) if function is not None else None
    content = source.encode() if source is not None else source_file.read_bytes() if source_file is not None else None
    folder = source_file.parent if source_file else working_folder()
    commit, dirty, reason = _git(folder)
    version = CodeVersion(
        function=name_of(function) if function is not None else None,
        file=source_file.name if source_file else None,
        source_digest=sha256_hex(content) if content is not None else None,
        commit=commit,
        dirty=dirty,
        reason=reason,
    )
    if commit is None:
        return version
    loose = untracked_code(folder, source_file)
    if function is not None and source_file is None:  # a notebook's cell, or code that was made
        loose.setdefault("untracked", {})[f"{name_of(function)} (in no file)"] = version.source_digest or "not readable"
    reasons = "; ".join(filter(None, (reason, loose.get("reason"))))
    return version.changed(**{**loose, "reason": reasons or None})


def _source_file(function: Callable[..., Any] | None) -> Path | None:
    code = getattr(plain_function(function), "__code__", None) if function is not None else None
    name = code.co_filename if code else getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(name) if name else None
    return path if path is not None and path.is_file() else None


def _source(function: Callable[..., Any]) -> str | None:
    try:
        return inspect.getsource(plain_function(function))
    except (OSError, TypeError):
        return None


def _git(folder: Path) -> tuple[str | None, bool | None, str | None]:
    """Return (commit, whether tracked files differ from it, why one of them is not known)."""
    if shutil.which("git") is None:
        return None, None, "git is not installed here; the source digest stands for the commit"
    try:
        commit = _run(folder, "rev-parse", "HEAD")
    except subprocess.CalledProcessError as exc:
        if "dubious ownership" in str(exc.stderr):
            return None, None, "git does not read a repository of another user; the source digest stands for the commit"
        return None, None, "the code is in no git repository with a commit; the source digest stands for it"
    except (OSError, subprocess.TimeoutExpired):
        return None, None, "git did not answer; the source digest stands for the commit"
    try:
        return commit, bool(_run(folder, "status", "--porcelain", "--untracked-files=no")), None
    except (OSError, subprocess.SubprocessError):
        return commit, None, "git did not report which tracked files differ"


def untracked_code(folder: Path, source_file: Path | None = None) -> dict[str, Any]:
    """Return `{untracked, untracked_count}`: the code in use below the repository that its commit does not vouch for.

    `{reason}` alone where git does not report it.

    Looked at are the files of all imported modules and the function's own, but no installed packages, which the list of
    packages names. Git does not track a file, or was told not to look at it (assume-unchanged, skip-worktree). The
    first `MAX_NAMED` have their path and sha256.
    """
    try:
        root = Path(_run(folder, "rev-parse", "--show-toplevel")).resolve()
        used = _files_in_use(root, source_file)
        known = _vouched(root, used)
    except (OSError, subprocess.SubprocessError):
        return {"reason": "git did not report which files it tracks"}
    loose = [path for path in used if path not in known]
    named = {path: _digest(root / path) for path in loose[:MAX_NAMED]}
    return {"untracked": named, **({"untracked_count": len(loose)} if len(loose) > MAX_NAMED else {})}


def _files_in_use(root: Path, source_file: Path | None) -> list[str]:
    """Return the code files below `root` that this process has loaded, relative to it, without installed packages."""
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    installed = tuple(f"{Path(prefix)}{os.sep}" for prefix in {sys.prefix, sys.base_prefix} if Path(prefix) != root)
    found = set()
    for name in (*loaded, str(source_file) if source_file else None):
        # Nearly all modules are installed ones: they are passed over before any file is asked for.
        if not isinstance(name, str) or name.startswith(installed) or any(part in name for part in PACKAGES):
            continue
        path = Path(name).resolve()
        if path.is_relative_to(root) and path.is_file():
            found.add(path.relative_to(root).as_posix())
    return sorted(found)


def _vouched(root: Path, paths: list[str]) -> set[str]:
    """Return those of the paths that git tracks and looks at: `ls-files -v` tags the others with small letters or S."""
    known = set()
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        listed = _run(root, "--literal-pathspecs", "ls-files", "-v", "-z", "--recurse-submodules", "--", *batch)
        known |= {entry[2:] for entry in listed.split("\0") if entry[:1].isupper() and entry[:1] != "S"}
    return known


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except AimsError:
        return "not readable"


def _run(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()
