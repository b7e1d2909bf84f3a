"""`aims evidence erase`: delete names and texts from the ledger, with a reason and a signature."""

from __future__ import annotations

import json

import click

from aims_mlflow.cli.options import JSON, LEDGER, REGISTRY, opened
from aims_mlflow.errors import ConfigError, EvidenceError


@click.command()
@click.argument("leaf")
@click.option("--reason", required=True, help="Reason; stored permanently, so without personal data.")
@LEDGER
@REGISTRY
@JSON
def erase(leaf: str, reason: str, ledger: str | None, registry: str | None, as_json: bool) -> int:
    """Erase the body of LEAF (its number, or a request's id): delete logins, addresses, comments and texts for good.

    The leaf, and the signed record of an approval or waiver, contain only salted commitments, so that everything
    else still verifies. A waiver's reason is also in the bodies of the decisions that used it: erase those by
    their requests, and then delete the version's tag aims.waivers in MLflow, which the gate allows only then. What
    stays: names of models and aliases, the owners that the keyring names, texts of policies, and the account in each
    signed record of evidence. Signed with this account's key, which needs the role approver or auditor. Backups of
    the database hold the body until they end.
    """
    from aims_mlflow.lifecycle import erasure
    from aims_mlflow.signing.key_sources import signing_key
    from aims_mlflow.signing.keys import who

    if not reason.strip():
        raise ConfigError("an erasure needs a reason", next="--reason 'request of the person concerned'")
    found = opened(ledger, registry, signing=True)
    named = found.leaves(start=int(leaf)) if leaf.isdecimal() else found.leaves(request=leaf)
    chosen = []
    for each in named:
        if not leaf.isdecimal() or each.sequence == int(leaf):
            chosen.append(each)
        if leaf.isdecimal():
            break
    there = found.bodies([each.sequence for each in chosen])
    if not there:
        raise EvidenceError(f"leaf {leaf} has no body (any more)", next="`aims ledger prove` shows leaves")
    key = signing_key(lambda text: click.echo(text, err=True))
    made = {
        each.sequence: erasure.erase(found, each, reason, key, who()).sequence
        for each in chosen
        if each.sequence in there
    }
    left = found.forget()
    if as_json:
        click.echo(json.dumps({"erased": made, "left": left}, indent=2))
        return 0
    for gone, by in made.items():
        click.echo(f"the body of leaf {gone} is erased, as leaf {by} says")
    if left:
        click.secho(left, fg="yellow", err=True)
    return 0
