"""The log of a ledger: the key that signs its heads, its name, and the anchors of its checkpoints."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.ledger.anchors import parse_anchors
from aims_mlflow.settings import LEDGER_ORIGIN, LOG_KEY, anchor_addresses, log_key_path, value_of
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import how_to_name_a_key, write_new_key
from aims_mlflow.signing.lasting_home import why_home_passes

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.ledger.anchors import Anchor
    from aims_mlflow.signing.keys import SigningKey

LOG_ROLE = "log"
LOG_OWNER = "registry"
HOW_TO = (
    f"set {LOG_KEY} to the address of the key that `aims gate init` made, such as file:/path/to/log.pem; "
    "all workers of a registry share it"
)


@dataclass(frozen=True)
class Log:
    """A log key, the log's name (None: that of earlier checkpoints, or a new one), and its anchors."""

    key: SigningKey
    origin: str | None = None
    anchors: tuple[Anchor, ...] = ()


def log_key(*, make: bool = True, anywhere: bool = False) -> SigningKey:
    """Return the log's key: `AIMS_LOG_KEY`, else one kept in the home folder, made on first use where `make` is set.

    It is made where the home lasts, with `anywhere` also elsewhere.

    Raises:
        KeyUnavailable: there is none, and none may be made here.
    """
    uri, path = value_of(LOG_KEY), log_key_path()
    if uri and "PRIVATE KEY" in uri:
        raise KeyUnavailable(f"{LOG_KEY} holds a key itself instead of its address", next=how_to_name_a_key(LOG_KEY))
    if uri:
        return load_key(uri, LOG_KEY)
    if not path.exists():
        why = f"there is none at {path}" if not make else None if anywhere else why_home_passes()
        if why:
            raise KeyUnavailable(f"there is no log key, and none is made because {why}", next=HOW_TO)
        _make(path)
    return load_key(f"file:{path}", LOG_KEY)


def _make(path: Path) -> None:
    """Create the key; if several workers start at once, one creates it and all use it."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_new_key(part)
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError as exc:
        raise KeyUnavailable(f"cannot be written ({exc.strerror})", where=str(path)) from None
    finally:
        part.unlink(missing_ok=True)


def configured_log(*, make: bool = True) -> Log:
    """Return the log that the environment describes: `AIMS_LOG_KEY`, `AIMS_LEDGER_ORIGIN`, `AIMS_ANCHORS`.

    Raises:
        ConfigError: an anchor is not known.
        KeyUnavailable: there is no log key.
    """
    outside = parse_anchors(anchor_addresses())
    return Log(log_key(make=make), value_of(LEDGER_ORIGIN), outside)
