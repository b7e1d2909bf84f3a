"""`aims keys`: make, export, trust and list keys."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aims_mlflow.errors import ConfigError, Unreachable, did_you_mean
from aims_mlflow.evidence.keyring import add_key, load_keyring, sign_keyring, write_keyring
from aims_mlflow.evidence.keys import PublicKey, aims_home, load_key, signing_key, write_new_key
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.keyring import ROLES, KeyEntry

FORMATS = ["%Y-%m-%d"]


@click.group()
def group() -> None:
    """Make, export, trust and list keys."""


@group.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def new(file: Path | None) -> None:
    """Make an Ed25519 key; FILE is this account's own place where it is not given."""
    path = file or aims_home() / "keys" / "signing.pem"
    key = write_new_key(path)
    click.echo(f"wrote {path} (key id {key.key_id})")
    if file is not None:
        click.echo(f"to sign with it: export AIMS_SIGNING_KEY=file:{path}")


@group.command()
@click.option("--key", help="Address of the private key (file:PATH or env:NAME); the signing key by default.")
def export(key: str | None) -> None:
    """Print the public half of a key, for the platform team."""
    found = load_key(key) if key else signing_key(lambda text: click.echo(text, err=True))
    click.echo(found.public.pem, nl=False)


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--owner", required=True, help="Whose key it is: the login name, where the server has logins.")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    help=f"What it may do: {', '.join(ROLES)}, or a role that policy.yaml names; repeatable.",
)
@click.option("--from", "start", type=click.DateTime(FORMATS), help="First day on which it may sign.")
@click.option("--until", type=click.DateTime(FORMATS), help="Day from which it may sign no more.")
@click.option("--policy", type=click.Path(path_type=Path), help="The policy folder; AIMS_POLICY by default.")
@click.option("--root", help="Address of the root key; $AIMS_HOME/keys/root.pem by default.")
def add(
    file: Path, owner: str, roles: tuple[str, ...], start: object, until: object, policy: Path | None, root: str | None
) -> None:
    """Trust the public key in FILE: it goes into the keyring, which the root key signs again."""
    from aims_mlflow.hooks.active_policy import KEYRING, policy_folder, root_key_path

    folder = policy or policy_folder()
    _require_roles(roles, folder)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Unreachable(f"cannot be read ({type(exc).__name__})", where=str(file)) from None
    if "PRIVATE KEY" in text:
        raise ConfigError("this is a private key", where=str(file), next="give the public half: `aims keys export`")
    key = PublicKey.from_pem(text, str(file))
    path = folder / KEYRING
    if not path.exists():
        raise Unreachable("there is no keyring", where=str(path), next="`aims gate init` makes a policy folder")
    signer = load_key(root or f"file:{root_key_path()}")
    entry = KeyEntry(
        key_id=key.key_id,
        owner=owner,
        roles=roles,
        pem=key.pem,
        valid_from=_day(start),
        valid_until=_day(until),
    )
    keyring = sign_keyring(add_key(load_keyring(path, signer.key_id), entry), signer)
    write_keyring(path, keyring)
    click.echo(f"{owner} may now act as {', '.join(roles)} (key id {key.key_id}); keyring version {keyring.version}")


def _require_roles(roles: tuple[str, ...], folder: Path) -> None:
    """Refuse a role that nothing knows: a misspelt one would be trusted with nothing, in silence."""
    from aims_mlflow.gates.policy import FILE, load_policy

    named = load_policy(folder).roles if (folder / FILE).exists() else ()
    known = (*ROLES, *named)
    for role in roles:
        if role not in known:
            hint = did_you_mean(role, known)
            raise ConfigError(
                f"there is no role {role!r}" + (f", {hint}" if hint else ""),
                next=f"use one of {', '.join(known)}, or name the role in policy.yaml first",
            )


def _day(value: object) -> str | None:
    from datetime import UTC, datetime

    return utc_text(value.replace(tzinfo=UTC)) if isinstance(value, datetime) else None


@group.command("list")
@click.option("--policy", type=click.Path(path_type=Path), help="The policy folder; AIMS_POLICY by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(policy: Path | None, as_json: bool) -> None:
    """List the keys that a registry trusts."""
    from aims_mlflow.hooks.active_policy import KEYRING, policy_folder

    keyring = load_keyring((policy or policy_folder()) / KEYRING)
    if as_json:
        click.echo(json.dumps([k.model_dump(mode="json", exclude={"pem"}) for k in keyring.keys], indent=2))
        return
    for entry in keyring.keys:
        window = f" from {entry.valid_from[:10]}" if entry.valid_from else ""
        window += f" until {entry.valid_until[:10]}" if entry.valid_until else ""
        window += f" REVOKED {entry.revoked[:10]}" if entry.revoked else ""
        click.echo(f"{entry.key_id}  {','.join(entry.roles):<18} {entry.owner}{window}")
    if not keyring.keys:
        click.echo("no keys yet: `aims keys add FILE --owner NAME --role trainer`")
