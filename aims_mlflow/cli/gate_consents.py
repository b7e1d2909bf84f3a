"""`aims gate revoke` and `aims gate retire`: an approver's signed revocation or retirement of a model."""

from __future__ import annotations

import click

from aims_mlflow.cli.approve import NAME, send
from aims_mlflow.errors import ConfigError

_REASON = click.option("--reason", required=True, help="Reason; it is part of the signed record.")


@click.command()
@click.argument("model")
@click.option("--alias", help="The alias that it is for; all aliases by default.")
@_REASON
@NAME
def revoke(model: str, alias: str | None, reason: str, name: str | None) -> None:
    """Revoke all approvals and waivers of MODEL's files; the model then needs new ones.

    The aliases stay: delete them separately, which is always allowed.
    """
    _send(model, name, alias, "revocation", reason)


@click.command()
@click.argument("model")
@_REASON
@NAME
def retire(model: str, reason: str, name: str | None) -> None:
    """Retire MODEL's files permanently; a version that was in use can then be deleted."""
    _send(model, name, None, "retirement", reason)


def _send(model: str, name: str | None, alias: str | None, action: str, reason: str) -> None:
    if not reason.strip():
        raise ConfigError(f"a {action} needs a reason", next="--reason 'what happened'")
    send(model, name, "deployment", alias, action=action, comment=reason)
