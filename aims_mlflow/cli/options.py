"""Options of several commands, and reading of their values: ledger, registry, outside checkpoints, keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.settings import keyring_roots

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.system import ReadingOptions

FILE = click.Path(path_type=Path)
LEDGER = click.option("--ledger", help="Database of the ledger; AIMS_LEDGER_URI, or beside the registry's, by default.")
OWN_KEYRING = "--key is about evidence without a ledger: a ledger has its own keyring"
REGISTRY = click.option("--registry", help="The registry's address or database; MLFLOW_REGISTRY_URI by default.")
TRACKING = click.option("--tracking", help="The tracking server's address; MLFLOW_TRACKING_URI by default.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
KEYS = click.option(
    "--key", "keys", multiple=True, type=click.Path(), help="Also trust the public key in this PEM file; repeatable."
)
DATA_OPTIONS = {f"data.{key}": f"--{key}" for key in ("target", "favourable", "sensitive", "threshold")}
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


READ = click.option(
    "--read",
    "read",
    multiple=True,
    metavar="KEY=VALUE",
    help="How the file is read, where its form does not say it: separator, decimal, thousands, encoding, missing (a "
    "text that means a missing value), sheet, skip (lines above the header); repeatable.",
)
MARKS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}


def reading_of(said: tuple[str, ...], otherwise: ReadingOptions) -> ReadingOptions:
    """Return the values of --read over those of aims.yaml.

    Raises:
        ConfigError: a value is not of the form KEY=VALUE, or not valid.
    """
    from pydantic import ValidationError

    from aims_mlflow.records.system import ReadingOptions

    given: dict[str, Any] = {}
    for text in said:
        key, equals, value = text.partition("=")
        if not equals or key not in ReadingOptions.model_fields:
            known = ", ".join(ReadingOptions.model_fields)
            raise ConfigError(
                f"--read {text!r} is not KEY=VALUE with a key of {known}", next="such as --read missing=NA"
            )
        if key == "missing":
            given[key] = (*given.get(key, ()), *([value] if value else []))
        else:
            given[key] = MARKS.get(value, value) if key in ("separator", "decimal", "thousands") else value
    try:
        return ReadingOptions.model_validate({**otherwise.model_dump(exclude_none=True), **given}, strict=False)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ConfigError(
            f"--read {'.'.join(map(str, first['loc']))}: {first['msg']}", next="correct the value"
        ) from None


def table_to_profile(path: Path, reading: ReadingOptions) -> pd.DataFrame:
    """Read a file whose columns are to be looked at, in plain types; what was done to read it is printed.

    Raises:
        Unreachable, DataError, ConfigError: it cannot be read as a table.
    """
    from aims_mlflow.adapters.reading.files import read_table
    from aims_mlflow.adapters.reading.frames import as_frame
    from aims_mlflow.checks.tables.plain_columns import plain_frame

    read = read_table(path, reading)
    frame, changed = plain_frame(as_frame(read.frame, path.name))
    print_notes(path.name, (*read.notes, *changed))
    return frame


def print_notes(name: str, notes: Iterable[str]) -> None:
    """Print on standard error what was done to read a table, each sentence once."""
    for note in dict.fromkeys(notes):
        click.echo(f"{name}: {note}", err=True)


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
