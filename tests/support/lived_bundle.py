"""A bundle of the registry with a history, its files, and its verification page run as a shell script."""

import contextlib
import html
import json
import os
import re
import shutil
import subprocess
import zipfile

import pytest

from aims_mlflow.errors import AimsError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.archive import write_archive
from aims_mlflow.exports.bundle.create import made_pages
from aims_mlflow.exports.bundle.ledger import PartLedger
from support import second_verifier
from support.commands import run


@pytest.fixture(scope="session")
def made(lived, tmp_path_factory):
    """One bundle with a proof for the checkpoint that the auditor holds."""
    out = tmp_path_factory.mktemp("bundle") / "loans.zip"
    first = min((lived.frozen / "outside" / "checkpoints").iterdir())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lived.env.items():
            patch.setenv(name, value)
        args = ["--tracking", lived.env["MLFLOW_TRACKING_URI"], "--registry", lived.env["MLFLOW_REGISTRY_URI"]]
        run(
            "bundle",
            "create",
            "--system",
            "loans",
            "--held",
            first,
            "--out",
            out,
            "--ledger",
            f"sqlite:///{lived.frozen}/ledger.db",
            *args,
        )
    return out, first


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def blocks(folder, kind=""):
    """The commands on the page that says how to verify without us."""
    found = re.findall(rf"<pre{kind} tabindex=\"0\">(.*?)</pre>", (folder / "verify.html").read_text(), re.DOTALL)
    return [html.unescape(block) for block in found]


def shown(folder, **env):
    """What the page's commands print, without the record that they show."""
    for tool in ("openssl", "xxd", "sha256sum", "base64"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    script = "\n".join(blocks(folder))
    done = subprocess.run(
        ["bash", "-c", script], check=False, cwd=folder, capture_output=True, text=True, env={**os.environ, **env}
    )
    return [line for line in done.stdout.splitlines() if not line.startswith("{")]


def rewritten(path, out, change, pages=False):
    """The bundle with other files, its manifest made to fit: as someone who knows the format would do it."""
    files = contents(path)
    change(files)
    about = json.loads(files["bundle.json"])
    if pages:
        del about["files"]
        with contextlib.suppress(AimsError, LookupError, ValueError):
            fresh = made_pages(PartLedger(layout.FilesInMemory(files)), about)
            for name in [n for n in files if layout.is_page(n)]:
                del files[name]
            files |= fresh
    about["files"] = {n: second_verifier.sha256(c) for n, c in files.items() if n != "bundle.json"}
    files["bundle.json"] = second_verifier.canonical(about)
    with out.open("wb") as stream:
        write_archive(files, stream)
    return out
