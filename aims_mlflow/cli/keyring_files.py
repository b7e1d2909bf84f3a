"""The files that `aims keys` reads and writes: public keys, the root key, and the keyring of a policy folder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from aims_mlflow.errors import ConfigError, KeyUnavailable, Unreachable
from aims_mlflow.records.base import utc_text
from aims_mlflow.settings import HOME, POLICY, ROOT_KEY, policy_folder, root_key_path, value_of
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import load_keyring, roots_of, sign_keyring, write_keyring
from aims_mlflow.signing.keys import PublicKey, SigningKey, public_half

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aims_mlflow.records.keyring import Keyring


def ask_password() -> Callable[[str], str] | None:
    """Return a password prompt; None without a terminal."""
    if not sys.stdin.isatty():
        return None

    def ask(name: str) -> str:
        answer: str = click.prompt(f"Password of {name}", hide_input=True, err=True)
        return answer

    return ask


def change_keyring(policy: Path | None, root: str | None, change: Callable[[Keyring], Keyring]) -> Keyring:
    """Write the keyring's next version, signed by the root; on any error, keep the present one.

    Raises:
        ConfigError: the root key is another keyring's, or the change is refused.
        KeyUnavailable, Unreachable: the root key or the keyring is not here.
    """
    path, signer = keyring_path(policy), root_key(root)
    before = load_keyring(path)
    now = utc_text()
    if signer.key_id not in roots_of(before, now):
        raise ConfigError(
            f"{signer.origin} is not the root key of this keyring ({', '.join(sorted(roots_of(before, now)))} is)",
            where=str(path),
            next=f"name the root key with --root or {ROOT_KEY}",
        )
    keyring = sign_keyring(change(before), signer)
    if not roots_of(keyring, now):
        raise ConfigError(
            "no root would be left, and nobody could change the keyring any more",
            where=str(path),
            next="`aims keys rotate root NEW_KEY` puts another root in its place",
        )
    write_keyring(path, keyring)
    return keyring


def keyring_path(policy: Path | None) -> Path:
    """Return the keyring of a policy folder, by default of the one that the settings name.

    Raises:
        Unreachable: there is none.
    """
    from aims_mlflow.server.active_policy import KEYRING

    folder = policy or policy_folder()
    if not (folder / KEYRING).exists():
        raise Unreachable(
            "there is no keyring",
            where=str(folder / KEYRING),
            next=f"`aims gate init {folder}` makes one; if yours is elsewhere, `export {POLICY}=FOLDER` first",
        )
    return folder / KEYRING


def root_key(root: str | None) -> SigningKey:
    """Return the root key at the address `root`, by default the one that the settings name.

    Raises:
        KeyUnavailable: it is not here, or cannot be read.
    """
    named = root or value_of(ROOT_KEY)
    if named is None and not root_key_path().exists():
        raise KeyUnavailable(
            "the root key that signs the keyring is not here",
            where=str(root_key_path()),
            next=f"add `--root file:/path/to/root.pem`, or `export {HOME}=FOLDER` as when `aims gate init` made it",
        )
    return load_key(named or f"file:{root_key_path()}", ROOT_KEY, ask_password())


def read_public_key(file: Path) -> PublicKey:
    """Return the public key in a file.

    Raises:
        Unreachable: the file cannot be read.
        ConfigError, EvidenceError: it holds no public key.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Unreachable(
            f"cannot be read ({type(exc).__name__})",
            where=str(file),
            next=f"the key's owner prints it: `aims keys export > {file.name}`",
        ) from None
    if "PRIVATE KEY" in text:
        half = public_half(file)
        made = "" if half.exists() else f"`aims keys export --key file:{file} > {half}`, then "
        raise ConfigError("this is a private key", where=str(file), next=f"{made}give its public half: {half}")
    return PublicKey.from_pem(text, str(file))
