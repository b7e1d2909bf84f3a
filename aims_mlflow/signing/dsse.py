"""Signing and checking DSSE envelopes with securesystemslib (DSSE v1.0.2).

An envelope is one line of RFC 8785 bytes. `parse` accepts only these exact bytes, so that an envelope has one
spelling, and each changed byte is detected.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.errors import EvidenceError

if TYPE_CHECKING:
    from aims_mlflow.signing.keys import PublicKey, SigningKey

IN_TOTO = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024
# An envelope of plain characters in its canonical bytes, which nearly every one is: it needs no JSON parser.
_PLAIN = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/=]*)","payloadType":"([ !#-\[\]-~]*)",'
    rb'"signatures":\[\{"keyid":"([ !#-\[\]-~]*)","sig":"([A-Za-z0-9+/=]*)"\}\]\}'
)


@dataclass(frozen=True)
class Envelope:
    """A parsed envelope, its signature not yet checked."""

    payload: bytes
    payload_type: str
    key_id: str
    signature: bytes
    raw: bytes

    @cached_property
    def sha256(self) -> str:
        """The sha256 of the envelope's own bytes: the record's name in manifest and ledger."""
        return sha256_hex(self.raw)

    def verify(self, key: PublicKey) -> None:
        """Check the signature with `key`.

        Raises:
            EvidenceError: it was not made by this key over this payload.
        """
        if key.key_id != self.key_id or not key.verifies(self.signature, _signed(self.payload, self.payload_type)):
            raise EvidenceError(f"the signature does not fit the content (key {key.key_id[:12]})")


def sign(payload: bytes, key: SigningKey, payload_type: str = IN_TOTO) -> Envelope:
    """Return the signed envelope of `payload`.

    Raises:
        KeyUnavailable: the key cannot sign.
    """
    from securesystemslib.dsse import Envelope as Dsse

    dsse = Dsse(payload, payload_type, {})
    key.sign_dsse(dsse)
    return parse(canonical(dsse.to_dict()), "envelope")


def _signed(payload: bytes, payload_type: str) -> bytes:
    """Return the bytes that a signature is over (DSSE v1.0.2, PAE).

    Not by securesystemslib: who only reads would wait a second for its signers, boto3 among them.
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _strict_b64(text: Any, where: str) -> bytes:
    if not isinstance(text, str):
        raise EvidenceError("a base64 field is not text", where=where)
    try:
        data = binascii.a2b_base64(text)
    except (binascii.Error, ValueError):
        raise EvidenceError("a base64 field cannot be read", where=where) from None
    # Whatever the reader skipped is not written again.
    if binascii.b2a_base64(data, newline=False).decode() != text:
        raise EvidenceError("a base64 field has stray bits", where=where)
    return data


def parse(raw: bytes, where: str) -> Envelope:
    """Parse hostile bytes into an envelope with exactly one signature.

    Raises:
        EvidenceError: the bytes are not the canonical form of such an envelope.
    """
    if len(raw) > MAX_ENVELOPE_BYTES:
        raise EvidenceError(f"the envelope is larger than {MAX_ENVELOPE_BYTES // 1024 // 1024} MiB", where=where)
    if plain := _PLAIN.fullmatch(raw):
        payload, payload_type, key_id, signature = (part.decode("ascii") for part in plain.groups())
        return Envelope(_strict_b64(payload, where), payload_type, key_id, _strict_b64(signature, where), raw)
    return _parse(raw, where)


def _parse(raw: bytes, where: str) -> Envelope:
    """Parse unusual bytes, or raise an error with the reason."""
    data = parse_json(raw, where)
    if not isinstance(data, dict) or set(data) != {"payload", "payloadType", "signatures"}:
        raise EvidenceError("not a DSSE envelope (payload, payloadType, signatures)", where=where)
    signatures = data["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise EvidenceError("the envelope needs exactly one signature", where=where)
    first = signatures[0]
    if set(first) != {"keyid", "sig"} or not isinstance(first["keyid"], str):
        raise EvidenceError("the signature needs keyid and sig", where=where)
    if not isinstance(data["payloadType"], str):
        raise EvidenceError("payloadType is not text", where=where)
    payload, signature = _strict_b64(data["payload"], where), _strict_b64(first["sig"], where)
    try:
        same = canonical(data) == raw
    except EvidenceError:
        same = False
    if not same:
        raise EvidenceError("the envelope's bytes were changed (not in canonical form)", where=where)
    return Envelope(payload, data["payloadType"], first["keyid"], signature, raw)
