"""`aims gate adopt`, `reconcile` and `history`: commands that compare a registry with its ledger."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.cli.options import JSON, LEDGER, REGISTRY, TRACKING
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.registry.reconcile import SettledChange


class Period(click.ParamType[tuple[datetime, datetime]]):
    """A day, or a moment, in UTC: its first and its last moment."""

    name = "day or time"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[datetime, datetime]:
        """Return (first, last moment); a day counts whole."""
        try:
            first = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day and no time: write 2026-12-28 or 2026-12-28T14:30:00Z", param, ctx)
        first = first.replace(tzinfo=UTC) if first.tzinfo is None else first.astimezone(UTC)
        whole_day = len(value) == len("2026-12-28")
        return first, first + timedelta(days=1, microseconds=-1) if whole_day else first


def progress(what: str) -> Callable[[str], None]:
    """Return a function that shows progress on a terminal."""

    def tick(name: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{what} {name}"[:200], nl=False, err=True)

    return tick


def progress_done() -> None:
    """Clear the line that `progress` wrote."""
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)


def _open(ledger: str | None, registry: str | None, tracking: str | None) -> tuple[Ledger, Any]:
    from aims_mlflow.registry import reading

    return reading.open_ledger(ledger, registry), reading.connect(tracking, registry)


@click.command()
@LEDGER
@REGISTRY
@TRACKING
@click.option(
    "--new-ledger",
    is_flag=True,
    help="The ledger of these versions is lost for good: begin a new one.",
)
@JSON
def adopt(ledger: str | None, registry: str | None, tracking: str | None, new_ledger: bool, as_json: bool) -> int:
    """Record versions and aliases from before the gate, with their digests, as `legacy`.

    Signed with this account's key, which needs the role approver. A version that was made while the gate was there is
    left out: register it through the gate. `legacy: {until: DAY}` in policy.yaml limits how long adopted versions may
    keep or regain their aliases. Exit status 1 when one is left out, or the files of one cannot be read.
    """
    from aims_mlflow.registry.adopt import Adopter
    from aims_mlflow.registry.adopt import adopt as adopt_all
    from aims_mlflow.registry.reading import policy_in_force
    from aims_mlflow.signing.key_sources import signing_key
    from aims_mlflow.signing.keys import who

    opened, client = _open(ledger, registry, tracking)
    policy = policy_in_force(opened)
    signer = Adopter(signing_key(lambda text: click.echo(text, err=True)), who())
    found = adopt_all(opened, client, policy, signer, progress("adopting"), new_ledger=new_ledger)
    progress_done()
    unreadable = [a for a in found.adopted if a.digest is None]
    status = 1 if unreadable or found.left else 0
    if as_json:
        left = [dict(zip(("name", "version", "why"), each, strict=True)) for each in found.left]
        click.echo(json.dumps({"adopted": [asdict(a) for a in found.adopted], "left": left}, indent=2))
        return status
    for each in found.adopted:
        aliases = f"  holds {', '.join(each.aliases)}" if each.aliases else ""
        click.echo(f"{each.name} version {each.version}  {(each.digest or 'no digest')[:16]}{aliases}")
    for each in unreadable:
        click.secho(f"! {each.name} version {each.version}: {each.problem}", fg="yellow")
    for name, version, why in found.left:
        click.secho(f"! {name} version {version} is NOT adopted: {why}. Next: register it again", fg="yellow")
    until = policy.policy.legacy.until
    click.echo(
        f"adopted {how_many(len(found.adopted), 'version')}; "
        f"aliases may stay until {until or '(policy.yaml: legacy.until is not set)'}"
    )
    return status


@click.command()
@LEDGER
@REGISTRY
@TRACKING
@click.option(
    "--restored", metavar="REASON", help="The registry was restored from a backup: seal the lost changes as lost."
)
@JSON
def reconcile(
    ledger: str | None, registry: str | None, tracking: str | None, restored: str | None, as_json: bool
) -> int:
    """Compare registry and ledger: find versions without a decision, unfinished changes, and later changes.

    New findings are sealed, those that no longer hold are closed. A change whose server died is a finding too, which
    is closed at once: by what the registry shows. Exit status 1 when anything is open. Suitable for a schedule.
    """
    from aims_mlflow.registry.reading import policy_in_force
    from aims_mlflow.registry.reconcile import reconcile as compare

    opened, client = _open(ledger, registry, tracking)
    done = compare(opened, client, policy_in_force(opened), progress("comparing"), restored)
    progress_done()
    if as_json:
        shown = {
            "checked": done.checked,
            "findings": [{"about": f.about, "control": f.control, **f.fields, "text": f.text} for f in done.findings],
            "new": len(done.new),
            "closed": done.closed,
            "settled": [_shown(change) for change in done.settled],
        }
        click.echo(json.dumps(shown, indent=2))
        return 1 if done.findings else 0
    for change in done.settled:
        outcome, finding = change.outcome, change.finding
        how = "took place" if outcome.done else "did not take place"
        click.echo(f"settled: {finding.control} {finding.about}: {outcome.of} of {outcome.model_name} {how}")
    new = {f.key for f in done.new}
    for finding in done.findings:
        click.secho(
            f"{'new ' if finding.key in new else ''}{finding.control} {finding.about}: {finding.text}", fg="yellow"
        )
    for text in dict.fromkeys(done.closed):
        click.echo(f"closed: {text}")
    click.echo(f"{how_many(done.checked, 'model')} compared, {how_many(len(done.findings), 'finding')} open")
    return 1 if done.findings else 0


@click.command()
@click.argument("model")
@click.option("--at", "moment", type=Period(), help="Show the aliases of this day, or at this time, only (UTC).")
@click.option("--workspace", help="The model's workspace, on a server with workspaces; MLFLOW_WORKSPACE by default.")
@LEDGER
@REGISTRY
@JSON
def history(
    model: str,
    moment: tuple[datetime, datetime] | None,
    workspace: str | None,
    ledger: str | None,
    registry: str | None,
    as_json: bool,
) -> None:
    """Show the history of MODEL's gated aliases: version, period, evidence and approvers."""
    from aims_mlflow.lifecycle import tenures as past_of
    from aims_mlflow.lifecycle.model_history import ModelHistory, qualified
    from aims_mlflow.lifecycle.standing_now import why_it_ended_now
    from aims_mlflow.registry.reading import open_ledger
    from aims_mlflow.registry.workspaces import ledger_name

    name = model.removeprefix("models:/")
    if "/" in name or "@" in name:
        raise ConfigError(f"{model} names more than a model", next=f"use the registered name: {name.split('/')[0]}")
    opened = open_ledger(ledger, registry)
    past = ModelHistory(opened, qualified(name, workspace) if workspace else ledger_name(name))
    found = past_of.tenures_of(past)
    if moment is not None:
        found = past_of.at_time(found, *moment)
    rows = [
        {
            "place": held.place,
            "version": held.version,
            "since": held.since,
            "until": held.until,
            "ended_by": held.ended_by,
            **past_of.grounds(opened, held),
            "ended": why_it_ended_now(opened, past, held.fact),
        }
        for held in found
    ]
    if as_json:
        click.echo(json.dumps({"model": name, "history": rows}, indent=2))
        return
    if not rows:
        click.echo(f"the ledger knows of no gated alias of {name}" + (f" at {_period_text(moment)}" if moment else ""))
    for row in rows:
        _print(row)


