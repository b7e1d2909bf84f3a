"""Public keys and signing keys, their ids, and new key files.

A key id is the sha256 hex of the key's DER SubjectPublicKeyInfo.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError, KeyUnavailable
from aims_mlflow.settings import SIGNING_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from securesystemslib.signer import Signer, SSlibKey

SIGNATURE_BYTES = 64  # of Ed25519


def how_to_name_a_key(variable: str = SIGNING_KEY) -> str:
    """Return how to name a key in the setting `variable`, for the end of an error."""
    return (
        f"set {variable} to file:/path/to/key.pem, env:NAME_OF_A_VARIABLE_WITH_THE_PEM or the address of a key service "
        "(`aims keys new FILE` makes a key)"
    )


def who() -> str:
    """Return the name of the account that runs this, for the records' `actor`."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@dataclass(frozen=True)
class PublicKey:
    """A public key as PEM text, with its id."""

    pem: str
    key_id: str

    @classmethod
    @functools.lru_cache(maxsize=256)
    def from_pem(cls, pem: str, where: str = "public key") -> PublicKey:
        """Parse a PEM SubjectPublicKeyInfo; the same text is parsed once.

        Raises:
            EvidenceError: it is not a public key.
        """
        return cls(*_public(pem, where))

    def for_dsse(self) -> SSlibKey:
        """Return the key in securesystemslib's form, under our key id."""
        return _sslib_key(self.pem, self.key_id)

    @property
    def raw_ed25519(self) -> bytes | None:
        """The 32 bytes of an Ed25519 key; None for a key of another kind."""
        return _raw_ed25519(self.pem)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Return whether this key made `signature` over `data`."""
        raw = self.raw_ed25519
        if raw is not None and _sodium_accepts(raw, signature, data):
            return True
        from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
        from securesystemslib.signer import Signature

        try:
            self.for_dsse().verify_signature(Signature(self.key_id, signature.hex()), data)
        except (VerificationError, UnverifiedSignatureError):
            return False
        return True


@functools.lru_cache(maxsize=1024)
def _public(pem: str, where: str) -> tuple[str, str]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise EvidenceError("not a public key in PEM form", where=where, next="use `aims keys export`") from None
    if not _signs(key):
        raise EvidenceError(
            "not a key that signs records", where=where, next="use Ed25519, ECDSA on a NIST curve, or RSA"
        )
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return text, sha256_hex(der)


def _signs(key: Any) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    curves = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, curves)
    return isinstance(key, ed25519.Ed25519PublicKey | rsa.RSAPublicKey)


@functools.lru_cache(maxsize=256)
def _sslib_key(pem: str, key_id: str) -> SSlibKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(load_pem_public_key(pem.encode()), keyid=key_id)


@functools.lru_cache(maxsize=256)
def _raw_ed25519(pem: str) -> bytes | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def _sodium_accepts(key: bytes, signature: bytes, data: bytes) -> bool:
    """Return True where libsodium accepts an Ed25519 signature, in half of OpenSSL's time. False says nothing.

    What libsodium accepts, OpenSSL accepts: both compare the same equation without cofactor, and libsodium refuses more
    (points of small order, and coordinates that are not reduced). So OpenSSL has the last word on what is refused here.
    """
    try:
        from nacl.bindings import crypto_sign_open
        from nacl.exceptions import CryptoError
    except ImportError:  # the skinny distribution does without
        return False
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        return bool(crypto_sign_open(signature + data, key) == data)
    except CryptoError:
        return False


class MissingPassword(KeyUnavailable):
    """The key needs a password, and none was given; a caller with a terminal may ask for it."""


class SigningKey:
    """A private key that signs envelopes; `origin` says where it came from, for messages."""

    def __init__(self, signer: Signer, public: PublicKey, origin: str, *, ephemeral: bool = False) -> None:
        self._signer = signer
        self.public = public
        self.origin = origin
        self.ephemeral = ephemeral

    @property
    def key_id(self) -> str:
        """The public key's id."""
        return self.public.key_id

    @property
    def in_memory(self) -> bool:
        """Whether the key signs in this process; a key service takes longer."""
        from securesystemslib.signer import CryptoSigner

        return isinstance(self._signer, CryptoSigner)

    def sign_dsse(self, envelope: Any) -> None:
        """Add this key's signature to a securesystemslib envelope.

        Raises:
            KeyUnavailable: a key service did not sign.
        """
        with self._told():
            envelope.sign(self._signer)

    def sign(self, data: bytes) -> bytes:
        """Return this key's signature over `data`.

        Raises:
            KeyUnavailable: a key service did not sign.
        """
        with self._told():
            return bytes.fromhex(self._signer.sign(data).signature)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the errors of key services into ours."""
        try:
            yield
        except AimsError:
            raise
        except Exception as exc:
            reason = f"the key did not sign ({type(exc).__name__})"
            raise KeyUnavailable(reason, where=self.origin, next="check its key service") from exc

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id[:12]}…, from {self.origin})"

    @classmethod
    def from_pem(
        cls, pem: bytes, origin: str, *, ephemeral: bool = False, password: str | None = None, hint: str | None = None
    ) -> SigningKey:
        """Read a PKCS#8 private key; `password` is used where the key needs one. `hint` says what to do without it.

        Raises:
            MissingPassword: it is protected by a password, and none was given.
            KeyUnavailable: it is not such a key, or the password does not open it.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
        from securesystemslib.signer import CryptoSigner

        protected, hint = b"ENCRYPTED" in pem, hint or how_to_name_a_key()
        if protected and password is None:
            raise MissingPassword("the key is protected by a password", where=origin, next=hint)
        try:
            private = load_pem_private_key(pem, password.encode() if protected and password is not None else None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            what = "the password does not open the key" if protected else "not a private key in PKCS#8 PEM form"
            raise KeyUnavailable(what, where=origin, next=hint) from None
        if not _signs(private.public_key()):
            raise KeyUnavailable("not a key that signs records", where=origin, next="`aims keys new` makes one")
        text = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        public = PublicKey.from_pem(text)
        return cls(CryptoSigner(private, public.for_dsse()), public, origin, ephemeral=ephemeral)


def new_private_pem(password: str | None = None) -> bytes:
    """Return a new Ed25519 private key as PKCS#8 PEM, encrypted where there is a password."""
    from cryptography.hazmat.primitives import serialization as out
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    protection = out.BestAvailableEncryption(password.encode()) if password else out.NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(out.Encoding.PEM, out.PrivateFormat.PKCS8, protection)


def ephemeral_key() -> SigningKey:
    """Return a key that exists in memory only: its records verify, but no keyring contains it."""
    return SigningKey.from_pem(new_private_pem(), "memory, for this session only", ephemeral=True)


def public_half(path: Path) -> Path:
    """Return the file beside a private key for its public half."""
    return path.with_name(f"{path.stem if path.suffix == '.pem' else path.name}.pub.pem")


def write_new_key(path: Path, password: str | None = None) -> SigningKey:
    """Create a private key file that only its owner can read; never replace an existing file.

    Raises:
        KeyUnavailable: the file exists or cannot be written.
    """
    pem = new_private_pem(password)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        raise KeyUnavailable("a file of that name exists", where=str(path), next="choose another name") from None
    except OSError as exc:
        raise KeyUnavailable(
            f"cannot be written ({exc.strerror})", where=str(path), next="choose a folder that can be written"
        ) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
    return SigningKey.from_pem(pem, str(path), password=password)
