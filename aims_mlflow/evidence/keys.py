"""Keys: their ids, where they come from, and what to do when there is none.

A key id is the sha256 hex of the key's DER SubjectPublicKeyInfo.
"""

from __future__ import annotations

import getpass
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, KeyUnavailable
from aims_mlflow.evidence.canonical import sha256_hex

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

SIGNING_KEY = "AIMS_SIGNING_KEY"
LOG_KEY = "AIMS_LOG_KEY"
HOME = "AIMS_HOME"
HOW_TO = (
    f"set {SIGNING_KEY} to file:/path/to/key.pem or env:NAME_OF_A_VARIABLE_WITH_THE_PEM (`aims keys new` makes a key)"
)


def who() -> str:
    """Return the name of the account that runs this, for the records' `actor`."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def aims_home() -> Path:
    """Return the folder for keys and the default policy: `AIMS_HOME`, else `~/.aims`."""
    return Path(os.environ.get(HOME) or Path.home() / ".aims").expanduser()


@dataclass(frozen=True)
class PublicKey:
    """A public key as PEM text, with its id."""

    pem: str
    key_id: str

    @classmethod
    def from_pem(cls, pem: str, where: str = "public key") -> PublicKey:
        """Parse a PEM SubjectPublicKeyInfo.

        Raises:
            EvidenceError: it is not a public key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise EvidenceError("not a public key in PEM form", where=where, next="use `aims keys export`") from None
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return cls(text, sha256_hex(der))

    def for_dsse(self) -> SSlibKey:
        """Return the key in securesystemslib's form, under our key id."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.signer import SSlibKey

        return SSlibKey.from_crypto(load_pem_public_key(self.pem.encode()), keyid=self.key_id)


class SigningKey:
    """A private key that signs envelopes; `origin` says where it came from, for messages."""

    def __init__(self, signer: CryptoSigner, public: PublicKey, origin: str, *, ephemeral: bool = False) -> None:
        self._signer = signer
        self.public = public
        self.origin = origin
        self.ephemeral = ephemeral

    @property
    def key_id(self) -> str:
        """The public key's id."""
        return self.public.key_id

    def sign_dsse(self, envelope: Any) -> None:
        """Add this key's signature to a securesystemslib envelope."""
        envelope.sign(self._signer)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id[:12]}…, from {self.origin})"

    @classmethod
    def from_pem(cls, pem: bytes, origin: str, *, ephemeral: bool = False) -> SigningKey:
        """Read a PKCS#8 private key.

        Raises:
            KeyUnavailable: it is not one, or it needs a password.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
        from securesystemslib.signer import CryptoSigner

        try:
            private = load_pem_private_key(pem, None)
        except TypeError:
            raise KeyUnavailable("the signing key is protected by a password", where=origin, next=HOW_TO) from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeyUnavailable("not a private key in PKCS#8 PEM form", where=origin, next=HOW_TO) from None
        text = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        public = PublicKey.from_pem(text)
        return cls(CryptoSigner(private, public.for_dsse()), public, origin, ephemeral=ephemeral)


def new_private_pem() -> bytes:
    """Return a new Ed25519 private key as unencrypted PKCS#8 PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def ephemeral_key() -> SigningKey:
    """Return a key that lives in memory only: its records are whole, but no keyring knows it."""
    return SigningKey.from_pem(new_private_pem(), "memory, for this session only", ephemeral=True)


def write_new_key(path: Path) -> SigningKey:
    """Make a private key file that only its owner can read; an existing file is never replaced.

    Raises:
        KeyUnavailable: the file exists or cannot be written.
    """
    pem = new_private_pem()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        raise KeyUnavailable("a file of that name exists", where=str(path), next="choose another name") from None
    except OSError as exc:
        raise KeyUnavailable(f"cannot be written ({exc.strerror})", where=str(path), next=HOW_TO) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
    return SigningKey.from_pem(pem, str(path))


def load_key(uri: str) -> SigningKey:
    """Read a signing key from `file:PATH`, a plain path, or `env:VARIABLE`.

    Raises:
        KeyUnavailable: the URI is of another scheme, or nothing can be read there.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "env":
        value = os.environ.get(rest)
        if not value:
            raise KeyUnavailable(f"the variable {rest} is not set", where=SIGNING_KEY, next=HOW_TO)
        return SigningKey.from_pem(value.encode(), f"env:{rest}")
    if scheme == "file" or "/" in uri or Path(uri).exists():
        path = Path(rest if scheme == "file" else uri).expanduser()
        try:
            return SigningKey.from_pem(path.read_bytes(), str(path))
        except OSError as exc:
            raise KeyUnavailable(f"the key cannot be read ({exc.strerror})", where=str(path), next=HOW_TO) from None
    raise KeyUnavailable(f"keys of the form {scheme}: are not known here", next=HOW_TO)


def passing_home() -> str | None:
    """Return why a key made here would be lost with the machine, or None where the home lasts."""
    if os.environ.get(HOME):
        return None
    for variable in ("CI", "KUBERNETES_SERVICE_HOST", "DATABRICKS_RUNTIME_VERSION", "AWS_BATCH_JOB_ID", "SLURM_JOB_ID"):
        if os.environ.get(variable):
            return f"{variable} is set"
    for mark in ("/.dockerenv", "/run/.containerenv"):
        if Path(mark).exists():
            return "this is a container"
    home = Path.home()
    return None if os.access(home, os.W_OK) else f"{home} cannot be written"


def signing_key(notice: Any = None) -> SigningKey:
    """Return the trainer's key: `AIMS_SIGNING_KEY`, else one kept in `aims_home()`, made on first use.

    `notice` is called with one sentence when a key is made.

    Raises:
        KeyUnavailable: there is none, and none may be made here (CI, a home that does not last).
    """
    uri = os.environ.get(SIGNING_KEY)
    if uri and "PRIVATE KEY" in uri:
        raise KeyUnavailable(f"{SIGNING_KEY} holds a key itself instead of its address", next=HOW_TO)
    if uri:
        return load_key(uri)
    path = aims_home() / "keys" / "signing.pem"
    if path.exists():
        return load_key(f"file:{path}")
    why = passing_home()
    if why:
        raise KeyUnavailable(f"there is no signing key, and none is made because {why}", next=HOW_TO)
    key = write_new_key(path)
    if notice is not None:
        notice(
            f"Made a signing key: {path} (key id {key.key_id}). "
            "Give its public half (`aims keys export`) to whoever runs the registry."
        )
    return key
