"""Version of the code: the git commit, or the digest of the source and the reason why there is no commit."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.callables import name_of, plain_function

if TYPE_CHECKING:
    from collections.abc import Callable


def code_version(function: Callable[..., Any] | None) -> dict[str, Any]:
    """Return `{function, file, commit, dirty, source_digest, reason}`; absent parts are left out.

    Never raises: `reason` says why a part is absent.
    """
    out: dict[str, Any] = {}
    source_file = _source_file(function)
    if function is not None:
        out["function"] = name_of(function)
        source = _source(function)
        if source is not None:
            out["source_digest"] = sha256_hex(source.encode())
    if "source_digest" not in out and source_file is not None:
        out["source_digest"] = sha256_hex(source_file.read_bytes())
    folder = source_file.parent if source_file else Path.cwd()
    if source_file:
        out["file"] = source_file.name
    return {**out, **_git(folder)}


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


def _git(folder: Path) -> dict[str, Any]:
    if shutil.which("git") is None:
        return {"reason": "git is not installed here; the source digest stands for the commit"}
    try:
        commit = _run(folder, "rev-parse", "HEAD")
        if commit is None:
            return {"reason": "the code is in no git repository with a commit; the source digest stands for it"}
        status = _run(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.TimeoutExpired):
        return {"reason": "git did not answer; the source digest stands for the commit"}
    return {"commit": commit, "dirty": bool(status)}


def _run(folder: Path, *args: str) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip() if done.returncode == 0 else None
