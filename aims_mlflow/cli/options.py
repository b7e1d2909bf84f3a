"""Options that several commands share, and what they name: ledger, registry, outside checkpoints, keys."""

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
    "--key", "keys", multiple=True, type=click.Path(), help="Trust the public key in this PEM file too; repeatable."
)
SINCE = click.option(
    "--since",
    type=FILE,
    multiple=True,
    help="A checkpoint that you hold: its file, or an anchor's folder; repeatable.",
)
ROOT = click.option(
    "--root", "roots", multiple=True, help="Key id of the keyring's root; AIMS_KEYRING_ROOT by default."
)
STAMP_ROOT = click.option(
    "--stamp-root", "stamps", type=FILE, multiple=True, help="Certificate (PEM) of a time-stamping authority's root."
)


@dataclass(frozen=True, kw_only=True)
class AuditorInputs:
    """What an auditor brings to a verification, and takes from nobody who is verified."""

    checkpoints: tuple[OutsideCheckpoint, ...]
    roots: tuple[str, ...] | None
    stamp_roots: tuple[bytes, ...]


def auditor_inputs(since: tuple[Path, ...], roots: tuple[str, ...], stamps: tuple[Path, ...]) -> AuditorInputs:
    """Read what the options --since, --root and --stamp-root name; roots are those of `AIMS_KEYRING_ROOT` by default.

    Raises:
        EvidenceError: a file is no checkpoint.
        Unreachable: a file cannot be read.
    """
    from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint

    return AuditorInputs(
        checkpoints=tuple(read_outside_checkpoint(path) for path in since),
        roots=roots or keyring_roots() or None,
        stamp_roots=tuple(read_file(path) for path in stamps),
    )


def opened(ledger: str | None, registry: str | None, *, signing: bool = False) -> Ledger:
    """Open the ledger that the options, or the environment, name; with its log key where leaves are to be signed."""
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
