"""What a command knows of a table: aims.yaml's `data`, with the options of the command over it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.cli.options import DATA_OPTIONS, reading_of
from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.records.pack import Pack
    from aims_mlflow.records.system import Data

THRESHOLD = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


def said_of(target: str | None, favourable: str | None, sensitive: str | None, threshold: str | None) -> dict[str, Any]:
    """Return the options that describe the data and were given, by their key in aims.yaml."""
    if threshold is not None and not THRESHOLD.fullmatch(threshold):
        raise ConfigError(f"--threshold {threshold!r} is no number", next="give a decimal, such as 0.5")
    names = tuple(dict.fromkeys(c.strip() for c in (sensitive or "").split(",") if c.strip()))
    said = {"target": target, "favourable": favourable, "sensitive": names or None, "threshold": threshold}
    return {key: value for key, value in said.items() if value is not None}


def setup_of(
    config: Path | None, pack: str | None, said: dict[str, Any], read: tuple[str, ...]
) -> tuple[Data, Pack, dict[str, str]]:
    """Return aims.yaml's `data` with the options over it, the pack, and which entries the options stand for.

    Without --target, aims.yaml is required.
    """
    from aims_mlflow.capture.setup import find_config, load_setup
    from aims_mlflow.checks.packs import load_pack, with_references
    from aims_mlflow.records.system import Data
    from aims_mlflow.settings import config_path

    target = said.get("target")
    if config is None:
        try:
            config = find_config()
        except ConfigError:
            if target is None or config_path() is not None:
                raise
            data = Data.model_validate({**said, "reading": reading_of(read, AS_FOUND)})
            return data, load_pack(pack or "tabular-classification"), DATA_OPTIONS
    setup = load_setup(config, None, None)
    stated = setup.config.data.model_dump()
    if target not in (None, stated["target"]):
        click.echo(f"{config} is about {stated['target']!r}: its favourable label and threshold are not used", err=True)
        stated.update(favourable=None, threshold=None)
    reading = reading_of(read, setup.config.data.reading)
    if "sensitive" in said:
        stated["reference"] = {
            column: group for column, group in stated["reference"].items() if column in said["sensitive"]
        }
    merged = Data.model_validate({**stated, **said, "reading": reading})
    options = {entry: option for entry, option in DATA_OPTIONS.items() if option[2:] in said}
    return merged, with_references(load_pack(pack) if pack else setup.pack, merged), options
