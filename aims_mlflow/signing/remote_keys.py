"""Keys in key services: AWS, Google and Azure KMS, HashiCorp Vault, and PKCS#11 modules (HSM).

securesystemslib's signers get the address unchanged. The service's own client library finds the credentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from aims_mlflow.errors import AimsError, KeyUnavailable, how_to_install
from aims_mlflow.signing.keys import PublicKey, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from securesystemslib.signer import Signer, SSlibKey


@dataclass(frozen=True)
class Service:
    """A kind of key service: its title, the extra that it needs, and an example of an address."""

    title: str
    extra: str
    example: str


_GOOGLE = "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1"
SERVICES = {
    "awskms": Service("AWS KMS", "awskms", "awskms:alias/aims-log"),
    "gcpkms": Service("Google Cloud KMS", "gcpkms", _GOOGLE),
    "azurekms": Service("Azure Key Vault", "azurekms", "azurekms://VAULT.vault.azure.net/keys/NAME"),
    "hv": Service("HashiCorp Vault", "vault", "hv:KEY_NAME"),
    "hsm": Service("a PKCS#11 module", "hsm", "hsm:2?label=TOKEN"),
}

NOT_TAKEN = {"sigstore": ", since Sigstore's signers have no lasting key that a keyring could name or revoke"}


def load(uri: str, password: str | None, variable: str, ask: Callable[[str], str] | None = None) -> SigningKey:
    """Return the key at the address of a key service; its public half is fetched from there.

    `password` is the PIN of an HSM; without it `ask` is called when a signature is due, and `variable` is named.

    Raises:
        KeyUnavailable: the extra is not installed, the address is not of its form, the service refuses, or the key
            signs in a way that verifiers would not expect.
    """
    service = SERVICES[uri.partition(":")[0]]

    def pin(_: str) -> str:
        if password is not None:
            return password
        if ask is None:
            raise KeyUnavailable("the token needs a PIN", where=uri, next=f"set {variable} to it")
        return ask(uri)

    from securesystemslib.exceptions import UnsupportedLibraryError

    try:
        return _load(uri, pin)
    except AimsError:
        raise
    except UnsupportedLibraryError:
        raise KeyUnavailable(
            f"keys in {service.title} need an extra that is not installed",
            where=uri,
            next=how_to_install(service.extra),
        ) from None
    except Exception as exc:  # noqa: BLE001 - every client library has errors of its own
        reason = str(exc).splitlines()[0][:200] if str(exc) else ""
        raise KeyUnavailable(
            f"{service.title} did not give the key ({type(exc).__name__}: {reason})",
            where=uri,
            next=f"check its credentials, and that the address is like {service.example}",
        ) from None


def _load(uri: str, pin: Callable[[str], str]) -> SigningKey:
    address, found = _import(uri, pin)
    public = PublicKey.from_pem(_pem(found), uri)
    expected = public.for_dsse()
    if found.scheme != expected.scheme:
        raise KeyUnavailable(
            f"the key signs with {found.scheme}, and verifiers expect {expected.scheme}",
            where=uri,
            next="use an Ed25519 or ECDSA P-256 key",
        )
    return SigningKey(_signer(uri.partition(":")[0]).from_priv_key_uri(address, expected, pin), public, uri)


def _signer(scheme: str) -> type[Signer]:
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME

    signer: type[Signer] = SIGNER_FOR_URI_SCHEME[scheme]
    return signer


def _import(uri: str, pin: Callable[[str], str]) -> tuple[str, SSlibKey]:
    """Return the address to sign with, and the public key that the service has under it."""
    parts = urlsplit(uri)
    signer: Any = _signer(parts.scheme)
    if parts.scheme == "azurekms":
        names = parts.path.strip("/").split("/")
        if len(names) not in (2, 3) or names[0] != "keys":
            raise ValueError("the address names no key")
        address, key = signer.import_(parts.netloc.partition(".")[0], names[1])
        if len(names) == 3 and address.rsplit("/", 1)[-1] != names[2]:
            raise ValueError(f"the newest version is {address}")
    elif parts.scheme == "hv":
        name, _, version = parts.path.partition("/")
        address, key = signer.import_(name)
        if version and address != uri:
            raise ValueError(f"the newest version is {address}")
    elif parts.scheme == "hsm":
        label = dict(parse_qsl(parts.query)).get("label")
        address, key = signer.import_(int(parts.path) if parts.path else None, label, pin)
    else:
        address, key = signer.import_(uri.partition(":")[2])
    return address, key


def _pem(key: SSlibKey) -> str:
    """Return the public key as PEM; securesystemslib keeps Ed25519 keys as hex of their 32 bytes."""
    value: str = key.keyval["public"]
    if key.keytype != "ed25519":
        return value
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(value))
    return raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
