"""Output of a verification: lines for a terminal or one JSON object, and the exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aims_mlflow.audit.report import Report

MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "absent": ("-", "yellow"), "detail": ("   ✗", "red")}

RESTS_ON = {
    "verified by itself": "no ledger was consulted, so evidence that was exchanged as a whole would pass, too",
    "verified as of an unpinned root": (
        "nobody named the root key, so a ledger that was made anew with a root of its own would pass, too; "
        "note the root's id where the ledger's owner publishes it, and set AIMS_KEYRING_ROOT or give --root"
    ),
}


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
        rests_on = RESTS_ON.get(report.verdict)
        colour = "yellow" if rests_on else "green"
        click.secho(f"{report.verdict}: {rests_on}" if rests_on else report.verdict, fg=colour, bold=True)
    return 0 if report.verified else 1
