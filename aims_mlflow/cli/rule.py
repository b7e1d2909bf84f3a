"""`aims rule`: what a rule for documents asks, why, and how to mend what it finds."""

from __future__ import annotations

import click


@click.command()
@click.argument("rule", required=False)
def command(rule: str | None) -> None:
    """Explain RULE, such as G4; without one, list all rules."""
    from aims_mlflow.management.rules import require_rule, rules

    if rule is None:
        for each in rules().values():
            click.echo(f"{each.id:<4} {each.severity:<8} {each.title}")
        return
    found = require_rule(rule)
    click.secho(f"{found.id} {found.severity}: {found.title}", bold=True)
    click.echo(f"  why: {found.why}")
    click.echo(f"  fix: {found.fix}")
    click.echo(f"  about: {', '.join(found.kinds) or 'every kind'}")
    click.echo("  to set one result aside: ignored.yaml of the folder, with rule, document, reason, by and until")
