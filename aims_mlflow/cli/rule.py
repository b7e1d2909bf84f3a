"""`aims rule`: what a rule asks, why, and how to mend what it finds; rules of lint, and rules of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aims_mlflow.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command()
@click.argument("rule", required=False)
def command(rule: str | None) -> None:
    """Explain RULE, such as G4 of `aims document lint` or S1 of `aims document findings`; without one, list all."""
    from aims_mlflow.management.findings.rules import RULES, rule_reasons
    from aims_mlflow.management.rules import rules

    if rule is None:
        for each in rules().values():
            click.echo(f"{each.id:<4} {each.severity:<8} {each.title}")
        for finding in (f for f in RULES.values() if f.id not in rules()):
            click.echo(f"{finding.id:<4} {finding.grade:<8} {finding.title} ({finding.control})")
        return
    asked = RULES.get(rule.upper())
    if asked is not None and asked.id not in rules():
        click.secho(f"{asked.id} {asked.grade}: {asked.title}", bold=True)
        said = rule_reasons()[asked.id]
        click.echo(f"  why: {said.why}")
        click.echo(f"  fix: {said.fix}")
        click.echo(f"  counts against: {asked.control}")
        click.echo(f"  topic: {asked.topic}; `aims document findings --rule {asked.id}` lists what it finds")
        click.echo("  --seal seals a new finding in the ledger, and closes it when its cause is gone")
        return
    found = rules().get(rule.upper())
    if found is None:
        raise no_rule(rule, (*rules(), *RULES))
    click.secho(f"{found.id} {found.severity}: {found.title}", bold=True)
    click.echo(f"  why: {found.why}")
    click.echo(f"  fix: {found.fix}")
    click.echo(f"  about: {', '.join(found.kinds) or 'every kind'}")
    if found.finding is not None:
        click.echo(f"  of a published document it is a finding ({found.finding.grade}), against its control")
    elif found.told_by:
        click.echo(f"  of a published document {', '.join(found.told_by)} of `aims document findings` report it")
    click.echo("  to set one result aside: ignored.yaml of the folder, with rule, document, reason, by and until")


def no_rule(name: str, known: Iterable[str]) -> ConfigError:
    """Return the error about a rule that there is not; the text names the nearest."""
    hint = did_you_mean(name, known)
    return ConfigError(f"there is no rule {name!r}" + (f", {hint}" if hint else ""), next="`aims rule` lists all")
