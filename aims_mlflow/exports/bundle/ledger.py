"""The partial ledger in a bundle: the leaves of one system, each with its proof."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from aims_mlflow.audit.part_check import leaf_content
from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import parse_json, sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.ledger.leaves import Leaf, SearchColumns
from aims_mlflow.ledger.model_leaves import FOR_ALL, ModelLeaves
from aims_mlflow.records.leaves import read_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.records.leaves.base import LeafBody, LeafContent

_LEAF = re.compile(r"ledger/leaves/(\d{12})\.json", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PartLedger:
    """A ledger read from the files of a bundle; all values are untrusted."""

    def __init__(self, files: layout.BundleFiles) -> None:
        self.files = files
        self.state = self

    @cached_property
    def _leaves(self) -> list[tuple[Leaf, LeafContent]]:
        """Every leaf with its fields; a leaf of another format makes the whole bundle invalid."""
        out = []
        for name in self.files.names:
            if found := _LEAF.fullmatch(name):
                data = self.files.read(name)
                leaf = Leaf(int(found[1]), data, merkle.leaf_hash(data).hex())
                out.append((leaf, leaf_content(leaf)))
        return out

    def leaves(
        self,
        *,
        start: int = 0,
        types: Sequence[str] = (),
        model_name: str | None = None,
        request: str | None = None,
    ) -> Iterator[Leaf]:
        """Yield leaves in order."""
        for leaf, content in self._leaves:
            if leaf.sequence < start or (types and content.type not in types):
                continue
            if model_name is not None and content.model_name != model_name:
                continue
            if request is None or content.request == request:
                yield leaf

    def leaf(self, sequence: int) -> Leaf | None:
        """Return one leaf; None where there is none."""
        return self._by_number.get(sequence)

    @cached_property
    def _by_number(self) -> dict[int, Leaf]:
        return {leaf.sequence: leaf for leaf, _ in self._leaves}

    def of_model(self, name: str) -> ModelLeaves:
        """Return a model's leaves."""

        def read(name: str, start: int) -> Iterator[tuple[Leaf, str, str | None]]:
            for leaf, content in self._leaves:
                if leaf.sequence >= start and content.model_name == name:
                    yield leaf, content.type, content.version

        found = ModelLeaves(name, read)
        found.refresh()
        return found

    def for_all(self) -> ModelLeaves:
        """Return the leaves that hold for every model: policies, keyrings, revocations and retirements."""

        def read(_: str, start: int) -> Iterator[tuple[Leaf, str, str | None]]:
            for leaf, content in self._leaves:
                if leaf.sequence >= start and content.type in FOR_ALL:
                    yield leaf, content.type, content.version

        found = ModelLeaves("", read)
        found.refresh()
        return found

    def bodies(self, sequences: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        """Return (salt, body) of those leaves that have a body here."""
        out = {}
        for sequence in sequences:
            if layout.body_path(sequence) in self.files:
                out[sequence] = _body(self.files.read(layout.body_path(sequence)), layout.body_path(sequence))
        return out

    def columns(self, _: Sequence[int]) -> dict[int, SearchColumns]:
        """Return none: in a bundle, leaves are found by their content."""
        return {}

    def hidden(self, _: Sequence[tuple[Leaf, LeafContent]]) -> set[int]:
        """Return none: in a bundle, sessions are found by the content of their leaves."""
        return set()

    def body(self, sequence: int) -> LeafBody | None:
        """Return a leaf's body, checked against its commitment; None where there is none.

        Raises:
            EvidenceError: it is not the one that the leaf commits to, or not of this format.
        """
        found = self.bodies([sequence]).get(sequence)
        if found is None:
            return None
        of = next((content for leaf, content in self._leaves if leaf.sequence == sequence), None)
        if of is None or sha256_hex(found[0] + found[1]) != of.commitment:
            raise EvidenceError("the body was changed: it does not fit the leaf's commitment", where=f"leaf {sequence}")
        return read_body(of.type, parse_json(found[1], f"body {sequence}"), f"leaf {sequence}")

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the envelopes among these sha256 names."""
        wanted = [name for name in names if isinstance(name, str) and _HASH.fullmatch(name)]
        return {
            name: self.files.read(layout.envelope_path(name))
            for name in wanted
            if layout.envelope_path(name) in self.files
        }

    def envelope(self, sha256: str) -> bytes | None:
        """Return one envelope."""
        return self.envelopes([sha256]).get(sha256)

    def stored(self, digest: str) -> str | None:
        """Return the text of a policy or keyring."""
        name = layout.stored_path(digest)
        if not _HASH.fullmatch(digest) or name not in self.files:
            return None
        try:
            return self.files.read(name).decode()
        except UnicodeDecodeError:
            raise EvidenceError("not text", where=name) from None

    def active(self) -> dict[str, str]:
        """Return the policy and keyring in force according to the last leaves."""
        out = {}
        for kind in ("policy", "keyring"):
            found = [content for _, content in self._leaves if content.type == kind]
            if found:
                out[kind] = str(next(iter(found[-1].rules()), None))
        return out

    def head(self) -> Checkpoint:
        """Return the checkpoint that all proofs are against.

        Raises:
            EvidenceError: the bundle has no checkpoint.
        """
        return checkpoint.parse(self.files.read(layout.CHECKPOINT), layout.CHECKPOINT)

    def path(self, sequence: int) -> list[bytes]:
        """Return a leaf's audit path.

        Raises:
            EvidenceError: the path is missing or malformed.
        """
        lines = self.files.read(layout.proof_path(sequence)).decode("ascii", "replace").splitlines()
        return [_step(line, layout.proof_path(sequence)) for line in lines]


def _body(raw: bytes, where: str) -> tuple[bytes, bytes]:
    """Return (salt, body) of a file in exactly the form that `layout.body_text` writes."""
    found = parse_json(raw, where)
    try:
        salt, body = bytes.fromhex(found["salt"]), base64.b64decode(found["body"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise EvidenceError("not a body", where=where) from None
    if layout.body_text(salt, body) != raw:
        raise EvidenceError("not a body in its one spelling", where=where)
    return salt, body


def _step(line: str, where: str) -> bytes:
    side, _, value = line.partition(" ")
    if side not in ("left", "right") or not _HASH.fullmatch(value):
        raise EvidenceError("not an audit path", where=where)
    return bytes.fromhex(value)
