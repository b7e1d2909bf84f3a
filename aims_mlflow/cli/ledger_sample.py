"""`aims ledger sample`: sign the tested sample of an audit with the auditor's key, and seal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import FILE, LEDGER, REGISTRY, opened, read_file
from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("sample")
@click.argument("sheet", type=FILE)
@click.option("--population", required=True, help="As on the page: registrations, deployments, all decisions, ...")
@click.option("--leaves", type=click.IntRange(min=1), required=True, help="Leaves over which the population is fixed.")
@click.option("--model", default="", help="Registered model; all by default.")
@click.option("--method", type=click.Choice(["random", "newest"]), default="random", show_default=True, help="Draw.")
@click.option("--out", type=FILE, help="The signed file to write; SHEET with the ending .jsonl by default.")
@click.option("--seal", is_flag=True, help="Also seal it in the ledger; your key needs the role auditor there.")
@LEDGER
@REGISTRY
def sample_command(
    sheet: Path, population: str, leaves: int, model: str, method: str, out: Path | None, *, seal: bool,
    ledger: str | None, registry: str | None,
) -> None:  # fmt: skip
    """Sign SHEET, the page's CSV with your answers, notes and results, with the key of AIMS_SIGNING_KEY.

    The sample is drawn again from the ledger, and a sheet with other items is refused. An existing file is kept.
    """
    from aims_mlflow.exports.audit_sample import read_sheet, seal_sample, sign_sample
    from aims_mlflow.pages.sample_draw import POPULATIONS, SampleQuestion
    from aims_mlflow.signing.key_sources import signing_key
    from aims_mlflow.signing.keys import who

    if population not in POPULATIONS:
        raise ConfigError(f"{population!r} is no population", next=f"one of {', '.join(POPULATIONS)}")
    path = out or sheet.with_suffix(".jsonl")
    if path.exists():
        raise ConfigError("the file exists", where=str(path), next="name another with --out")
    items = read_sheet(read_file(sheet).decode("utf-8", "replace"), str(sheet))
    found = opened(ledger, registry, signing=seal)
    asked = SampleQuestion(population, model, leaves, len(items), method)
    key = signing_key(lambda text: click.echo(text, err=True))
    writer, details = sign_sample(found, asked, items, key, who())
    sealed = f", sealed as leaf {seal_sample(found, writer)}" if seal else ""
    path.write_bytes(writer.jsonl())
    click.echo(f"signed {len(items)} of {details.size} items into {path}{sealed}")
