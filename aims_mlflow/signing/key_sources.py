"""Where signing keys come from: a file, an environment variable, a key service, or a new key in the home folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow import settings
from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.settings import SIGNING_KEY, password_of, password_variable
from aims_mlflow.signing import remote_keys
from aims_mlflow.signing.keys import MissingPassword, SigningKey, how_to_name_a_key, public_half, write_new_key
from aims_mlflow.signing.lasting_home import how_to_keep, why_home_passes

if TYPE_CHECKING:
    from collections.abc import Callable


def load_key(uri: str, variable: str = SIGNING_KEY, ask: Callable[[str], str] | None = None) -> SigningKey:
    """Read a signing key from `file:PATH`, a plain path, `env:VARIABLE`, or the address of a key service.

    Args:
        uri: where the key is.
        variable: the setting that names it; its password is in the variable `<variable>_PASSWORD`.
        ask: asks a person for the password of what it is given the name of, where the variable is not set.

    Raises:
        KeyUnavailable: the URI is of another scheme, nothing can be read there, or the password does not fit.
    """
    scheme, _, rest = uri.partition(":")
    how = how_to_name_a_key(variable)
    if scheme in remote_keys.SERVICES:
        return remote_keys.load(uri, password_of(variable), password_variable(variable), ask)
    if scheme == "env":
        value = settings.value_of(rest)
        if not value:
            raise KeyUnavailable(f"the variable {rest} is not set", where=variable, next=how)
        pem, origin = value.encode(), f"env:{rest}"
    elif scheme == "file" or "/" in uri or Path(uri).exists():
        path = Path(rest if scheme == "file" else uri).expanduser()
        try:
            pem, origin = path.read_bytes(), str(path)
        except OSError as exc:
            raise KeyUnavailable(f"the key cannot be read ({exc.strerror})", where=str(path), next=how) from None
    else:
        why = remote_keys.NOT_TAKEN.get(scheme, "")
        raise KeyUnavailable(f"keys of the form {scheme}: are not known here{why}", next=how)
    hint = f"set {password_variable(variable)} to its password"
    try:
        return SigningKey.from_pem(pem, origin, password=password_of(variable), hint=hint)
    except MissingPassword:
        if ask is None:
            raise
    return SigningKey.from_pem(pem, origin, password=ask(origin), hint=hint)


def signing_key(notice: Any = None, ask: Callable[[str], str] | None = None) -> SigningKey:
    """Return the trainer's key: `AIMS_SIGNING_KEY`, else one kept in the home folder, made on first use.

    `notice` is called with one sentence when a key is made; `ask` as in `load_key`.

    Raises:
        KeyUnavailable: there is none, and none may be made here (CI, a home that does not last).
    """
    uri = settings.value_of(SIGNING_KEY)
    if uri and "PRIVATE KEY" in uri:
        raise KeyUnavailable(f"{SIGNING_KEY} holds a key itself instead of its address", next=how_to_name_a_key())
    if uri:
        return load_key(uri, ask=ask)
    path = settings.signing_key_path()
    if path.exists():
        return load_key(f"file:{path}", ask=ask)
    why = why_home_passes()
    if why:
        raise KeyUnavailable(
            f"there is no signing key, and none is made because {why}", next=how_to_keep("aims keys new", SIGNING_KEY)
        )
    key, public = write_new_key(path), public_half(path)
    with contextlib.suppress(OSError):  # `aims keys export` prints it, too
        public.write_text(key.public.pem, encoding="utf-8")
    if notice is not None:
        notice(
            f"Made a signing key: {path} (key id {key.key_id}). "
            f"Give its public half, {public}, to whoever runs the registry (`aims keys export` prints it, too)."
        )
    return key
