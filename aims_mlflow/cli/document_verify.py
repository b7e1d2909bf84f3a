"""`aims document verify`: the figures of a model card, measured again."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import FILE, JSON, KEYS, READ, reading_of
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.operation.card_check import CardCheck

OTHER = (
    "not the card's held-out data by their digest; whether rows of it, or rows that the model learned from, are among "
    "them is not known here"
)
LEARNED = "the {} data of the training, by their digest: what the model learned from, or was chosen on, decides nothing"
HOLDS = ("the same", "still true")


@click.command("verify")
@click.argument("model")
@click.option("--data", type=FILE, required=True, help="A table with labels: the card's held-out rows, or others.")
@click.option("--config", type=FILE, help="aims.yaml; found from here upwards by default.")
@READ
@KEYS
@JSON
def verify_command(
    model: str, data: Path, config: Path | None, read: tuple[str, ...], keys: tuple[str, ...], as_json: bool
) -> int:
    """Load MODEL (models:/NAME/VERSION), measure on --data what its card shows, and print both values.

    On the held-out rows of the card, told by their digest, a figure is the same or wrong. On any other table it is
    still true where the difference may be chance by both intervals (at 5% over all figures together), else no longer
    true; without an interval it is not decided, and it is not measured where these rows cannot show it. On a whole
    table of the training nothing is decided. Give rows that the model did not learn from: no digests of single rows are
    kept, so that rows of the training are not told from others. The card's inputs are compared with the logged
    signature, its limitations with what failed. Exit status 1 unless every figure holds.
    """
    from aims_mlflow.adapters.reading.read_table import AS_FOUND
    from aims_mlflow.evidence.trust import trusted_keys
    from aims_mlflow.operation.card_check import check_card

    reading = reading_of(read, AS_FOUND) if read else None
    found = check_card(model, data, trusted_keys(keys), config=config, reading=reading)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(found), "holds": found.holds}, indent=2))
    else:
        _print(found)
    return 0 if found.holds else 1


def _print(found: CardCheck) -> None:
    rows = "the held-out rows of the card" if found.same_rows else OTHER if found.seen_as is None else LEARNED
    rows = rows.format(found.seen_as)
    click.secho(f"{found.model} ({found.digest[:12]}): {how_many(found.rows, 'row')}, {rows}", bold=True)
    width = max((len(f.figure) for f in found.figures), default=6)
    click.echo(f"  {'figure':<{width}} {'card':>10} {'now':>10} {'interval':>22} verdict")
    for figure in found.figures:
        line = f"  {figure.figure:<{width}} {figure.card:>10} {figure.now:>10} {figure.interval:>22} {figure.verdict}"
        click.secho(line, fg=None if figure.verdict in HOLDS else "red")
    for problem in found.problems:
        click.secho(f"  ✗ {problem}", fg="red")
    held = sum(f.verdict in HOLDS for f in found.figures)
    others = how_many(len(found.problems), "other contradiction")
    click.echo(f"{held} of {how_many(len(found.figures), 'figure')} hold; {others}")
