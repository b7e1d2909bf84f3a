"""`aims monitor run`: compare data in operation with the baseline of the model's training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import KEYS, READ, reading_of
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from aims_mlflow.operation.monitor import MonitorReport

SHOWN = 20


@click.group()
def group() -> None:
    """Compare inputs, predictions and labels in operation with the baseline of the model's training."""


@group.command()
@click.argument("model")
@click.option("--data", required=True, help="The new rows: a file, or a table of a database or Spark.")
@click.option("--prediction", help="Column with predictions; by default the model is loaded and predicts.")
@click.option("--config", type=click.Path(path_type=Path), help="aims.yaml; found from here upwards by default.")
@READ
@KEYS
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    model: str,
    data: str,
    prediction: str | None,
    config: Path | None,
    read: tuple[str, ...],
    keys: tuple[str, ...],
    as_json: bool,
) -> int:
    """Compare new rows with the baseline of MODEL (models:/NAME@ALIAS or models:/NAME/VERSION).

    The result is a signed record with a report in an MLflow run of its own, linked to the version. The
    baseline contains counts, so the training data are not needed. Controls and pages count the run after
    `aims ledger ingest`. Exit status 1 on a breach or an unknown result.
    """
    from aims_mlflow.adapters.reading.read_table import AS_FOUND
    from aims_mlflow.evidence.trust import trusted_keys
    from aims_mlflow.operation.monitor import monitor

    reading = reading_of(read, AS_FOUND) if read else None
    found = monitor(model, data, trusted_keys(keys), prediction=prediction, config=config, reading=reading)
    _print_json(found) if as_json else _print(found, model)
    return 1 if found.outcome.result in ("failed", "not_evaluated") else 0


def _print_json(found: MonitorReport) -> None:
    shown = {
        "model": found.name,
        "version": found.version,
        "rows": found.rows,
        "result": found.outcome.result,
        "reason": found.outcome.reason,
        "drifted": found.drifted,
        "run_id": found.run_id,
        "claims": [c.model_dump(mode="json", exclude_none=True) for c in found.outcome.claims],
    }
    click.echo(json.dumps(shown, indent=2))


def _print(found: MonitorReport, model: str) -> None:
    from aims_mlflow.records.details.checks import MonitorRunDetails
    from aims_mlflow.records.wording import describe

    details = found.outcome.recorded_details()
    version = f" (version {found.version})" if found.version else ""
    watched = [c for c in found.outcome.claims if c.metric == "drift"]
    compared, rows = sum(c.value is not None for c in watched), how_many(found.rows, "row")
    columns = how_many(len(watched), "column")
    columns = columns if compared == len(watched) else f"{compared} of {columns}"
    click.echo(f"{model}{version}: {rows}, {columns} compared with the training baseline")
    if unseen := details.left_out if isinstance(details, MonitorRunDetails) else None:
        names = "; ".join(f"{name} ({why})" for name, why in list(unseen.items())[:SHOWN])
        more = f"; and {len(unseen) - SHOWN} more in the report" if len(unseen) > SHOWN else ""
        click.secho(f"  not watched: {names}{more}", dim=True)
    broken = [c for c in found.outcome.claims if c.passed is False]
    unclear = [c for c in found.outcome.claims if c.passed is None and c.limit is not None]
    for claim in sorted(broken, key=lambda c: -float(c.value or 0))[:SHOWN]:
        click.secho(f"  ✗ {describe(claim)}", fg="red")
    for claim in unclear[:SHOWN]:
        click.secho(f"  ? {describe(claim)}", dim=True)
    hidden = max(len(broken) - SHOWN, 0) + max(len(unclear) - SHOWN, 0)
    if hidden:
        click.secho(f"  and {hidden} more in the report", dim=True)
    words = {"passed": "no breach", "failed": f"breach in {', '.join(found.drifted)}", "warned": "no breach, warnings"}
    click.secho(words.get(found.outcome.result, "not evaluated, which is no pass"), bold=True)
    click.echo(f"run {found.run_id}: record and report in its artifacts under aims/")
    click.echo(
        f"states of controls count it after: aims ledger ingest runs:/{found.run_id} --reason 'a run of the monitor'"
    )
