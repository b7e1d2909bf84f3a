"""`aims check run|infer|list`: the checks on a table, without training code."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.cli.described_data import said_of, setup_of
from aims_mlflow.cli.options import READ, print_notes, reading_of, table_to_profile
from aims_mlflow.errors import ConfigError, Unreachable, set_elsewhere
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.checks.suite import CheckRun
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.operation.checking import Columns
    from aims_mlflow.records.pack import Pack
    from aims_mlflow.records.system import Data

COLOURS = {"failed": "red", "not_evaluated": "yellow", "warned": "yellow", "passed": "green"}


@click.group()
def group() -> None:
    """Run checks on a table, propose expectations for it, list checks and packs."""


@group.command()
@click.argument("data")
@click.option("--pack", help="Name of a shipped pack, or a folder; the pack in aims.yaml by default.")
@click.option("--model", help="models:/NAME/VERSION, @ALIAS or models:/m-ID; evaluate its predictions.")
@click.option("--against", help="Compare the model row by row with this one, such as models:/NAME@champion.")
@click.option("--prediction", help="Column with predictions, instead of --model.")
@click.option("--score", help="Column with scores, instead of --model.")
@click.option("--train", "reference", help="The training table; adds the drift checks.")
@click.option("--config", type=click.Path(path_type=Path), help="aims.yaml; found from here upwards by default.")
@click.option("--target", help="Column to predict; the target in aims.yaml by default.")
@click.option("--favourable", help="The label that is favourable for a person; aims.yaml's by default.")
@click.option("--sensitive", help="Sensitive columns, separated by commas; those in aims.yaml by default.")
@click.option("--threshold", help="Lowest score (or predicted number) of a selected row; aims.yaml's by default.")
@READ
@click.option(
    "--role",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Role of the table: training, validation or test data.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report; aims-check-NAME by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    data: str,
    pack: str | None,
    model: str | None,
    against: str | None,
    prediction: str | None,
    score: str | None,
    reference: str | None,
    config: Path | None,
    target: str | None,
    favourable: str | None,
    sensitive: str | None,
    threshold: str | None,
    read: tuple[str, ...],
    role: str,
    out: Path | None,
    as_json: bool,
) -> int:
    """Run every check that applies to DATA, and write a report.

    DATA is a file (CSV, TSV, parquet, Arrow, ORC, JSON lines or Excel), a table of a database
    (sqlite:///loans.db#applications, duckdb:///loans.duckdb#applications,
    postgresql://host/base#schema.table) or of Spark (spark:loans).
    Databases and Spark compute the counts; rows are not copied. With --model, Spark's workers predict, and
    rows of a database (up to 2,000,000) are read.

    Exit status 1 when a limit is not met, or a check could not be evaluated.
    """
    if model and (prediction or score):
        raise ConfigError(
            "--model predicts, so --prediction and --score have no use beside it", next="give one of them"
        )
    described, found, options = setup_of(config, pack, said_of(target, favourable, sensitive, threshold), read)
    from aims_mlflow.checks.engines.opening import short_name
    from aims_mlflow.checks.suite import planned
    from aims_mlflow.operation.checking import Columns, beside_its_files, dataset_from, with_incumbent

    columns = Columns(prediction, score)
    with set_elsewhere(options.get):
        table = dataset_from(data, role, described, found.task, columns, model)
        if against is not None:
            if not table.has_predictions:
                raise ConfigError("--against compares predictions", next="give --model, or --prediction")
            table = with_incumbent(table, against, data, described)
        print_notes(short_name(data), table.notes)
        train = None if reference is None else _reference(reference, table, described, columns)
        names = planned(table, found, train)
        if not names:
            raise ConfigError(
                f"no check of the pack {found.name!r} fits {role} data", next="name groups, or predictions"
            )
        with beside_its_files(table, model) as looked_at:
            ran = list(_with_progress(names, looked_at, found, train))
    folder = out or Path(f"aims-check-{short_name(data).split('.')[0]}")
    return _tell(data, table, found, ran, folder, as_json=as_json)


def _reference(source: str, data: Dataset, described: Data, columns: Columns) -> Dataset:
    """Return the training table, which may have the columns with predictions too."""
    from aims_mlflow.checks.engines.opening import short_name
    from aims_mlflow.checks.tables.validation import validate_pair
    from aims_mlflow.operation.checking import dataset_from

    train = dataset_from(source, "train", described, data.task.kind, columns, may_lack=True)
    print_notes(short_name(source), train.notes)
    validate_pair(train, data)
    return train


def _with_progress(names: Sequence[str], data: Dataset, pack: Pack, reference: Dataset | None) -> Iterator[CheckRun]:
    """Run the checks; on a terminal, show the running check and the time of each."""
    from aims_mlflow.checks.suite import run_suite

    shown = sys.stderr.isatty()
    waiting = iter(run_suite(names, data, pack, reference))
    for i, name in enumerate(names, 1):
        if shown:
            click.echo(f"\r\033[K[{i}/{len(names)}] {name.replace('_', ' ')} ...", nl=False, err=True)
        started = time.monotonic()
        yield next(waiting)
        if shown:
            click.echo(f"\r\033[K[{i}/{len(names)}] {name} {time.monotonic() - started:.1f} s", nl=False, err=True)
    if shown:
        click.echo("\r\033[K", nl=False, err=True)


def _tell(source: str, data: Dataset, pack: Pack, ran: list[CheckRun], folder: Path, *, as_json: bool) -> int:
    from aims_mlflow.checks.engines.opening import short_name, shown_name
    from aims_mlflow.checks.packs import pack_digest
    from aims_mlflow.checks.suite import lines, report, result_of_suite
    from aims_mlflow.evidence.digests import sha256_file

    result, name = result_of_suite(ran), short_name(source)
    sha256 = sha256_file(Path(source)) if Path(source).is_file() else ""
    write_files(folder, report(f"Checks of {name}", ran, data, pack, sha256))
    if as_json:
        shown = {
            "data": shown_name(source),
            "rows": data.rows,
            "pack": {"name": pack.name, "version": pack.version, "digest": pack_digest(pack)},
            "result": result,
            "report": str(folder / "index.html"),
            "checks": [_as_json(r) for r in ran],
        }
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(f"{name}: {how_many(data.rows, 'row')}, held to {pack.name} {pack.version}")
        for item in ran:
            for style, text in lines(item):
                click.secho(text, fg=COLOURS.get(style), dim=style == "soft")
        click.echo(f"report: {folder / 'index.html'}")
    return 1 if result in ("failed", "not_evaluated") else 0


def _as_json(ran: CheckRun) -> dict[str, Any]:
    return {
        "check": ran.name,
        "kind": ran.outcome.kind,
        "result": ran.outcome.result,
        "reason": ran.outcome.reason,
        "controls": list(ran.outcome.controls),
        "claims": [c.model_dump(mode="json", exclude_none=True) for c in ran.outcome.claims],
    }


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder, each one atomically.

    Raises:
        Unreachable: A file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            part = folder / f"{name}.part"
            part.write_bytes(content)
            part.replace(folder / name)
    except OSError as exc:
        raise Unreachable(f"the report cannot be written ({exc.strerror})", where=str(folder)) from None


@group.command()
@click.argument("data")
@click.option("--target", required=True, help="Column to predict.")
@click.option("--sensitive", help="Sensitive columns, separated by commas; guessed from the names by default.")
@READ
@click.option("--out", type=click.Path(path_type=Path), help="Output file; printed by default.")
def infer(data: str, target: str, sensitive: str | None, read: tuple[str, ...], out: Path | None) -> None:
    """Propose expectations from DATA, a reference table: limits that a new sample should meet, each with its reason.

    DATA is a file. Quantiles and frequent values are taken from its rows, so a table of a
    database is exported first, whole or as a random sample.

    The result is the data_quality section of a pack. Correct it: it says what the data are like, and only you
    know what they must be like.
    """
    import yaml

    from aims_mlflow.checks.column_names import suggest_sensitive
    from aims_mlflow.checks.profiling.infer import infer_expectations, unproposed

    if "://" in data or data.startswith("spark:"):
        raise ConfigError(
            "limits are proposed from rows, and a table of a database or of Spark is only asked for counts",
            next="export it, or a random sample of some 100,000 rows, as parquet or CSV and name that file",
        )
    frame = table_to_profile(Path(data), reading_of(read, AS_FOUND))
    names = [c.strip() for c in (sensitive or "").split(",") if c.strip()] or suggest_sensitive(frame.columns)
    found = {"data_quality": {"expectations": infer_expectations(frame, target, names, source=Path(data).name)}}
    text = f"# Inferred from {Path(data).name}: correct each limit, and give it your own reason under `why`, and your\n"
    text += "# name under `set_by`: until then every page says that it was inferred, and that no person set it.\n"
    silent = unproposed(frame, target)
    text += "# No values are proposed for:\n" if silent else ""
    text += "".join(f"#   {json.dumps(name, ensure_ascii=False)}: {reason}\n" for name, reason in silent.items())
    text += str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=110))
    if out is None:
        click.echo(text, nl=False)
        return
    write_files(out.parent, {out.name: text.encode()})
    click.echo(f"wrote {how_many(len(found['data_quality']['expectations']), 'expectation')} to {out}")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(as_json: bool) -> None:
    """List the installed checks and packs."""
    from aims_mlflow.checks import installed_checks
    from aims_mlflow.checks.packs import load_pack, shipped_packs
    from aims_mlflow.checks.runner import CHECKS

    checks = [{"name": info.name, "kind": info.kind, "module": info.module} for info in CHECKS.values()]
    checks += [
        {"name": name, "kind": installed_checks.load(name)[1].kind, "module": installed_checks.GROUP}
        for name in installed_checks.names()
    ]
    packs = [{"name": name, "description": load_pack(name).description} for name in shipped_packs()]
    if as_json:
        click.echo(json.dumps({"checks": checks, "packs": packs}, indent=2))
        return
    click.secho("Checks", bold=True)
    for check in checks:
        click.echo(f"  {check['name']:<20} {check['kind']:<20} {check['module']}")
    click.secho("Packs", bold=True)
    for pack in packs:
        click.echo(f"  {pack['name']:<24} {pack['description']}")
