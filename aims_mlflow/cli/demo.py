"""`aims demo`: training, refusal, mitigation and approval on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from aims_mlflow.cli.options import DATA_OPTIONS, READ, reading_of
from aims_mlflow.errors import ConfigError, set_elsewhere


@click.command()
@click.option(
    "--csv", "table", type=click.Path(path_type=Path), help="Your own table: a CSV, parquet, Excel or JSON file."
)
@click.option("--target", help="With --csv: column to predict, with two labels.")
@click.option("--favourable", help="With --csv: the label that is favourable for a person.")
@click.option("--sensitive", help="With --csv: sensitive columns, separated by commas.")
@READ
@click.option("--serve", is_flag=True, help="Keep the MLflow server running at the end.")
@click.option("--keep", type=click.Path(path_type=Path), help="Write all files to this new folder and keep it.")
def command(
    table: Path | None,
    target: str | None,
    favourable: str | None,
    sensitive: str | None,
    read: tuple[str, ...],
    serve: bool,
    keep: Path | None,
) -> None:
    """Demonstrate training, refusal, mitigation and approval, offline.

    A real MLflow server with the gate, a training, a refusal with its reason, a mitigation, where limits still
    fail an expiring waiver, an approval, and the alias. All files are written to the demo's own folder.
    """
    if table is None and (target or favourable or sensitive or read):
        raise ConfigError("--target, --favourable, --sensitive and --read describe a --csv", next="add --csv FILE")
    if table is not None and (not target or not sensitive):
        raise ConfigError("--csv also needs --target and --sensitive", next="name the columns")
    names = tuple(dict.fromkeys(c.strip() for c in (sensitive or "").split(",") if c.strip()))
    if table is not None and not names:
        raise ConfigError("--sensitive names no column", next="name the columns that groups are compared by")
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise ConfigError("the folder is not empty", where=str(keep), next="name a new one")
    from aims_mlflow.adapters.reading.read_table import AS_FOUND
    from aims_mlflow.demo.data import from_csv, generated

    reading = reading_of(read, AS_FOUND)
    with set_elsewhere(DATA_OPTIONS.get):
        data = generated() if table is None else from_csv(table, str(target), favourable, names, reading)
    folder = keep.resolve() if keep is not None else Path(tempfile.mkdtemp(prefix="aims-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.story import Story

    Story(data, folder, run_command, serve=serve).run()
