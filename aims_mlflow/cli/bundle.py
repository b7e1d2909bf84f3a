"""`aims bundle`: create a system's evidence bundle for an auditor, and verify one offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import (
    FILE,
    JSON,
    LEDGER,
    REGISTRY,
    ROOT,
    SINCE,
    STAMP_ROOT,
    TRACKING,
    AuditorInputs,
    auditor_inputs,
    opened,
)
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from aims_mlflow.audit.report import Report
    from aims_mlflow.exports.bundle.create import AuditStage


@click.group()
def group() -> None:
    """Create an evidence bundle (one file) for an auditor, and verify a bundle offline."""


@group.command()
@click.option("--system", help="Id of the system: of the register, aims.yaml or policy.yaml.")
@click.option("--organisation", is_flag=True, help="Bundle the whole ledger instead of one system's part.")
@click.option(
    "--stage",
    type=click.Choice(["stage1", "stage2", "surveillance", "recertification"]),
    default="stage2",
    show_default=True,
    help="Kind of audit; stage1 excludes reports, surveillance needs --since.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Exclude older evidence that no model in use needs.")
@click.option("--held", type=FILE, multiple=True, help="A checkpoint that the auditor holds; repeatable.")
@click.option("--out", type=FILE, help="The file to write; SYSTEM-STAGE.zip by default.")
@TRACKING
@LEDGER
@REGISTRY
def create(
    *,
    system: str | None,
    organisation: bool,
    stage: AuditStage,
    since: datetime | None,
    held: tuple[Path, ...],
    out: Path | None,
    tracking: str | None,
    ledger: str | None,
    registry: str | None,
) -> None:
    """Write the bundle of a system or of the organisation.

    It has evidence, documents, proofs, checkpoint, keyring, and the auditor's pages as files that open offline.

    The same ledger and runs give the same bytes. An existing file is kept: the command then fails.
    """
    from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint
    from aims_mlflow.evidence import tracking as store
    from aims_mlflow.exports.bundle.archive import write_archive
    from aims_mlflow.exports.bundle.create import create as make
    from aims_mlflow.registry.reading import connect

    if organisation == bool(system):
        raise ConfigError("a bundle is of one system or of the organisation", next="--system ID, or --organisation")
    path = out or Path(f"{system or 'organisation'}-{stage}.zip")
    if path.exists():
        raise ConfigError("the file exists", where=str(path), next="name another with --out")
    begun = _begun(since)
    found = opened(ledger, registry)
    connect(tracking, registry)
    earlier = [read_outside_checkpoint(each) for each in held]
    files = make(found, system, stage, store.read_file, since=begun, outside=earlier)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            write_archive(files, stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"wrote {path}: {how_many(len(files), 'file')}, {path.stat().st_size:,} bytes")
    lost = json.loads(files["bundle.json"])["missing"]
    if lost:
        click.secho(_unread(lost), fg="yellow", err=True)
    click.echo(f"next: `aims bundle verify {path}`, and tell the auditor the root key id")


def _unread(lost: list[str]) -> str:
    """Return how many files of runs are not in the bundle, and what settles it."""
    many = "1 file of a run" if len(lost) == 1 else f"{len(lost):,} files of runs"
    return (
        f"! {many} could not be read, and the bundle says so; the first is {lost[0]}. Next: where another MLflow "
        "server has them, name its address with --tracking, and make the bundle again"
    )


def _begun(since: datetime | None) -> str | None:
    """Return the first moment of a day that was typed.

    Raises:
        ConfigError: it lies in the future.
    """
    now = datetime.now(UTC)
    if since is not None and since.replace(tzinfo=UTC) > now:
        raise ConfigError(
            f"--since {since:%Y-%m-%d} lies in the future: today is {now:%Y-%m-%d} (UTC)",
            next="give the day of the last audit",
        )
    return f"{since:%Y-%m-%dT%H:%M:%S}Z" if since else None


@group.command()
@click.argument("file", type=FILE)
@SINCE
@ROOT
@STAMP_ROOT
@JSON
def verify(file: Path, since: tuple[Path, ...], roots: tuple[str, ...], stamps: tuple[Path, ...], as_json: bool) -> int:
    """Verify a bundle offline, from its bytes alone and without MLflow.

    Exit status 1 if there is any problem.
    """
    from aims_mlflow.cli.reporting import show

    return show(check(file, auditor_inputs(since, roots, stamps)), as_json=as_json)


def check(file: Path, brought: AuditorInputs) -> Report:
    """Verify the file of a bundle and return the report.

    Raises:
        EvidenceError: The file is not a bundle.
        Unreachable: The file cannot be read.
    """
    from aims_mlflow.exports.bundle.archive import Archive
    from aims_mlflow.exports.bundle.verify import verify_bundle

    with Archive(file) as archive:
        return verify_bundle(
            archive, str(file), root=brought.roots, outside=brought.checkpoints, stamp_roots=brought.stamp_roots
        )
