"""`aims verify`: a run, a model version, a ledger or a bundle, in one order of steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.gate_ledger import JSON, LEDGER, REGISTRY
from aims_mlflow.cli.ledger import ROOT, SINCE, STAMP_ROOT, opened, pinned, read_file, whole
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
    "--at-load", is_flag=True, help="For deployers: the version's bytes, seals and alias, against the ledger."
)
@SINCE
@ROOT
@STAMP_ROOT
@LEDGER
@REGISTRY
@JSON
def command(
    target: str,
    at_load: bool,
    since: tuple[Path, ...],
    roots: tuple[str, ...],
    stamps: tuple[Path, ...],
    ledger: str | None,
    registry: str | None,
    as_json: bool,
) -> int:
    """Verify TARGET: keyring, envelopes, subject bytes, inclusion, checkpoint, time stamp, completeness.

    TARGET is a run (runs:/ID), a model version (models:/NAME/VERSION or @ALIAS), `ledger`, a ledger's database, or a
    bundle's file. Keys
    are those of the keyring that the ledger says was in force. With --since FILE the ledger must continue a checkpoint
    that you hold. Exit status 1 when anything is wrong.
    """
    whole_ledger = target == "ledger" or target.startswith(DATABASES)
    is_bundle = not whole_ledger and Path(target).is_file()
    if at_load and (whole_ledger or is_bundle):
        raise ConfigError("--at-load is about a model version", next="use models:/NAME/VERSION")
    if is_bundle:
        from aims_mlflow.cli.bundle import check

        return show(check(Path(target), since, roots, stamps), as_json=as_json)
    if whole_ledger:
        named = ledger if target == "ledger" else target
        return show(whole(since, roots, stamps, named, registry), as_json=as_json)
    return show(_model(target, at_load, since, roots, stamps, ledger, registry), as_json=as_json)


def _model(
    target: str,
    at_load: bool,
    since: tuple[Path, ...],
    roots: tuple[str, ...],
    stamps: tuple[Path, ...],
    ledger: str | None,
    registry: str | None,
) -> Report:
    from aims_mlflow.audit.model import ModelCheck
    from aims_mlflow.audit.outside_checkpoint import read_held

    check = ModelCheck(opened(ledger, registry), target, pinned(roots))
    check.checkpoint([read_held(path) for path in since], [read_file(path) for path in stamps])
    if at_load:
        _at_load(check, target)
    else:
        _evidence(check, target)
    check.in_force()
    return check.report


def _evidence(check: ModelCheck, target: str) -> None:
    from aims_mlflow.cli.evidence import file_problems, model_problems
    from aims_mlflow.evidence.run_source import open_source

    source = open_source(target, (), check.history.known)
    check.sessions(source.sessions, file_problems(source), model_problems(source))
    check.sealed(source.sessions)
    found = source.found
    if found is not None and found.name is not None and found.version is not None:
        check.version(found.name, found.version, _digest_of(found.name, found.version))
    else:
        check.report["completeness"].skipped.append(REQUIRED)


def _at_load(check: ModelCheck, target: str) -> None:
    from aims_mlflow.evidence import tracking

    found = tracking.resolve(target)
    if found.name is None or found.version is None:
        raise ConfigError(f"{target} is no registered version", next="use models:/NAME/VERSION or models:/NAME@ALIAS")
    alias = target.rpartition("@")[2] if "@" in target else None
    check.at_load(found.name, found.version, _digest_of(found.name, found.version), alias)


def _digest_of(name: str, version: str) -> str | None:
    """Return the digest of what whoever loads a version gets; None where its files are no model or cannot be read."""
    from aims_mlflow.evidence import tracking
    from aims_mlflow.evidence.digests import model_digest

    try:
        with tracking.downloaded(f"models:/{name}/{version}", f"version {version} of {name}") as folder:
            return model_digest(folder)
    except EvidenceError:
        return None
    except AimsError as exc:
        click.secho(exc.sentence(), fg="yellow", err=True)
        return None
