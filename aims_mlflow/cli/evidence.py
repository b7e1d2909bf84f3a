"""`aims evidence list|show|controls` for a run, a model version or a folder; `erase` for the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.cli.erase import erase
from aims_mlflow.cli.evidence_controls import controls
from aims_mlflow.cli.options import KEYS
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.evidence.trust import trusted_keys
from aims_mlflow.records.differences import exact_texts
from aims_mlflow.records.result_words import result_word
from aims_mlflow.records.wording import against_text, interval_name, limit_text, rows_text, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.evidence.statement import SealedRecord


@click.group()
def group() -> None:
    """Show the evidence of a run, a model or a folder, and the states of controls; erase a body or a record.

    `aims verify` checks it.

    TARGET is a run id, runs:/ID, models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-ID, or a folder that
    holds a downloaded `aims` directory.
    """


group.add_command(erase)
group.add_command(controls)


def _row(record: SealedRecord) -> dict[str, Any]:
    body = record.evidence
    return {
        "id": body.id,
        "session": body.session,
        "kind": body.kind,
        "result": body.result,
        "time": body.time,
        "controls": list(body.controls),
        "reason": body.reason,
        "sha256": record.sha256,
        "key_id": body.key_id,
    }


@group.command("list")
@click.argument("target")
@KEYS
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(target: str, keys: tuple[str, ...], as_json: bool) -> None:
    """List the records of TARGET, one on each line."""
    source = open_source(target, trusted_keys(keys))
    records = [r for s in source.sessions for r in s.records]
    rows = [_row(r) for r in records]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        raise EvidenceError("no evidence is here", where=target, next="train with @aims.trains, or name another run")
    for record, row in zip(records, rows, strict=True):
        word = result_word(record.evidence.kind, record.evidence.result, len(record.evidence.claims))
        controls = ", ".join(row["controls"])
        click.echo(f"{row['id']}  {word:<14} {row['kind']:<20} {row['time'][:19]}Z  {controls}")


@group.command()
@click.argument("target")
@click.argument("record_id", required=False)
@KEYS
@click.option("--json", "as_json", is_flag=True, help="Print the statement as JSON.")
def show(target: str, record_id: str | None, keys: tuple[str, ...], as_json: bool) -> None:
    """Show one record of TARGET, or all of them; RECORD_ID may be abbreviated."""
    source = open_source(target, trusted_keys(keys))
    records = [r for s in source.sessions for r in s.records]
    chosen = [r for r in records if record_id is None or r.id.startswith(record_id)]
    if not chosen:
        raise EvidenceError(
            f"no record {record_id!r} is here" if record_id else "no evidence is here",
            where=target,
            next=f"`aims evidence list {target}` shows them",
        )
    if record_id and len(chosen) > 1:
        raise ConfigError(
            f"{record_id!r} begins the ids of {len(chosen):,} records",
            where=target,
            next=f"give more letters of one; `aims evidence list {target}` shows them",
        )
    if as_json:
        click.echo(json.dumps([json.loads(r.envelope.payload) for r in chosen], indent=2))
        return
    for record in chosen:
        _print_record(record)


def _described(name: str, value: Any) -> Iterator[str]:
    """Yield the details of a record, one value on each line with its dotted name; a list of plain values on one."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _described(f"{name}.{key}" if name else str(key), part)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for i, part in enumerate(value):
            yield from _described(f"{name}.{i}", part)
    elif name:
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        yield f"{name}: {'none' if text in (None, '', {}) else text}"


def _print_record(record: SealedRecord) -> None:
    body = record.evidence
    click.secho(f"{body.kind}: {result_word(body.kind, body.result, len(body.claims))}", bold=True)
    click.echo(f"  record {body.id}, session {body.session}")
    click.echo(f"  signed {body.time} by {body.actor}, key {body.key_id}")
    if body.reason:
        click.echo(f"  reason: {body.reason}")
    if body.controls:
        click.echo(f"  controls: {', '.join(body.controls)}")
    for subject in record.subjects[:10]:
        click.echo(f"  about {subject.name}: " + ", ".join(f"{k} {v}" for k, v in subject.digest.items()))
    for claim in body.claims:
        where = ", ".join(f"{k}={v}" for k, v in claim.slice.items())
        limit = f", {limit_text(claim)}" if claim.limit is not None else ""
        state = verdict_word(claim)
        against = f" {against_text(claim)}" if against_text(claim) else ""
        value, low, high = exact_texts(claim)
        interval = f" ({low} to {high}), {interval_name(claim.interval)}" if claim.interval else ""
        n = f", {rows_text(claim)}" if claim.n is not None else ""
        name = f"{claim.metric} [{where}]" if where else claim.metric
        click.echo(f"    {name} = {value or 'undefined'}{against}{interval}{n}{limit} {state}".rstrip())
        if claim.note:
            click.echo(f"      {claim.note}")
    for line in _described("", body.details):
        click.echo(f"    {line}")
    for artifact in body.artifacts:
        click.echo(f"  file {artifact.path} ({artifact.size:,} bytes, sha256 {artifact.sha256})")
    click.echo("")
