"""Paths of the files in a bundle, and the text formats that a shell can read."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Protocol

from aims_mlflow.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = 1
MANIFEST = "bundle.json"
INDEX = "index.html"
HOW_TO = "verify.html"
CHECKPOINT = "ledger/checkpoint.txt"
PAGES = "pages/"
FILE = "file:"  # how a link of a view to a file of the bundle begins, until the link is made


def is_page(name: str) -> bool:
    """Return whether a file is one of the bundle's own pages, by its name."""
    return name.startswith(PAGES) or name in (INDEX, HOW_TO, "index.csv", "index.json")


def leaf_path(sequence: int) -> str:
    """Return the path of a leaf."""
    return f"ledger/leaves/{sequence:012d}.json"


def proof_path(sequence: int) -> str:
    """Return the path of a leaf's proof: a line `left HASH` or `right HASH` for each step, from the leaf up."""
    return f"ledger/proofs/{sequence:012d}.txt"


def body_path(sequence: int) -> str:
    """Return the path of a leaf's erasable body."""
    return f"ledger/bodies/{sequence:012d}.json"


def envelope_path(sha256: str) -> str:
    """Return the path of an envelope."""
    return f"envelopes/{sha256}.json"


def stored_path(digest: str) -> str:
    """Return the path of the text of a policy or keyring."""
    return f"ledger/in-force/{digest}.txt"


def earlier_path(size: int) -> str:
    """Return the path of an earlier checkpoint; its time stamps and consistency proof are in the same folder."""
    return f"ledger/earlier/{size:012d}"


def evidence_path(run_id: str | None, path: str) -> str:
    """Return the path of a file that a record names; a record may name no run."""
    return f"evidence/{run_id or 'no-run'}/{path}"


def body_text(salt: bytes, body: bytes) -> bytes:
    """Return a body with its salt as one file."""
    return canonical({"body": base64.b64encode(body).decode(), "salt": salt.hex()})


def path_text(index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return an audit path as text that a shell can read, with the side of each hash."""
    lines, at, last = [], index, size - 1
    for step in path:
        if at & 1 or at == last:
            lines.append(f"left {step.hex()}\n")
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            lines.append(f"right {step.hex()}\n")
        at, last = at >> 1, last >> 1
    return "".join(lines).encode()


class BundleFiles(Protocol):
    """The files of a bundle: an archive, or the files to be written."""

    @property
    def names(self) -> list[str]:
        """The names, sorted."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""


class FilesInMemory:
    """Files that are about to be written."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    @property
    def names(self) -> list[str]:
        """The names, sorted."""
        return sorted(self.files)

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        return self.files[name]
