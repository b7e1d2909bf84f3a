"""Leaves of the ledger: an entry to be sealed, and a leaf as it is stored.

A leaf is final: RFC 8785 bytes and `sha256(0x00 || leaf)`, the leaf hash of RFC 6962.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import parse_json
from aims_mlflow.records.leaves import read_content
from aims_mlflow.records.leaves.base import EmptyBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.records.leaves.base import LeafBody, LeafContent

TYPES = (
    "decision", "outcome", "approval", "waiver", "revocation", "retirement", "withdrawn", "superseded", "deleted",
    "renamed", "legacy", "policy", "keyring", "finding", "incident", "evidence", "erased",
)  # fmt: skip
# How many leaves one statement reads at most.
PAGE = 1000


class SearchColumns(NamedTuple):
    """The columns beside a leaf by which leaves are found."""

    request: str | None
    type: str
    model_name: str | None
    version: str | None

    @classmethod
    def of(cls, content: LeafContent) -> SearchColumns:
        """Return what the columns beside a leaf with this content say."""
        return cls(content.request, content.type, content.model_name, content.version)


@dataclass(frozen=True)
class Entry:
    """An entry to be sealed: the leaf's content, the erasable body, and the envelopes that the leaf names.

    `call` is the digest of what a client asked, by which an identical retry finds this request.
    """

    content: LeafContent
    body: LeafBody = field(default_factory=EmptyBody)
    envelopes: Sequence[bytes] = ()
    call: str = ""


@dataclass(frozen=True)
class Leaf:
    """One leaf as it is stored in the ledger."""

    sequence: int
    data: bytes
    leaf_hash: str

    @cached_property
    def content(self) -> dict[str, Any]:
        """The leaf's public fields, parsed once; callers must not change them."""
        content: dict[str, Any] = parse_json(self.data, f"leaf {self.sequence}")
        return content

    @cached_property
    def fact(self) -> LeafContent:
        """The leaf's public fields by the model of its type, parsed once.

        Raises:
            EvidenceError: it is not a leaf of this format.
        """
        return read_content(self.content, f"leaf {self.sequence}")


def leaf_hash(data: bytes) -> str:
    """Return RFC 6962's leaf hash as hex."""
    return hashlib.sha256(b"\x00" + data).hexdigest()
