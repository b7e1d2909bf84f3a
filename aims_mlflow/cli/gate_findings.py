"""`aims gate findings` and `aims gate close`: list open findings of a ledger, and close an incident by a review."""

from __future__ import annotations

import json

import click

from aims_mlflow.cli.options import JSON, LEDGER, REGISTRY, opened
from aims_mlflow.errors import ConfigError
from aims_mlflow.registers.kinds import KINDS


@click.command()
@LEDGER
@REGISTRY
@JSON
def findings(ledger: str | None, registry: str | None, as_json: bool) -> int:
    """List open findings and incidents, with the action that closes each.

    This reads the ledger; `aims gate reconcile` compares the registry with it. Exit status 1 if any is open.
    """
    from aims_mlflow.registers.findings import open_findings

    found = open_findings(opened(ledger, registry))
    if as_json:
        shown = [
            {
                **each.content.plain(),
                **({"text": each.text} if each.text is not None else {}),
                "id": key,
                "kind": each.content.type,
                "closes": KINDS[each.content.about].closes_one(key),
            }
            for key, each in found.items()
        ]
        click.echo(json.dumps({"open": shown}, indent=2))
        return 1 if found else 0
    for key, each in found.items():
        kind = KINDS[each.content.about]
        click.secho(f"{kind.control} {kind.name}: {each.text or kind.opens}", fg="yellow")
        click.echo(f"  {kind.leaf} {key}, since {each.content.time}; it closes when {kind.closes_one(key)}")
    click.echo("1 finding or incident open" if len(found) == 1 else f"{len(found):,} findings and incidents open")
    return 1 if found else 0


@click.command()
@click.argument("incident", metavar="ID")
@click.option("--reason", required=True, help="Result of the review; stored permanently, so without personal data.")
@LEDGER
@REGISTRY
def close(incident: str, reason: str, ledger: str | None, registry: str | None) -> None:
    """Close the incident ID by a signed review.

    The key needs the role approver. An emergency waiver's signer cannot review the incident that it opened. Findings
    close by themselves: `aims gate findings` says when.
    """
    from aims_mlflow.lifecycle.incident_review import close_incident
    from aims_mlflow.signing.key_sources import signing_key
    from aims_mlflow.signing.keys import who

    if not reason.strip():
        raise ConfigError("a review needs a reason", next="--reason 'what was found, and what was done'")
    key = signing_key(lambda text: click.echo(text, err=True))
    leaf = close_incident(opened(ledger, registry, signing=True), incident, reason, key, who())
    click.echo(f"the incident is closed, as leaf {leaf.sequence} says")
