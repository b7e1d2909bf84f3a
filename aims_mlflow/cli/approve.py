"""`aims approve` and `aims waive`: a person's signed word to a gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from aims_mlflow.catalog.loader import require_control
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence.keys import signing_key, who
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Consent

_STAGE = click.option(
    "--stage", type=click.Choice(["registration", "deployment"]), required=True, help="The step it is for."
)
_NAME = click.option("--name", help="The registered model's name, where MODEL has no version yet.")


def _notice(text: str) -> None:
    click.echo(text, err=True)


def _send(model: str, name: str | None, stage: str, alias: str | None, **fields: Any) -> None:
    from aims_mlflow.hooks import channel

    found = channel.named(model, name)
    digest = channel.stage_digest(found, stage, alias)  # type: ignore[arg-type]
    consent = Consent(model_name=found.name, stage=stage, alias=alias, stage_digest=digest, **fields)
    key = signing_key(_notice)
    record = channel.sign_consent(consent, found, key, who())
    channel.send_consent(record, found.name)
    what = f"{consent.action} {record.id} of {found.name}, model {found.model_id}, for {stage}"
    click.echo(what + (f" as {alias}" if alias else "") + " is sealed")


@click.command()
@click.argument("model")
@_STAGE
@click.option("--alias", help="The alias that it is for; any gated one where it is not given.")
@_NAME
@click.option("--comment", default="", help="What you looked at.")
def approve(model: str, stage: str, alias: str | None, name: str | None, comment: str) -> None:
    """Approve MODEL (models:/NAME/VERSION or models:/m-ID) for one stage, bound to its bytes and to the rules in force.

    Sign with a key that has the role approver, and that did not train the model.
    """
    _send(model, name, stage, alias, action="approval", comment=comment)


@click.command()
@click.argument("model")
@_STAGE
@click.option("--control", required=True, help="The one control that is waived, such as A.6.2.4.")
@click.option("--reason", required=True, help="Why that is acceptable for now.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day on which the waiver holds.")
@click.option("--metric", help="Only this metric of the control.")
@click.option("--alias", help="The alias that it is for; any gated one where it is not given.")
@_NAME
def waive(
    model: str,
    stage: str,
    control: str,
    reason: str,
    until: datetime,
    metric: str | None,
    alias: str | None,
    name: str | None,
) -> None:
    """Waive one control for MODEL until a date, with a reason; it is shown wherever the decision is shown."""
    require_control(control)
    if not reason.strip():
        raise ConfigError("a waiver needs a reason", next="--reason 'why that is acceptable for now'")
    ends = until.replace(tzinfo=UTC) + timedelta(days=1)
    if ends <= datetime.now(UTC):
        raise ConfigError(f"--until {until:%Y-%m-%d} is past", next="name a day to come")
    _send(
        model,
        name,
        stage,
        alias,
        action="waiver",
        comment=reason,
        control=control,
        metric=metric,
        expires=utc_text(ends),
    )
