"""`aims approve`: signed approvals of changes of a gated registry, and how any consent is signed and sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.errors import ConfigError
from aims_mlflow.records.decision import Consent
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who

if TYPE_CHECKING:
    from aims_mlflow.records.policy import Stage
    from aims_mlflow.registry.channel import ModelRef, SigningRules

STAGE = click.option(
    "--stage",
    type=click.Choice(["registration", "deployment"]),
    required=True,
    help="The stage that the consent is for.",
)
NAME = click.option("--name", help="Name of the registered model, if MODEL has no version yet.")


def notice(text: str) -> None:
    """Print a remark that is no result."""
    click.echo(text, err=True)


def send(model: str, name: str | None, stage: Stage, alias: str | None, **fields: Any) -> None:
    """Sign a consent, bound to the model's files and to the policy in force, and send it to the gate.

    Raises:
        Unreachable: the gate refused it, or does not answer.
    """
    from aims_mlflow.registry import channel

    found = channel.named(model, name)
    channel.make_room(found.name)
    sign_and_send(found, stage, alias, channel.rules_in_force(found, stage, alias), **fields)


def sign_and_send(
    found: ModelRef,
    stage: Stage,
    alias: str | None,
    rules: SigningRules,
    involved: frozenset[str] | None = None,
    **fields: Any,
) -> None:
    """Sign a consent about a model that is known to the registry, and send it to the gate.

    `involved` are the keys of those whose approval or waiver would count for nothing, where the gate tells them.

    Raises:
        ConfigError: the key is one of them.
        Unreachable: the gate refused it, or does not answer.
    """
    from aims_mlflow.gates.waivers import INVOLVED
    from aims_mlflow.registry import channel

    about = {"model_name": found.name, "workspace": rules.workspace, "stage": stage, "alias": alias, "log": rules.log}
    consent = Consent(**about, stage_digest=rules.stage_digest, **fields)
    key = signing_key(notice)
    if involved and key.key_id in involved:
        what = f"nothing is signed, for this {consent.action} would count for nothing: {INVOLVED}"
        raise ConfigError(what, next="another person signs it")
    record, words = channel.sign_consent(consent, found, key, who())
    channel.send_consent(record, words, found.name)
    what = f"{consent.action} {record.id} of {found.name}, model {found.model_id}, for {stage}"
    click.echo(what + (f" as {alias}" if alias else "") + " is sealed")


@click.command()
@click.argument("model", metavar="TARGET")
@click.option("--stage", type=click.Choice(["registration", "deployment"]), help="The stage, for a model.")
@click.option("--alias", help="The alias that it is for; every gated alias by default.")
@NAME
@click.option("--comment", default="", help="What you reviewed.")
def approve(model: str, stage: Stage | None, alias: str | None, name: str | None, comment: str) -> None:
    """Approve TARGET: a model for one stage, or a published document.

    A model (models:/NAME/VERSION or models:/m-ID) is approved for --stage, bound to its files and the policy in force;
    whoever trained it may not approve it. What the gate's decision rests on is printed before it is signed: failures,
    waivers, results that another record takes out, earlier revocations. A document (document:ID, or its file) is
    approved bound to this publication: the same file, published again, needs another approval. Whoever wrote or
    published it may not approve it. The key needs the role approver, or top-management for documents of the kinds
    ai-policy, leadership, risk-method and soa.
    """
    if model.startswith("document:"):
        from aims_mlflow.cli import document_actions

        document_actions.approve(model, comment)
        return
    if stage is None:
        raise click.UsageError("an approval of a model needs --stage registration or --stage deployment")
    from aims_mlflow.gates.wording import what_is_approved
    from aims_mlflow.registry import channel

    found = channel.named(model, name)
    channel.make_room(found.name)
    explained = channel.explain(found.name, found.version or found.model_id, stage, alias)
    for line in what_is_approved(explained.decision):
        click.secho(line, fg="yellow" if line.lstrip().startswith(("!", "-")) else None)
    for line in explained.void_waivers:
        click.secho(f"! {line}", fg="yellow")
    rules = channel.rules_in_force(found, stage, alias)
    sign_and_send(found, stage, alias, rules, explained.involved_keys, action="approval", comment=comment)
