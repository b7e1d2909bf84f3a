"""`aims gate revoke` and `aims gate retire`: an approver's signed statement that takes authority away."""

from __future__ import annotations

import click

from aims_mlflow.cli.approve import NAME, send
from aims_mlflow.errors import ConfigError

_REASON = click.option("--reason", required=True, help="Why; it stands in the record.")


@click.command()
@click.argument("model")
@click.option("--alias", help="The alias that it is for; all of them where it is not given.")
@_REASON
@NAME
def revoke(model: str, alias: str | None, reason: str, name: str | None) -> None:
    """Take back every approval and waiver of MODEL's bytes so far; they then need new ones.

    It does not take an alias away: delete the alias for that, which is always possible.
    """
    _send(model, name, alias, "revocation", reason)


@click.command()
@click.argument("model")
@_REASON
@NAME
def retire(model: str, reason: str, name: str | None) -> None:
    """Record that MODEL's bytes are out of use for good; a version that was in use can be deleted after that."""
    _send(model, name, None, "retirement", reason)


def _send(model: str, name: str | None, alias: str | None, action: str, reason: str) -> None:
    if not reason.strip():
        raise ConfigError(f"a {action} needs a reason", next="--reason 'what happened'")
    send(model, name, "deployment", alias, action=action, comment=reason)
