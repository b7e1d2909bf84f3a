"""`aims evidence erase`: delete names and texts from the ledger, with a reason and a signature."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import JSON, LEDGER, REGISTRY, opened
from aims_mlflow.errors import ConfigError, EvidenceError

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger

ENVELOPE = re.compile("[0-9a-f]{64}", re.ASCII)


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
    their requests, and then delete the version's tag aims.waivers in MLflow, which the gate allows only then.

    The sha256 of a signed record as LEAF erases its envelope, with the account, names and reasons in it. It is refused
    while a version in use or a document in force rests on it. Decisions that rested on it cannot be made again, and
    `aims ledger verify` names each with the erasure. Delete the record's session file in the run too.

    What stays: names of models and aliases, the owners that the keyring names, texts of policies. Signed with this
    account's key, which needs the role approver or auditor. Backups of the database hold what is erased until they end.
    """
    from aims_mlflow.lifecycle import erasure
    from aims_mlflow.signing.key_sources import signing_key
    from aims_mlflow.signing.keys import who

    if not reason.strip():
        raise ConfigError("an erasure needs a reason", next="--reason 'request of the person concerned'")
    found = opened(ledger, registry, signing=True)
    chosen = None if ENVELOPE.fullmatch(leaf) else _with_body(found, leaf)
    key = signing_key(lambda text: click.echo(text, err=True))
    if chosen is None:
        by = erasure.erase_envelope(found, leaf, reason, key, who()).sequence
        made, said = {leaf: by}, [f"envelope {leaf} is erased, as leaf {by} says"]
    else:
        made = {str(x.sequence): erasure.erase(found, x, reason, key, who()).sequence for x in chosen}
        said = [f"the body of leaf {gone} is erased, as leaf {by} says" for gone, by in made.items()]
    left = found.forget()
    if as_json:
        click.echo(json.dumps({"erased": made, "left": left}, indent=2))
        return 0
    for line in said:
        click.echo(line)
    if left:
        click.secho(left, fg="yellow", err=True)
    return 0


def _with_body(ledger: Ledger, leaf: str) -> list[Leaf]:
    """Return the leaves of a number or a request that have a body."""
    named = ledger.leaves(start=int(leaf)) if leaf.isdecimal() else ledger.leaves(request=leaf)
    chosen = []
    for each in named:
        if not leaf.isdecimal() or each.sequence == int(leaf):
            chosen.append(each)
        if leaf.isdecimal():
            break
    there = ledger.bodies([each.sequence for each in chosen])
    if not there:
        raise EvidenceError(f"leaf {leaf} has no body (any more)", next="`aims ledger prove` shows leaves")
    return [each for each in chosen if each.sequence in there]
