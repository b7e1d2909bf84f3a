"""`aims system`: the register of AI systems, and the scan that looks for those that it lacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import click

from aims_mlflow.cli.options import FILE, JSON, LEDGER, REGISTRY, TRACKING
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.counts import how_many
from aims_mlflow.records.documents.context import LifecycleStage, RoleOfOrganisation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aims_mlflow.management.findings.rules import ManagementFinding
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.context import SystemEntry
    from aims_mlflow.records.inventory import Inventory

FOLDER = click.option(
    "--folder", type=FILE, help="The management folder; AIMS_FOLDER, or aims/ here or further up, by default."
)


@click.group()
def group() -> None:
    """List and show the AI systems of the register, and compare it with what a scan finds.

    The register is the documents of kind `system` in the management folder, one file for each system, published or not;
    `aims document findings` judges those that are published.
    """


@group.command()
@click.argument("system")
@click.option("--owner", required=True, help="Who answers for it, as the owner of their key is named.")
@click.option("--author", help="Who writes the entry; the owner by default.")
@click.option("--name", help="What people call it.")
@click.option("--purpose", help="Who decides what about whom with it.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(get_args(RoleOfOrganisation)),
    help="Role of the organisation, since today; repeatable.",
)
@click.option("--stage", type=click.Choice(get_args(LifecycleStage)), help="Stage of its life.")
@click.option("--model", "models", multiple=True, help="A registered model; repeatable.")
@click.option("--component", "components", multiple=True, help="A component of a third party; repeatable.")
@FOLDER
def add(
    system: str, owner: str, author: str | None, name: str | None, purpose: str | None, roles: tuple[str, ...],
    stage: str | None, models: tuple[str, ...], components: tuple[str, ...], folder: Path | None,
) -> None:  # fmt: skip
    """Add SYSTEM to the register: a file of the management folder, with what the options say and what is left to ask.

    Groups of people, scope and legal class are asked for in the file; publish it when they are answered.
    """
    from aims_mlflow.management.register import add_entry
    from aims_mlflow.management.surroundings import gather

    stated = {
        "name": name, "purpose": purpose, "stage": stage, "models": list(models), "components": list(components),
        "roles": [{"role": role, "since": _today()} for role in roles],
    }  # fmt: skip
    path, gaps = add_entry(gather(folder, make=True), system, owner, author or owner, stated)
    click.echo(f"{path} has {how_many(gaps, 'gap')}; `aims document lint {path}` lists what is left")


@group.command("list")
@FOLDER
@JSON
def list_systems(folder: Path | None, as_json: bool) -> None:
    """List the systems of the register, and how they compare with the newest scan."""
    from aims_mlflow.management.comparison import compare

    state = _state(folder)
    compared = compare(state, _today())
    rows = [_row(s, e) for s, e in sorted(state.systems.items())]
    if as_json:
        click.echo(json.dumps({"systems": rows, "scan": compared.sentence}, indent=2))
        return
    for row in rows:
        scope = {True: "in scope", False: "out of scope", None: "scope not stated"}[row["in_scope"]]
        roles = ", ".join(row["roles"]) or "no role"
        click.echo(f"{row['id']:<28} {row['stage'] or 'no stage':<13} {scope:<17} {roles:<22} {row['owner']}")
    click.echo(f"{how_many(len(rows), 'system')} in the register; {compared.sentence}", err=True)


@group.command()
@click.argument("system")
@FOLDER
@LEDGER
@REGISTRY
@JSON
def show(system: str, folder: Path | None, ledger: str | None, registry: str | None, as_json: bool) -> None:
    """Show the entry of SYSTEM, what the newest scan found of it, and the findings about it."""
    from aims_mlflow.management.comparison import compare
    from aims_mlflow.management.findings.every import findings

    state = _state(folder, ledger, registry)
    require_system(system, state.systems)
    entry = state.systems[system]
    compared = compare(state, _today())
    items = [i for i in state.inventory.items if compared.claimed.get(i.key) == system] if state.inventory else []
    about = [f for f in findings(state, datetime.now(UTC)) if f.system == system]
    if as_json:
        seen = [i.model_dump(mode="json") for i in items]
        content = {**_row(system, entry), "seen": seen, "findings": [f.plain() for f in about]}
        click.echo(json.dumps(content, indent=2))
        return
    _print_entry(system, entry)
    click.echo(f"  the newest scan: {compared.sentence}" if state.inventory else "  nothing was scanned yet")
    for item in items:
        click.echo(f"    {item.called}" + (f" ({item.volume:,})" if item.volume is not None else ""))
    print_findings(about)


@group.command()
@click.option("--source", "trees", type=FILE, multiple=True, metavar="DIR", help="A source tree; repeatable.")
@click.option(
    "--vendors", type=FILE, multiple=True, metavar="FILE", help="CSV of bought products (column `product`); repeatable."
)
@click.option("--mlflow/--no-mlflow", "with_mlflow", default=True, help="Whether MLflow's stores are read.")
@click.option("--write", is_flag=True, help="Keep the scan in the management folder (scan.json).")
@click.option(
    "--fresh", is_flag=True, help="Forget the items of sources that an earlier scan read and this one does not."
)
@FOLDER
@TRACKING
@REGISTRY
@JSON
def scan(
    trees: tuple[Path, ...],
    vendors: tuple[Path, ...],
    with_mlflow: bool,
    write: bool,
    fresh: bool,
    folder: Path | None,
    tracking: str | None,
    registry: str | None,
    as_json: bool,
) -> int:
    """Look for AI systems, and compare what is found with the register.

    MLflow shows registered models, aliases and stages with the flavours of their versions, prompts, logged models
    that nobody registered, gateway endpoints, providers in traces and MCP servers. That nothing else exists, no scan
    can show: each source that was not read is named. Exit status 1 if something is neither claimed by a system nor
    explained.
    """
    from aims_mlflow.management.comparison import compare, why_unknown
    from aims_mlflow.management.findings.gathering import INVENTORY, keep_inventory, kept_inventory, read_state
    from aims_mlflow.management.folder import find_folder, read_folder
    from aims_mlflow.registry.inventory.scan import carried_over

    read = read_folder(find_folder(folder))
    before = None if fresh else kept_inventory(read.root)
    found = carried_over(before, _scanned(trees, vendors, with_mlflow, tracking, registry))
    state = read_state(read, None, found, drafts=True)
    compared = compare(state, _today())
    if write:
        keep_inventory(read.root, found)
        click.echo(f"kept in {read.root / INVENTORY}", err=True)
    if as_json:
        unknown = [i.key for i in compared.unknown]
        explained = {k: {"reason": e.reason, "by": e.by, "until": e.until} for k, e in compared.explained.items()}
        content = {
            **found.model_dump(mode="json"), "claimed": compared.claimed, "explained": explained, "unknown": unknown,
            "not_scanned": compared.not_scanned, "sentence": compared.sentence,
        }  # fmt: skip
        click.echo(json.dumps(content, indent=2))
        return 1 if unknown else 0
    for source in found.sources:
        said = f"not read: {source.failed}" if source.failed else how_many(source.items_seen, "item")
        left = f"; not looked at: {source.left_out}" if source.left_out else ""
        click.secho(f"{source.kind} of {source.address}: {said}{left}", fg="yellow" if source.failed else None)
        for what, why in source.unread.items():
            click.secho(f"  not read: {what}: {why}", fg="yellow")
    for item in compared.unknown:
        since = f", first seen {item.first_seen[:10]}" if item.first_seen else ""
        click.secho(f"✗ {item.called}{since}: {why_unknown(item, state)}", fg="red")
    click.echo(compared.sentence)
    return 1 if compared.unknown else 0


def _scanned(
    trees: Iterable[Path], vendors: Iterable[Path], with_mlflow: bool, tracking: str | None, registry: str | None
) -> Inventory:
    import sys

    from aims_mlflow import __version__
    from aims_mlflow.registry.inventory.scan import scan as read_sources
    from aims_mlflow.registry.inventory.sources import file_readers, mlflow_readers

    readers = [*(mlflow_readers(tracking, registry) if with_mlflow else ()), *file_readers(trees, vendors)]
    if not readers:
        raise ConfigError("no source is named", next="leave out --no-mlflow, or name --source DIR or --vendors FILE")
    shown = sys.stderr.isatty()
    return read_sources(
        readers, datetime.now(UTC), __version__, lambda what: click.echo(f"reading {what}", err=True) if shown else None
    )


def _state(folder: Path | None, ledger: str | None = None, registry: str | None = None) -> ManagementState:
    """Read the management folder, and the ledger where an option or the environment names one."""
    from aims_mlflow.cli.options import opened
    from aims_mlflow.management.findings.gathering import read_state
    from aims_mlflow.management.folder import find_folder, read_folder
    from aims_mlflow.registry.reading import ledger_address

    named = ledger_address(ledger, registry)
    return read_state(read_folder(find_folder(folder)), opened(ledger, registry) if named else None, drafts=True)


def require_system(system: str | None, known: Iterable[str | None]) -> None:
    """Refuse a system that nothing is about: a typing error would look as if all were well.

    Raises:
        ConfigError: `system` is named, and not among `known`; the text names the nearest.
    """
    names = sorted({name for name in known if name})
    if system is not None and system not in names:
        hint = did_you_mean(system, names)
        has = ", ".join(names) or "none yet: aims system add ID --owner NAME"
        raise ConfigError(
            f"the register has no system {system!r}" + (f", {hint}" if hint else ""), next=f"it has {has}"
        )


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _row(system: str, entry: SystemEntry) -> dict[str, Any]:
    stated = entry.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"text"})
    stated["roles"] = [r.role for r in entry.roles]
    return {**stated, "id": system, "stage": entry.stage, "in_scope": entry.in_scope, "owner": entry.owner}


def _print_entry(system: str, entry: SystemEntry) -> None:
    click.secho(f"{entry.name or system}: {entry.stage or 'no stage stated'}", bold=True)
    roles = ", ".join(f"{r.role} since {r.since or 'no stated day'}" for r in entry.roles)
    shown = {
        "purpose": entry.purpose, "roles": roles, "owner": entry.owner, "models": ", ".join(entry.models),
        "components": ", ".join(entry.components),
        "groups": ", ".join(g.in_data or g.name for g in entry.affected_groups),
        "scope": {True: "in", False: f"out: {entry.scope_reason}", None: None}[entry.in_scope],
    }  # fmt: skip
    for name, value in shown.items():
        click.echo(f"  {name}: {value or 'not stated'}")


def print_findings(found: Iterable[ManagementFinding]) -> None:
    """Print findings, each with its rule, control, fact and fix."""
    for finding in found:
        rule = finding.of
        click.secho(
            f"{rule.id} {rule.grade} {finding.control}: {finding.fact}", fg="red" if rule.grade == "major" else "yellow"
        )
        click.echo(f"  {finding.id[:12]}; {finding.fix}")
