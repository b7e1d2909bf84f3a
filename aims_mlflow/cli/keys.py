"""`aims keys`: create, export, trust, list, revoke and rotate keys."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from aims_mlflow.cli.keyring_files import (
    ask_password,
    change_keyring,
    keyring_path,
    read_public_key,
    root_key,
)
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.keyring import ROLES, KeyEntry
from aims_mlflow.settings import (
    KEYRING_ROOT,
    ROOT_KEY,
    SIGNING_KEY,
    password_of,
    policy_folder,
    signing_key_path,
)
from aims_mlflow.signing.key_sources import load_key, signing_key
from aims_mlflow.signing.keyring import (
    add_key,
    find_key,
    load_keyring,
    revoke_key,
    roots_of,
    rotate_key,
    rotate_root,
    write_keyring,
)
from aims_mlflow.signing.keys import public_half, write_new_key
from aims_mlflow.signing.lasting_home import why_home_passes
from aims_mlflow.signing.owners import NEAR, near_owners

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
policy_option = click.option(
    "--policy", type=click.Path(path_type=Path), help="The policy folder; AIMS_POLICY by default."
)
root_option = click.option("--root", help=f"Address of the root key; {ROOT_KEY}, else $AIMS_HOME/keys/root.pem.")


@click.group()
def group() -> None:
    """Create, export, trust, list, revoke and rotate keys.

    An address of a private key is file:PATH, env:NAME, or that of a key service: awskms:ID, gcpkms:NAME,
    azurekms://VAULT/keys/NAME, hv:NAME (Vault), hsm:ID?label=TOKEN. A key behind a password is opened with
    AIMS_SIGNING_KEY_PASSWORD (AIMS_ROOT_KEY_PASSWORD, AIMS_LOG_KEY_PASSWORD), or asked for on a terminal.
    """


@group.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--password", is_flag=True, help=f"Protect it by a password: that in {SIGNING_KEY}_PASSWORD, else one asked for."
)
def new(file: Path | None, password: bool) -> None:
    """Create an Ed25519 key; FILE is the default key file of this account if it is not given.

    The public half is written beside it, as NAME.pub.pem.
    """
    path = file or signing_key_path()
    public = public_half(path)
    if file is None and path.exists():
        raise ConfigError(
            "this account has a signing key already", where=str(path), next="`aims keys export` prints its public half"
        )
    if public.exists():
        raise ConfigError("a file of that name exists", where=str(public), next="choose another name")
    key = write_new_key(path, _new_password() if password else None)
    public.write_text(key.public.pem, encoding="utf-8")
    click.echo(f"wrote {path} (key id {key.key_id}), and {public}, its public half for the platform team")
    if file is not None:
        click.echo(f"to sign with it: export AIMS_SIGNING_KEY=file:{path.absolute()}")
    elif why := why_home_passes():
        click.echo(f"it lasts as long as {path.parent}: {why}")


def _new_password() -> str:
    given = password_of(SIGNING_KEY)
    if given is None and not sys.stdin.isatty():
        raise ConfigError(
            "there is no terminal to ask for a password on", next=f"set {SIGNING_KEY}_PASSWORD to the password"
        )
    chosen: str = given or click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return chosen


@group.command()
@click.option("--key", help="Address of the private key; the signing key by default.")
def export(key: str | None) -> None:
    """Print the public half of a key, for the platform team."""
    asked = ask_password()
    found = load_key(key, ask=asked) if key else signing_key(lambda text: click.echo(text, err=True), asked)
    click.echo(found.public.pem, nl=False)


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--owner", required=True, help="Owner of the key: the login name on a server with logins.")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    help=f"Role of the key: {', '.join(ROLES)}, or a role that policy.yaml names; repeatable.",
)
@click.option("--from", "start", type=click.DateTime(FORMATS), help="First day on which it may sign.")
@click.option("--until", type=click.DateTime(FORMATS), help="First day on which it may no longer sign.")
@policy_option
@root_option
def add(
    file: Path,
    owner: str,
    roles: tuple[str, ...],
    start: datetime | None,
    until: datetime | None,
    policy: Path | None,
    root: str | None,
) -> None:
    """Trust the public key in FILE: add it to the keyring and sign the keyring with the root key."""
    _require_roles(roles, policy)
    key = read_public_key(file)
    entry = KeyEntry(
        key_id=key.key_id, owner=owner, roles=roles, pem=key.pem, valid_from=_time(start), valid_until=_time(until)
    )
    keyring = change_keyring(policy, root, lambda keyring: add_key(keyring, entry))
    click.echo(f"{owner} may now act as {', '.join(roles)} (key id {key.key_id}); keyring version {keyring.version}")


@group.command()
@click.argument("key")
@click.option(
    "--from",
    "start",
    type=click.DateTime(FORMATS),
    help="Its signatures are void from this time on (UTC); now by default.",
)
@policy_option
@root_option
def revoke(key: str, start: datetime | None, policy: Path | None, root: str | None) -> None:
    """Revoke KEY (its id, the beginning of it, or its owner): its signatures from now on, or from --from on, are void.

    A stolen key is revoked from the time of the theft: evidence and approvals that it signed since then stop
    counting at the next decision. Decisions of the past stay as they were, and `aims verify` says which of them
    relied on it.
    """
    time = _time(start) or utc_text()
    if parse_time(time) > datetime.now(UTC):
        raise ConfigError("a key is revoked from now or from an earlier time", next="`aims keys rotate` ends one later")
    keyring = change_keyring(policy, root, lambda keyring: revoke_key(keyring, key, time))
    entry = next(k for k in keyring.keys if k.revoked == time)
    click.echo(f"the key of {entry.owner} is revoked from {time} (key id {entry.key_id}); version {keyring.version}")


@group.command()
@click.argument("key")
@click.argument("new_key")
@click.option(
    "--from", "start", type=click.DateTime(FORMATS), help="Start of trust in the new key (UTC); now by default."
)
@click.option("--owner", default="platform", show_default=True, help="Owner of the new root key.")
@policy_option
@root_option
def rotate(key: str, new_key: str, start: datetime | None, owner: str, policy: Path | None, root: str | None) -> None:
    """Replace KEY by NEW_KEY, with the same owner and roles; KEY is no longer trusted from then on.

    KEY is a key id, the beginning of one, or an owner, and NEW_KEY the file of a public key. If KEY is
    `root`, NEW_KEY is the address of the new root's private key: both roots sign the keyring, and from then on only
    the new one may. AIMS_KEYRING_ROOT may name both until every server has seen that version.
    """
    if key == "root":
        if start is not None:
            raise ConfigError("a new root takes over at once", next="leave --from out")
        _rotate_root(new_key, owner, policy, root)
        return
    public, time = read_public_key(Path(new_key)), _time(start) or utc_text()
    keyring = change_keyring(policy, root, lambda keyring: rotate_key(keyring, key, public, time))
    entry = find_key(keyring, public.key_id)
    click.echo(f"{entry.owner} signs with {entry.key_id} from {time}; keyring version {keyring.version}")


def _rotate_root(new_key: str, owner: str, policy: Path | None, root: str | None) -> None:
    path, old = keyring_path(policy), root_key(root)
    follower = load_key(new_key, ROOT_KEY, ask_password())
    keyring = rotate_root(load_keyring(path), old, follower, owner)
    write_keyring(path, keyring)
    click.echo(f"the root is now {follower.key_id}; keyring version {keyring.version}")
    click.echo(f"from now on: export {ROOT_KEY}={new_key}")
    click.echo(f"servers and auditors that pin the root: {KEYRING_ROOT}={follower.key_id}")


def _time(value: datetime | None) -> str | None:
    return utc_text(value.replace(tzinfo=UTC)) if value is not None else None


@group.command("list")
@policy_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(policy: Path | None, as_json: bool) -> None:
    """List the keys that a registry trusts."""
    keyring = load_keyring(keyring_path(policy))
    if as_json:
        click.echo(json.dumps([k.model_dump(mode="json", exclude={"pem"}) for k in keyring.keys], indent=2))
        return
    for entry in keyring.keys:
        window = f" from {entry.valid_from[:10]}" if entry.valid_from else ""
        window += f" until {entry.valid_until[:10]}" if entry.valid_until else ""
        window += f" REVOKED {entry.revoked[:10]}" if entry.revoked else ""
        click.echo(f"{entry.key_id}  {','.join(entry.roles):<18} {entry.owner}{window}")
    for one, other in near_owners(entry.owner for entry in keyring.keys):
        click.secho(NEAR.format(one, other), fg="yellow")
    click.echo(f"version {keyring.version}, root {', '.join(sorted(roots_of(keyring)))}")
    if not keyring.keys:
        click.echo("no keys yet: `aims keys add FILE --owner NAME --role trainer`")


def _require_roles(roles: tuple[str, ...], policy: Path | None) -> None:
    """Refuse an unknown role, because a misspelt role would silently grant no rights."""
    from aims_mlflow.gates.policy import FILE, load_policy

    folder = policy or policy_folder()
    known = (*ROLES, *(load_policy(folder).roles if (folder / FILE).exists() else ()))
    for role in roles:
        if role not in known:
            hint = did_you_mean(role, known)
            raise ConfigError(
                f"there is no role {role!r}" + (f", {hint}" if hint else ""),
                next=f"use one of {', '.join(known)}, or name the role in policy.yaml first",
            )
