"""`aims approve` and `aims waive`: signed approvals and waivers for changes of a gated registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.catalog.loader import require_control
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Consent
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who

if TYPE_CHECKING:
    from aims_mlflow.records.policy import Stage

STAGE = click.option(
    "--stage",
    type=click.Choice(["registration", "deployment"]),
    required=True,
    help="The stage that the consent is for.",
)
NAME = click.option("--name", help="Name of the registered model, if MODEL has no version yet.")


def _notice(text: str) -> None:
    click.echo(text, err=True)


def send(model: str, name: str | None, stage: Stage, alias: str | None, **fields: Any) -> None:
    """Sign a consent, bound to the model's bytes and to the policy in force, and send it to the gate.

    Raises:
        Unreachable: the gate refused it, or does not answer.
    """
    from aims_mlflow.registry import channel

    found = channel.named(model, name)
    channel.make_room(found.name)
    digest, workspace = channel.rules_in_force(found, stage, alias)
    about = {"model_name": found.name, "workspace": workspace, "stage": stage, "alias": alias, "stage_digest": digest}
    consent = Consent(**about, **fields)
    key = signing_key(_notice)
    record, words = channel.sign_consent(consent, found, key, who())
    channel.send_consent(record, words, found.name)
    what = f"{consent.action} {record.id} of {found.name}, model {found.model_id}, for {stage}"
    click.echo(what + (f" as {alias}" if alias else "") + " is sealed")


@click.command()
@click.argument("model")
@STAGE
@click.option("--alias", help="The alias that it is for; every gated alias by default.")
@NAME
@click.option("--comment", default="", help="What you reviewed.")
def approve(model: str, stage: Stage, alias: str | None, name: str | None, comment: str) -> None:
    """Approve MODEL (models:/NAME/VERSION or models:/m-ID) for one stage, bound to its bytes and the policy in force.

    The key needs the role approver. Whoever trained the model may not approve it.
    """
    send(model, name, stage, alias, action="approval", comment=comment)


@click.command()
@click.argument("model")
@STAGE
@click.option("--reason", required=True, help="Why the waiver is acceptable.")
@click.option("--control", help="The one control that is waived, such as A.6.2.4.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day on which the waiver is valid.")
@click.option("--metric", help="Only this metric of the control.")
@click.option("--break-glass", is_flag=True, help="An emergency: waive everything for hours; takes two approvers.")
@click.option("--hours", type=click.IntRange(1, 72), default=72, help="Hours that --break-glass lasts; 72 by default.")
@click.option("--alias", help="The alias that it is for; every gated alias by default.")
@NAME
def waive(
    model: str,
    stage: Stage,
    reason: str,
    control: str | None,
    until: datetime | None,
    metric: str | None,
    break_glass: bool,
    hours: int,
    alias: str | None,
    name: str | None,
) -> None:
    """Waive one control for MODEL until a date, with a reason; each decision that uses the waiver shows it.

    With --break-glass everything is waived for hours, once two approvers have signed one each; it opens an incident.
    """
    if not reason.strip():
        raise ConfigError("a waiver needs a reason", next="--reason 'why that is acceptable for now'")
    if break_glass:
        if control or until or metric:
            raise ConfigError(
                "--break-glass waives everything for hours", next="leave out --control, --until, --metric"
            )
        expires = datetime.now(UTC) + timedelta(hours=hours)
        send(model, name, stage, alias, action="waiver", comment=reason, expires=utc_text(expires), break_glass=True)
        return
    if control is None or until is None:
        raise ConfigError("a waiver names one control and its last day", next="--control A.6.2.4 --until 2027-01-31")
    require_control(control)
    ends = until.replace(tzinfo=UTC) + timedelta(days=1)
    if ends <= datetime.now(UTC):
        raise ConfigError(f"--until {until:%Y-%m-%d} is past", next="name a day to come")
    send(
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
