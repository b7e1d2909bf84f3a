"""`aims gate`: explain, status, init, lint; `gate_ledger.py` has the commands that read the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.approve import NAME
from aims_mlflow.cli.gate_consents import retire, revoke
from aims_mlflow.cli.gate_findings import close, findings
from aims_mlflow.cli.gate_ledger import adopt, history, reconcile, replay
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.gates.wording import lines
from aims_mlflow.records.counts import how_many
from aims_mlflow.settings import POLICY, policy_folder, root_key_path, value_of

if TYPE_CHECKING:
    from aims_mlflow.gates.policy_levels import Level
    from aims_mlflow.records.policy import Stage


@click.group()
def group() -> None:
    """Explain decisions; set up, operate and review a gated registry."""


for _command in (adopt, reconcile, findings, close, history, replay, revoke, retire):
    group.add_command(_command)


@group.command()
@click.argument("model")
@click.option("--stage", type=click.Choice(["registration", "deployment"]), required=True, help="The stage to decide.")
@click.option("--alias", help="The alias, for deployment: champion by default.")
@NAME
@click.option("--json", "as_json", is_flag=True, help="Print the decision as one JSON object.")
def explain(model: str, stage: Stage, alias: str | None, name: str | None, as_json: bool) -> int:
    """Show the decision that the gate would make about MODEL (models:/NAME/VERSION or models:/NAME@ALIAS).

    A logged model that has no version yet is models:/m-ID with --name. Exit status 1 if the gate would refuse MODEL.
    """
    from aims_mlflow.evidence import tracking
    from aims_mlflow.registry import channel

    target = tracking.resolve(model)
    about = (target.name, target.version) if name is None else (name, target.model_id)
    if about[0] is None or about[1] is None:
        raise ConfigError(
            f"{model} is no registered version", next="use models:/NAME/VERSION, or models:/m-ID with --name NAME"
        )
    wanted = alias or ("champion" if stage == "deployment" else None)
    explained = channel.explain(about[0], about[1], stage, wanted)
    decision = explained.decision
    if as_json:
        click.echo(decision.model_dump_json(indent=2, exclude_none=True))
    else:
        for number, line in enumerate(lines(decision)):
            click.secho(line, bold=number == 0, fg="yellow" if line.lstrip().startswith("!") else None)
    for line in explained.void_waivers:
        click.secho(f"! {line}", fg="yellow", err=as_json)
    return 1 if decision.would_refuse else 0


@group.command()
@click.argument("url", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(url: str | None, as_json: bool) -> int:
    """Show whether the registry at URL (or MLFLOW_TRACKING_URI) has a gate, and which waivers there cover nothing.

    Of waivers, those for models that this login may read are listed, each with the reason. Exit status 1 if the
    registry has no gate, and while its gate refuses all.
    """
    from aims_mlflow.registry import channel
    from aims_mlflow.registry.names import REFUSES_ALL

    found = channel.status(url)
    void, unread = _void_waivers() if found and found["enforcement"] != REFUSES_ALL else ([], "")
    if as_json:
        told = {"void_waivers": void, **({"waivers_unread": unread} if unread else {})} if found else {}
        click.echo(json.dumps({"gated": bool(found), **found, **told}, indent=2))
    elif not found:
        click.echo("NOT gated: this registry takes any model. Start MLflow with --registry-store-uri aims+...")
    else:
        click.echo(f"gated ({found['enforcement']}), aims_mlflow {found['version']}")
        for key in ("policy_digest", "keyring_digest", "keys", "checkpoint", "bytes_in_use", "findings"):
            if key in found:
                click.echo(f"  {key.replace('_', ' ')}: {found[key]}")
        for line in (*void, unread):
            if line:
                click.secho(f"! {line}", fg="yellow")
    return 0 if found and found["enforcement"] != REFUSES_ALL else 1


def _void_waivers() -> tuple[list[str], str]:
    """Return the waivers that cover nothing, and why they cannot be listed; the second is empty where they can."""
    from aims_mlflow.registry import channel

    try:
        return list(channel.void_waivers()), ""
    except Unreachable as exc:
        return [], f"which waivers cover nothing is not known: {exc.what}"


@group.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--level",
    type=click.Choice(["starter", "standard", "high-risk"]),
    help="Which documents of people a deployment asks for; by default standard where a management folder with "
    "documents is found, else starter.",
)
@click.option("--keys-here", is_flag=True, help="Keep both keys in AIMS_HOME (~/.aims) also in a container or CI job.")
def init(folder: Path | None, level: Level | None, keys_here: bool) -> None:
    """Write a policy folder: policy.yaml with the default policy, and a keyring signed by a root key.

    Level standard also asks at deployment for an impact assessment, a validation report, a deployment plan and a
    monitoring plan that are published and approved. Level high-risk asks for five documents more and a second approval.
    Each decision about a deployment lists those of level standard that its policy did not ask for.

    FOLDER is AIMS_POLICY, else $AIMS_HOME/policy, by default. If neither is there, $AIMS_HOME/policy becomes a link to
    FOLDER, so that the other commands of this account find it.

    A root key and a log key are made in AIMS_HOME (~/.aims) where they are missing. In a container or CI job, whose
    home may be lost with it, no log key is made unless AIMS_HOME is set, a volume is mounted there, or --keys-here says
    so.
    """
    from aims_mlflow.server.active_policy import init_policy
    from aims_mlflow.signing.lasting_home import why_home_passes

    level = level or default_level()
    where, is_new = folder or policy_folder(), not root_key_path().exists()
    root = init_policy(where, ("root", "log") if keys_here else ("root",), level)
    click.echo(f"wrote {where}/policy.yaml and {where}/keyring.yaml, signed by the root key {root.origin}")
    click.echo(f"the root key's id, for servers and auditors that pin it: export AIMS_KEYRING_ROOT={root.key_id}")
    if is_new and (why := why_home_passes()):
        click.echo(f"move the root key to a place that lasts, and name it by AIMS_ROOT_KEY: {why}")
    if folder is not None and value_of(POLICY) is None:
        who = "the server needs" if _link_policy(folder) else "the next commands and the server need"
        click.echo(f"{who}: export AIMS_POLICY={folder.resolve()}")
    click.echo("next: name your systems in policy.yaml, then `aims keys add FILE --owner NAME --role trainer`")


def default_level() -> Level:
    """Return standard where a management folder with documents is found, else starter; what was chosen is printed."""
    from aims_mlflow.errors import AimsError
    from aims_mlflow.management.folder import find_folder, read_folder

    try:
        found = read_folder(find_folder(None))
    except AimsError:
        return "starter"
    if not found.documents:
        return "starter"
    click.echo(f"level standard, since {found.root} has {len(found.documents)} documents; --level chooses another")
    return "standard"


def _link_policy(folder: Path) -> bool:
    """Make $AIMS_HOME/policy a link to the folder, unless there is one; return whether it leads to the folder."""
    link = policy_folder()
    if link.exists() or link.is_symlink():
        return link.resolve() == folder.resolve()
    try:
        link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        link.symlink_to(folder.resolve(), target_is_directory=True)
    except OSError:
        return False
    return True


@group.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def lint(folder: Path | None) -> None:
    """Check a policy folder; errors name file and line."""
    from aims_mlflow.gates.policy import load_policy
    from aims_mlflow.server.active_policy import KEYRING
    from aims_mlflow.signing.keyring import load_keyring, require_one_spelling
    from aims_mlflow.signing.owners import NEAR, near_owners

    where = folder or policy_folder()
    if not where.is_dir():
        raise Unreachable("there is no such folder", where=str(where), next="`aims gate init` makes one")
    loaded = load_policy(where)
    keyring = load_keyring(where / KEYRING)
    require_one_spelling(keyring, str(where / KEYRING))
    click.echo(f"policy.yaml is valid: {how_many(len(loaded.policy.systems), 'system')}, digest {loaded.digest}")
    click.echo(f"keyring.yaml is valid: version {keyring.version}, {how_many(len(keyring.keys), 'key')}")
    for one, other in near_owners(k.owner for k in keyring.keys):
        click.secho(NEAR.format(one, other), fg="yellow")
    if not any("trainer" in k.roles for k in keyring.keys):
        click.secho("no key has the role trainer yet: every registration will be refused", fg="yellow")