def _period_text(period: tuple[datetime, datetime]) -> str:
    first, last = period
    return f"{first:%Y-%m-%d}" if first != last else f"{first:%Y-%m-%d %H:%M:%S} UTC"


@click.command()
@click.argument("request")
@LEDGER
@REGISTRY
def replay(request: str, ledger: str | None, registry: str | None) -> int:
    """Repeat decision REQUEST from the ledger and compare the results. Exit status 1 if they differ."""
    from aims_mlflow.gates import replay as again
    from aims_mlflow.gates.wording import lines
    from aims_mlflow.registry.reading import open_ledger

    opened = open_ledger(ledger, registry)
    said, now = again.recorded(opened, request), again.replay(opened, request)
    for line in lines(said):
        click.echo(line)
    same = again.same(said, now)
    if same:
        click.echo("decided again from the ledger: the same")
    else:
        click.secho("decided again from the ledger: NOT the same", fg="red")
        for line in lines(now):
            click.echo(f"  {line}")
    return 0 if same else 1


def _shown(change: SettledChange) -> dict[str, Any]:
    finding = change.finding
    return {**change.outcome.public(), "about": finding.about, "control": finding.control, "text": finding.text}


def _print(row: dict[str, Any]) -> None:
    until = f"until {row['until'][:19]}Z ({row['ended_by']})" if row["until"] else "until now"
    click.secho(f"{row['place']}: version {row['version']} from {row['since'][:19]}Z {until}", bold=True)
    evidence = f", {how_many(len(row['evidence']), 'record')} of evidence" if row.get("evidence") else ""
    approved = f", approved by {', '.join(row['approvals']) or 'nobody'}" if "approvals" in row else ""
    click.echo(f"  on {row['basis']}{evidence}{approved}")
    if row.get("policy_digest"):
        click.echo(f"  policy {row['policy_digest']}")
    for line in (*(row.get("waivers") or ()), *(row.get("set_aside") or ())):
        click.secho(f"  ! {line}", fg="yellow")
    if row["ended"]:
        click.secho(f"  ! does not count any more: {row['ended']}", fg="yellow")
    if row.get("model_digest"):
        click.echo(f"  model {row['model_digest']}" + (f", run {row['run_id']}" if row.get("run_id") else ""))
    if row.get("request"):
        click.echo(f"  decision {row['request']}")
