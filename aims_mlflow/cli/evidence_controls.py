"""`aims evidence controls`: the state of each control by the evidence of a run, a model version or a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.catalog.loader import require_control
from aims_mlflow.cli.options import KEYS, LEDGER, OWN_KEYRING, REGISTRY, opened
from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.evidence.run_source import EvidenceSource
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.gates.status_subject import StatusSubject

NO_LEDGER = (
    "no ledger is named (--ledger, --registry, AIMS_LEDGER_URI): decisions, approvals and waivers are not known here"
)


@click.command("controls")
@click.argument("target")
@click.argument("control", required=False)
@KEYS
@LEDGER
@REGISTRY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def controls(
    target: str, control: str | None, keys: tuple[str, ...], ledger: str | None, registry: str | None, as_json: bool
) -> None:
    """Show the state of each control and clause for TARGET, or the conditions of one CONTROL.

    For a version (models:/NAME/VERSION or @ALIAS) whose ledger --ledger, --registry or the environment names, limits
    and approvals are judged by the policy and keyring of its decision, as in a bundle. Elsewhere no policy is here to
    judge them: what needs one is "captured" at best. Published documents are read from the ledger, else from MLflow.
    Met means that the conditions on the evidence hold; conformity is the auditor's judgement.
    """
    from aims_mlflow.gates.control_status import control_status, control_statuses

    wanted, now = require_control(control) if control else None, datetime.now(UTC)
    subject = judged_subject(target, keys, ledger, registry)
    found = [control_status(wanted, subject, now)] if wanted else control_statuses(subject, now, with_clauses=True)
    if as_json:
        click.echo(json.dumps([_row(status) for status in found], indent=2))
    elif wanted:
        _print_conditions(found[0])
    else:
        _print_states(found)


def judged_subject(target: str, keys: tuple[str, ...], ledger: str | None, registry: str | None) -> StatusSubject:
    """Return the subject with all that is known here; says on stderr what is not, where a version was named."""
    from aims_mlflow.audit.model import ModelCheck
    from aims_mlflow.audit.view import LedgerView
    from aims_mlflow.evidence.run_source import open_source
    from aims_mlflow.evidence.trust import trusted_keys
    from aims_mlflow.pages.judging import (
        authority_on,
        leaves_about,
        shelf_in,
        with_decisions,
        with_documents,
        with_ingested,
    )
    from aims_mlflow.registry.reading import ledger_address
    from aims_mlflow.registry.workspaces import ledger_name

    if ledger_address(ledger, registry) is None:
        source = open_source(target, trusted_keys(keys))
        if source.located is not None and source.located.name is not None:
            click.echo(NO_LEDGER, err=True)
        alias = (target.rpartition("@")[2],) if "@" in target else ()
        subject = replace(_subject(source), aliases=alias)
        return _with_published(subject) if source.located is not None else subject
    if keys:
        raise ConfigError(OWN_KEYRING, next="leave out --key")
    check = ModelCheck(opened(ledger, registry), target, None)
    source = open_source(target, check.history.known)
    name = ledger_name(source.located.name) if source.located is not None and source.located.name else None
    view = LedgerView(check.ledger)
    authority = authority_on(view, name or "", datetime.now(UTC))
    subject = _subject(source, lambda r: authority.why_no_evidence(r, authority.force.training))
    leaves = leaves_about(view, name, subject.digest) if name else None
    if leaves:
        subject = with_ingested(with_decisions(subject, view, leaves), view, leaves, check.history)
    now = datetime.now(UTC)
    return with_documents(subject, shelf_in(view, now), now)


def _with_published(subject: StatusSubject) -> StatusSubject:
    """Return the subject with the published documents of the tracking server and the keyring that judges approvals."""
    from aims_mlflow.management.library import read_library
    from aims_mlflow.management.surroundings import local_keyring

    library = read_library()
    if library.broken:
        click.echo(
            f"sessions about documents that do not verify, and count for nothing: {len(library.broken)}", err=True
        )
    shelf, today = library.shelf, datetime.now(UTC).strftime("%Y-%m-%d")
    return replace(subject, documents=shelf.documents(today), approvals=shelf.approvals, keyring=local_keyring())


def _subject(source: EvidenceSource, why_not: Callable[[SealedRecord], str | None] = lambda _: None) -> StatusSubject:
    """Return what the evidence is about: the model that was named, or the newest one that a training record names.

    `why_not` says why a signature does not count.
    """
    from aims_mlflow.gates.counting_evidence import newest
    from aims_mlflow.gates.replay import TRAIN_AGAIN
    from aims_mlflow.gates.status_subject import StatusSubject

    sessions = tuple(s.counting(why_not, TRAIN_AGAIN) for s in source.sessions)
    records = [r for s in sessions for r in s.records]
    trained = newest([r for r in records if r.evidence.kind == "training-provenance"])
    digests = [d for s in (trained.subjects if trained else ()) for n, d in s.digest.items() if n == "dirHash1"]
    system = next((r.evidence.system for r in reversed(records) if r.evidence.system), None)
    digest = source.model_digest or next(iter(digests), None)
    return StatusSubject(system, digest=digest, sessions=sessions)


def _row(status: ControlStatus) -> dict[str, Any]:
    return {
        "control": status.control.id,
        "title": status.control.title,
        "state": status.state,
        "reason": status.reason,
        "since": status.since,
        "ends": status.next_time,
        "what_ends": status.next_change or None,
        "conditions": [
            {
                "id": c.condition.id,
                "holds_if": c.condition.holds,
                "outcome": c.verdict.outcome,
                "sentence": c.verdict.sentence,
                "basis": c.verdict.basis,
                "owed_by": c.condition.owed_by,
                "evidence": list(c.verdict.evidence),
            }
            for c in status.conditions
        ],
    }


def _print_states(found: list[ControlStatus]) -> None:
    from aims_mlflow.documents.terminal import SYMBOLS
    from aims_mlflow.gates.control_coverage import ControlCoverage

    for status in found:
        click.echo(f"{SYMBOLS[status.state]:<2} {status.control.id:<8} {status.state:<18} {status.reason}")
    annex = [s for s in found if s.control.id.startswith("A.")]
    click.echo(f"\n{ControlCoverage.of(annex).sentence()}; conformity is the auditor's judgement")


def _print_conditions(status: ControlStatus) -> None:
    from aims_mlflow.documents.terminal import MARKS, SYMBOLS
    from aims_mlflow.gates.waivers import last_day

    click.secho(f"{status.control.id} {status.control.title}: {SYMBOLS[status.state]} {status.state}", bold=True)
    click.echo(f"  an auditor asks: {status.control.auditor_asks}")
    if not status.conditions:
        click.echo(f"  {status.reason}")
    for c in status.conditions:
        click.echo(f"  {MARKS[c.verdict.outcome]} {c.verdict.outcome}: {c.condition.holds}")
        click.echo(f"      {c.verdict.sentence}")
        for warning in c.verdict.warnings:
            click.echo(f"      warning: {warning}")
        if c.verdict.outcome in ("missing", "stale", "not evaluated"):
            click.echo(f"      owed by {c.condition.owed_by}")
    if status.next_time:
        click.echo(f"  next to end: {status.next_change}, {last_day(status.next_time)}")
