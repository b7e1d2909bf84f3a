"""Options of several commands, and reading of their values: ledger, registry, outside checkpoints, keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.errors import Unreachable
from aims_mlflow.settings import keyring_roots

if TYPE_CHECKING:
    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.ledger.ledger import Ledger

FILE = click.Path(path_type=Path)
LEDGER = click.option("--ledger", help="Database of the ledger; AIMS_LEDGER_URI, or beside the registry's, by default.")
REGISTRY = click.option("--registry", help="The registry's address or database; MLFLOW_REGISTRY_URI by default.")
TRACKING = click.option("--tracking", help="The tracking server's address; MLFLOW_TRACKING_URI by default.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
KEYS = click.option(
    "--key", "keys", multiple=True, type=click.Path(), help="Also trust the public key in this PEM file; repeatable."
)
SINCE = click.option(
    "--since",
    type=FILE,
    multiple=True,
    help="An earlier checkpoint of yours: its file, or an anchor's folder; repeatable.",
)
ROOT = click.option(
    "--root", "roots", multiple=True, help="Key id of the keyring's root; AIMS_KEYRING_ROOT by default."
)
STAMP_ROOT = click.option(
    "--stamp-root", "stamps", type=FILE, multiple=True, help="Certificate (PEM) of a time-stamping authority's root."
)


@dataclass(frozen=True, kw_only=True)
class AuditorInputs:
    """The auditor's own inputs to a verification, independent of the verified party."""

    checkpoints: tuple[OutsideCheckpoint, ...]
    roots: tuple[str, ...] | None
    stamp_roots: tuple[bytes, ...]


def auditor_inputs(since: tuple[Path, ...], roots: tuple[str, ...], stamps: tuple[Path, ...]) -> AuditorInputs:
    """Read the values of --since, --root and --stamp-root; the default root is `AIMS_KEYRING_ROOT`.

    Raises:
        EvidenceError: A file is not a checkpoint.
        Unreachable: a file cannot be read.
    """
    from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint

    return AuditorInputs(
        checkpoints=tuple(read_outside_checkpoint(path) for path in since),
        roots=roots or keyring_roots() or None,
        stamp_roots=tuple(read_file(path) for path in stamps),
    )


def opened(ledger: str | None, registry: str | None, *, signing: bool = False) -> Ledger:
    """Open the ledger given by the options or the environment; with its log key if leaves are to be signed."""
    from aims_mlflow.ledger.log import configured_log
    from aims_mlflow.registry.reading import open_ledger

    return open_ledger(ledger, registry, configured_log(make=False) if signing else None)


def read_file(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        Unreachable: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
