"""Output of a verification: lines for a terminal or one JSON object, and the exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aims_mlflow.audit.report import Report

MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "absent": ("-", "yellow"), "detail": ("   ✗", "red")}

BY_ITSELF = "verified by itself: no ledger was consulted, so evidence that was exchanged as a whole would pass, too"


def show(report: Report, *, as_json: bool) -> int:
    """Print a report and return the exit status: 1 if there is any problem."""
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
        return 0 if report.verified else 1
    click.secho(report.target, bold=True)
    for mark, text in report.lines():
        sign, colour = MARKS[mark]
        click.secho(f"{sign} ", fg=colour, nl=False)
        click.echo(text)
    found = sum(len(step.problems) + step.more for step in report.steps.values())
    if report.verdict == "not sealed yet":
        click.secho(
            f"NOT SEALED YET: {found:,} {'session' if found == 1 else 'sessions'}; nothing that is sealed was changed",
            fg="yellow",
            bold=True,
        )
    elif found:
        click.secho(f"NOT verified: {found:,} {'problem' if found == 1 else 'problems'}", fg="red", bold=True)
    else:
        click.secho("verified" if report.ledger else BY_ITSELF, fg="green", bold=True)
    return 0 if report.verified else 1
