"""The log of a ledger: the key that signs its heads, its name, and the anchors of its checkpoints."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.ledger.anchors import parse_anchors
from aims_mlflow.settings import LEDGER_ORIGIN, LOG_KEY, anchor_addresses, log_key_path, value_of, why_home_passes
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import write_new_key

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.ledger.anchors import Anchor
    from aims_mlflow.signing.keys import SigningKey

LOG_ROLE = "log"
LOG_OWNER = "registry"


@dataclass(frozen=True)
class Log:
    """A log key, the log's name (None: that of earlier checkpoints, or a new one), and its anchors."""

    key: SigningKey
    origin: str | None = None
    anchors: tuple[Anchor, ...] = ()


def log_key(*, make: bool = True) -> SigningKey:
    """Return the log's key: `AIMS_LOG_KEY`, else one kept in the home folder, made on first use where `make` is set.

    Raises:
        KeyUnavailable: there is none, and none may be made here.
    """
    how = f"set {LOG_KEY} to its address; all workers of a registry share one log key"
    uri, path = value_of(LOG_KEY), log_key_path()
    if uri and "PRIVATE KEY" in uri:
        raise KeyUnavailable(f"{LOG_KEY} holds a key itself instead of its address", next=how)
    if uri:
        return load_key(uri, LOG_KEY)
    if not path.exists():
        why = why_home_passes() if make else f"there is none at {path}"
        if why:
            raise KeyUnavailable(f"there is no log key, and none is made because {why}", next=how)
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
