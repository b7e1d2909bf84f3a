"""RFC 3161 time stamps: a third party confirms that a checkpoint existed at a time. Needs the extra `timestamps`."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import ConfigError, EvidenceError, Unreachable, how_to_install

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_RESPONSE_BYTES = 64 * 1024
SECONDS = 20


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        raise ConfigError(
            "time stamps need an extra that is not installed", next=how_to_install("timestamps")
        ) from None
    return rfc3161_client


def request_stamp(data: bytes, url: str) -> bytes:
    """Return a time-stamping authority's response (DER) over the sha256 of `data`.

    The authority is believed only when its response is verified (`stamped_at`); here it must be about this data.

    Raises:
        ConfigError: the extra is not installed, or the address is not http(s).
        Unreachable: the authority does not answer, or refuses.
        EvidenceError: it answers about something else.
    """
    library = _library()
    if not url.startswith(("https://", "http://")):
        raise ConfigError("a time-stamping authority has an http(s) address", where=url)
    asked = library.TimestampRequestBuilder().data(data).hash_algorithm(library.HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    question = urllib.request.Request(url, data=asked.as_bytes(), headers=headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(question, timeout=SECONDS) as answer:  # noqa: S310 - checked above
            raw: bytes = answer.read(MAX_RESPONSE_BYTES + 1)
    except (urllib.error.URLError, OSError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise Unreachable(f"the time-stamping authority does not answer ({reason})", where=url) from None
    response = _decode(raw, url)
    if response.status != 0:
        raise Unreachable(f"the time-stamping authority refused (status {response.status})", where=url)
    imprint = response.tst_info.message_imprint
    if imprint.message != asked.message_imprint.message or response.tst_info.nonce != asked.nonce:
        raise EvidenceError("the time stamp is about something else", where=url)
    return raw


def stamped_at(response: bytes, data: bytes, roots: Sequence[bytes], where: str) -> datetime:
    """Return the time at which an authority under one of `roots` (PEM certificates) saw `data`.

    Raises:
        ConfigError: the extra is not installed, or a root is not a certificate.
        EvidenceError: the response is none, or is not about `data`, or no root vouches for its signer.
    """
    from cryptography import x509

    library = _library()
    parsed = _decode(response, where)
    builder = library.VerifierBuilder()
    for pem in roots:
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError:
            raise ConfigError("a root of the time-stamping authority is not a PEM certificate", where=where) from None
        for certificate in dict.fromkeys(certificates):
            builder = builder.add_root_certificate(certificate)
    if not roots:
        raise ConfigError("no root certificate of the time-stamping authority was given", where=where)
    try:
        builder.build().verify_message(parsed, data)
    except library.VerificationError as exc:
        raise EvidenceError(f"the time stamp does not verify ({exc})", where=where) from None
    moment: datetime = parsed.tst_info.gen_time
    return moment


def _decode(raw: bytes, where: str) -> Any:
    if len(raw) > MAX_RESPONSE_BYTES:
        raise EvidenceError("the time stamp is too large", where=where)
    try:
        return _library().decode_timestamp_response(raw)
    except ValueError as exc:
        reason = str(exc).partition("{")[2][:80] or "no DER"
        raise EvidenceError(f"not an RFC 3161 response in DER ({reason})", where=where) from None
