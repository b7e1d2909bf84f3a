"""Checkpoints: the ledger's signed tree heads, as C2SP signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

A checkpoint states that the log `origin` has `size` leaves under this root. The log's key signs the text. Signatures of
witnesses can be added; they are kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError, KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.signing.keys import PublicKey, SigningKey

MAX_NOTE_BYTES = 64 * 1024
MAX_SIGNATURES = 16
DASH = "— "
ED25519 = b"\x01"
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the signer's name, the four bytes that hint at the key, and the signature."""

    name: str
    hint: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line as it stands in the note."""
        return f"{DASH}{self.name} {base64.b64encode(self.hint + self.signature).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A signed note as parsed, its signatures not yet checked; `text` ends with a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> str:
        """Return the note's own text."""
        return self.text + "\n" + "".join(s.line() for s in self.signatures)

    def signed_by(self, name: str, key: PublicKey) -> bool:
        """Return whether `key` signed the note under `name`.

        Raises:
            EvidenceError: a signature that claims to be of this key does not fit the text.
        """
        hint = key_hint(name, key)
        found = [s for s in self.signatures if s.name == name and s.hint == hint]
        for signature in found:
            if not key.verifies(signature.signature, self.text.encode()):
                raise EvidenceError(f"the signature of {name} (key {key.key_id[:12]}) does not fit the note's text")
        return bool(found)


@dataclass(frozen=True)
class Checkpoint:
    """A log's tree head: `root` is over the first `size` leaves of the log named `origin`."""

    origin: str
    size: int
    root: bytes
    note: Note

    @property
    def text(self) -> str:
        """The whole signed note."""
        return self.note.encode()

    def verify(self, keys: Iterable[PublicKey]) -> PublicKey:
        """Return the key among `keys` that signed as the log.

        Raises:
            EvidenceError: none did, or a signature does not fit.
        """
        known = list(keys)
        for key in known:
            if self.note.signed_by(self.origin, key):
                return key
        names = ", ".join(key.key_id[:12] for key in known) or "none is known"
        raise EvidenceError(f"the checkpoint of {self.origin} is not signed by a log key ({names})")


def key_hint(name: str, key: PublicKey) -> bytes:
    """Return the four bytes by which a note names a key: Ed25519 by the rule of signed-note, ECDSA by its key id.

    Raises:
        KeyUnavailable: notes know no other kind of key.
    """
    raw = key.raw_ed25519
    if raw is not None:
        return hashlib.sha256(name.encode() + b"\n" + ED25519 + raw).digest()[:4]
    if key.for_dsse().keytype == "ecdsa":
        return bytes.fromhex(key.key_id)[:4]
    raise KeyUnavailable("checkpoints are signed with Ed25519 or ECDSA", next="`aims keys new` makes an Ed25519 key")


def check_name(name: str) -> str:
    """Return `name` if it is valid as the origin and signer of a note.

    Raises:
        EvidenceError: it is empty, too long, or has spaces, control characters or a plus.
    """
    if not name or len(name) > 200 or "+" in name or not name.isprintable() or any(c.isspace() for c in name):
        raise EvidenceError(
            f"a log cannot be named {name[:60]!r}",
            next="name it like an address without scheme: ai.example.org/aims-ledger",
        )
    return name


def sign(origin: str, size: int, root: bytes, key: SigningKey) -> Checkpoint:
    """Return the signed checkpoint of a tree.

    Raises:
        EvidenceError: no log can have this name.
        KeyUnavailable: the key cannot sign notes.
    """
    text = f"{check_name(origin)}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = NoteSignature(origin, key_hint(origin, key.public), key.sign(text.encode()))
    return Checkpoint(origin, size, root, Note(text, (signature,)))


def parse_note(raw: bytes, where: str) -> Note:
    """Parse hostile bytes into a signed note; each note has exactly one valid spelling.

    Raises:
        EvidenceError: it is not one.
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise EvidenceError(f"the note is larger than {MAX_NOTE_BYTES // 1024} KiB", where=where)
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        raise EvidenceError("the note is not UTF-8", where=where) from None
    if any(c < " " and c != "\n" for c in whole):
        raise EvidenceError("the note has control characters", where=where)
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise EvidenceError("not a signed note (text, empty line, signatures)", where=where)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise EvidenceError(f"the note has more than {MAX_SIGNATURES} signatures", where=where)
    return Note(text + "\n", tuple(_signature(line, where) for line in lines))


def _signature(line: str, where: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not space or not name or "+" in name or any(c.isspace() for c in name):
        raise EvidenceError("a signature line of the note cannot be read", where=where)
    data = _strict_b64(encoded, where)
    if len(data) < 5:
        raise EvidenceError("a signature of the note is too short", where=where)
    return NoteSignature(name, data[:4], data[4:])


def _strict_b64(text: str, where: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError("base64 in the note cannot be read", where=where) from None
    if base64.b64encode(data).decode() != text:
        raise EvidenceError("base64 in the note has stray bits", where=where)
    return data


def parse(raw: bytes, where: str) -> Checkpoint:
    """Parse hostile bytes into a checkpoint; its signatures are checked by `verify`.

    Raises:
        EvidenceError: it is not one.
    """
    note = parse_note(raw, where)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise EvidenceError("not a checkpoint (origin, size, root)", where=where)
    origin, size, encoded = lines[:3]
    if not _SIZE.fullmatch(size):
        raise EvidenceError("the checkpoint's size is not a number", where=where)
    root = _strict_b64(encoded, where)
    if len(root) != 32:
        raise EvidenceError("the checkpoint's root is not a sha256", where=where)
    return Checkpoint(origin, int(size), root, note)
