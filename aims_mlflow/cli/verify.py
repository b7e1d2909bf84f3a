"""`aims verify`: verify a run, a model version, a folder, a ledger or a bundle in the same steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.ledger import whole
from aims_mlflow.cli.options import (
    JSON,
    KEYS,
    LEDGER,
    OWN_KEYRING,
    REGISTRY,
    ROOT,
    SINCE,
    STAMP_ROOT,
    AuditorInputs,
    auditor_inputs,
    opened,
)
from aims_mlflow.cli.reporting import show
from aims_mlflow.errors import AimsError, ConfigError, EvidenceError

if TYPE_CHECKING:
    from aims_mlflow.audit.model import ModelCheck
    from aims_mlflow.audit.report import Report

REQUIRED = (
    "which evidence is required was not looked at: the policy says it for a change of a version, "
    "`aims verify models:/NAME/VERSION`"
)
DATABASES = ("sqlite:", "postgresql:", "postgresql+")


@click.command()
@click.argument("target")
@click.option(
    "--at-load", is_flag=True, help="For deployers: compare the version's files, seals and alias with the ledger."
)
@KEYS
@SINCE
@ROOT
@STAMP_ROOT
@LEDGER
@REGISTRY
@JSON
def command(
    target: str,
    at_load: bool,
    keys: tuple[str, ...],
    since: tuple[Path, ...],
    roots: tuple[str, ...],
    stamps: tuple[Path, ...],
    ledger: str | None,
    registry: str | None,
    as_json: bool,
) -> int:
    """Verify TARGET: keyring, envelopes, subject bytes, inclusion, checkpoint, time stamp, completeness.

    TARGET is a run (runs:/ID), a model version (models:/NAME/VERSION or @ALIAS), a folder with a downloaded `aims`
    directory, `ledger`, a ledger's database, or a bundle's file.

    A run, a version or a folder is compared with the ledger that --ledger, --registry or the environment names; keys
    are then those of the keyring that the ledger says was in force. Where nothing names a ledger, the evidence is
    verified by itself: keys are those of the policy folder's keyring, of this account, and of --key FILE.

    With --since FILE the ledger must extend your earlier checkpoint. Where no --root or AIMS_KEYRING_ROOT names the
    root of the keyring, the result is "verified as of an unpinned root". Exit status 1 if there is any problem.
    """
    whole_ledger = target == "ledger" or target.startswith(DATABASES)
    is_bundle = not whole_ledger and Path(target).is_file()
    if at_load and (whole_ledger or is_bundle):
        raise ConfigError("--at-load is about a model version", next="use models:/NAME/VERSION")
    if keys and (whole_ledger or is_bundle):
        raise ConfigError("--key is about evidence without a ledger", next="leave it out")
    brought = auditor_inputs(since, roots, stamps)
    if is_bundle:
        from aims_mlflow.cli.bundle import check

        return show(check(Path(target), brought), as_json=as_json)
    if whole_ledger:
        named = ledger if target == "ledger" else target
        return show(whole(brought, named, registry), as_json=as_json)
    if at_load or since or roots or stamps or _names_ledger(ledger, registry):
        if keys:
            raise ConfigError(OWN_KEYRING, next="leave out --key")
        return show(_against_ledger(target, brought, ledger, registry, at_load=at_load), as_json=as_json)
    return show(_by_itself(target, keys), as_json=as_json)


def _names_ledger(ledger: str | None, registry: str | None) -> bool:
    from aims_mlflow.registry.reading import ledger_address

    return ledger_address(ledger, registry) is not None


def _by_itself(target: str, keys: tuple[str, ...]) -> Report:
    from aims_mlflow.audit.run_files import verify_evidence
    from aims_mlflow.evidence.run_source import open_source
    from aims_mlflow.evidence.trust import trusted_keys

    return verify_evidence(open_source(target, trusted_keys(keys)))


def _against_ledger(
    target: str, brought: AuditorInputs, ledger: str | None, registry: str | None, *, at_load: bool
) -> Report:
    from aims_mlflow.audit.model import ModelCheck

    check = ModelCheck(opened(ledger, registry), target, brought.roots)
    check.checkpoint(brought.checkpoints, brought.stamp_roots)
    if at_load:
        _at_load(check, target)
    else:
        _evidence(check, target)
    check.in_force()
    return check.report


def _evidence(check: ModelCheck, target: str) -> None:
    from aims_mlflow.evidence.run_source import open_source
    from aims_mlflow.registry.workspaces import ledger_name

    source = open_source(target, check.history.known)
    check.evidence(source)
    located = source.located
    if located is not None and located.name is not None and located.version is not None:
        check.version(ledger_name(located.name), located.version, _digests_of(located.name, located.version))
    else:
        check.report["completeness"].skipped.append(REQUIRED)


def _at_load(check: ModelCheck, target: str) -> None:
    from aims_mlflow.evidence import tracking
    from aims_mlflow.registry.workspaces import ledger_name

    located = tracking.resolve(target)
    if located.name is None or located.version is None:
        raise ConfigError(f"{target} is no registered version", next="use models:/NAME/VERSION or models:/NAME@ALIAS")
    alias = target.rpartition("@")[2] if "@" in target else None
    check.at_load(ledger_name(located.name), located.version, _digests_of(located.name, located.version), alias)


def _digests_of(name: str, version: str) -> list[str | None]:
    """Return the digest of a version's files as a user loads them, and of those that the registry's row names.

    A gated server answers where the files lie that it let in. Who reads the registry's database loads what the row
    names, which somebody may have changed there.
    """
    from aims_mlflow.registry.reading import named_elsewhere

    places = [f"models:/{name}/{version}", *named_elsewhere(name, version)]
    return [_digest_of(place, f"version {version} of {name}") for place in places]


def _digest_of(place: str, what: str) -> str | None:
    """Return the digest of the files in one place; None if they are unreadable or not a model."""
    from aims_mlflow.evidence import tracking
    from aims_mlflow.evidence.digests import model_digest

    try:
        with tracking.downloaded(place, what) as folder:
            return model_digest(folder)
    except EvidenceError:
        return None
    except AimsError as exc:
        click.secho(exc.sentence(), fg="yellow", err=True)
        return None
