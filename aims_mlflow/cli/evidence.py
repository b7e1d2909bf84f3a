"""`aims evidence list|show|verify`: on a run, a model version, or a folder; and `erase`, on the ledger."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.cli.erase import erase
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.run_source import Source, keys_option, open_source
from aims_mlflow.evidence.verify import Problem

if TYPE_CHECKING:
    from aims_mlflow.evidence.statement import SealedRecord


@click.group()
def group() -> None:
    """List, show and verify the evidence of a run, a model or a folder; erase what stands beside a leaf.

    TARGET is a run id, runs:/ID, models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-ID, or a folder that
    holds a downloaded `aims` directory.
    """


group.add_command(erase)


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
@keys_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(target: str, keys: tuple[str, ...], as_json: bool) -> None:
    """List the records of TARGET, one on each line."""
    source = open_source(target, keys)
    rows = [_row(r) for s in source.sessions for r in s.records]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        raise EvidenceError("no evidence is here", where=target, next="train with @aims.trains, or name another run")
    for row in rows:
        controls = ", ".join(row["controls"])
        click.echo(f"{row['id']}  {row['result']:<13} {row['kind']:<20} {row['time'][:19]}Z  {controls}")


@group.command()
@click.argument("target")
@click.argument("record_id", required=False)
@keys_option
@click.option("--json", "as_json", is_flag=True, help="Print the statement as JSON.")
def show(target: str, record_id: str | None, keys: tuple[str, ...], as_json: bool) -> None:
    """Show one record of TARGET, or all of them; RECORD_ID may be cut short."""
    source = open_source(target, keys)
    records = [r for s in source.sessions for r in s.records]
    chosen = [r for r in records if record_id is None or r.id.startswith(record_id)]
    if not chosen:
        raise EvidenceError(
            f"no record {record_id!r} is here" if record_id else "no evidence is here",
            where=target,
            next=f"`aims evidence list {target}` shows them",
        )
    if as_json:
        click.echo(json.dumps([json.loads(r.envelope.payload) for r in chosen], indent=2))
        return
    for record in chosen:
        _print_record(record)


def _print_record(record: SealedRecord) -> None:
    body = record.evidence
    click.secho(f"{body.kind}: {body.result.replace('_', ' ')}", bold=True)
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
        limit = f", limit {claim.comparator} {claim.limit}" if claim.limit is not None else ""
        state = {True: "passed", False: "failed", None: ""}[claim.passed]
        interval = f" ({claim.interval.low} to {claim.interval.high})" if claim.interval else ""
        n = f", n={claim.n:,}" if claim.n is not None else ""
        name = f"{claim.metric} [{where}]" if where else claim.metric
        click.echo(f"    {name} = {claim.value or 'undefined'}{interval}{n}{limit} {state}".rstrip())
    for artifact in body.artifacts:
        click.echo(f"  file {artifact.path} ({artifact.size:,} bytes, sha256 {artifact.sha256})")
    click.echo("")


@group.command()
@click.argument("target")
@keys_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(target: str, keys: tuple[str, ...], as_json: bool) -> int:
    """Verify every record of TARGET: signatures, chain, manifest, files, and the model's bytes.

    Keys are those of the policy folder's keyring, of this account, and of --key FILE (repeatable).
    Exit status 1 when anything does not verify.
    """
    source = open_source(target, keys)
    problems = [p for s in source.sessions for p in s.problems] + file_problems(source) + model_problems(source)
    records = sum(len(s.records) for s in source.sessions)
    if not source.sessions:
        problems.append(Problem(target, "no evidence is here", "nothing can be verified"))
    if as_json:
        out = {
            "target": target,
            "verified": not problems,
            "sessions": len(source.sessions),
            "records": records,
            "problems": [vars(p) for p in problems],
        }
        click.echo(json.dumps(out, indent=2))
    else:
        for problem in problems:
            click.secho("✗ ", fg="red", nl=False)
            click.echo(problem.sentence())
        if not problems:
            click.secho("✓ ", fg="green", nl=False)
            signers = sorted({o for s in source.sessions for o in s.owners.values()})
            click.echo(f"{records} records in {len(source.sessions)} sessions verify; signed by {', '.join(signers)}.")
            click.echo("  " + source.model_line)
    return 1 if problems else 0


def file_problems(source: Source) -> list[Problem]:
    """Return what is wrong with the files that the records name."""
    out = []
    for session in source.sessions:
        for record in session.records:
            for artifact in record.evidence.artifacts:
                content = source.file(artifact.path)
                who = f"{artifact.path} of {record.evidence.kind} {record.id}"
                if content is None:
                    out.append(Problem(who, "the file is missing", "it was deleted after the record was signed"))
                elif sha256_hex(content) != artifact.sha256:
                    out.append(Problem(who, "the file's content changed", "it is not what the record was signed over"))
    return out + copy_problems(source) + source.page_problems()


def copy_problems(source: Source) -> list[Problem]:
    """Return which documents where people look (aims/model_card.md, ...) are not copies of signed ones."""
    signed: dict[str, set[str]] = {}
    for session in source.sessions:
        for record in session.records:
            if record.evidence.kind in ("model-card", "datasheet"):
                for artifact in record.evidence.artifacts:
                    signed.setdefault(f"aims/{PurePosixPath(artifact.path).name}", set()).add(artifact.sha256)
    out = []
    for path, digests in signed.items():
        content = source.file(path)
        if content is not None and sha256_hex(content) not in digests:
            out.append(Problem(path, "the document's content changed", "it is not the one that was signed"))
    return out


def model_problems(source: Source) -> list[Problem]:
    """Return what is wrong between the model's bytes and the records about it."""
    if source.model_digest is None:
        return []
    about = [r for s in source.sessions for r in s.records if r.has_subject(source.model_digest)]
    if about:
        source.model_line = f"The model's bytes are those of {len(about)} records (dirHash1 {source.model_digest})."
        return []
    what = f"no record is about these bytes (dirHash1 {source.model_digest})"
    return [Problem(source.name, what, "the model was changed after its evidence was signed, or never had any")]
