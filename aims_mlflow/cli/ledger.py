"""`aims ledger`: checkpoints, proofs, verification, watching, and evidence from ungated runs."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.cli.gate_ledger import progress, progress_done
from aims_mlflow.cli.ledger_sample import sample_command
from aims_mlflow.cli.options import (
    FILE,
    JSON,
    LEDGER,
    REGISTRY,
    ROOT,
    SINCE,
    STAMP_ROOT,
    AuditorInputs,
    auditor_inputs,
    opened,
)
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.audit.report import Report
    from aims_mlflow.ledger.checkpoint import Checkpoint


@click.group()
def group() -> None:
    """Checkpoint, prove, verify and watch a ledger; add evidence from ungated runs, and an auditor's sample."""


group.add_command(sample_command)


@group.command()
@click.option("--out", type=FILE, help="Also write the checkpoint to this file.")
@click.option("--accept", is_flag=True, help="Sign also over leaves that were written past the log, once you looked.")
@LEDGER
@REGISTRY
@JSON
def checkpoint(out: Path | None, accept: bool, ledger: str | None, registry: str | None, as_json: bool) -> int:
    """Sign a checkpoint over all leaves, unless it exists, and deliver queued checkpoints to the anchors.

    Needs the log's key (AIMS_LOG_KEY). A key in a file signs with each append: leaves without a checkpoint were written
    by others, and are signed with --accept only. Exit status 1 when a delivery is late. Suitable for a schedule.
    """
    found = opened(ledger, registry, signing=True)
    made = found.proofs.make(accept=accept)
    head = made or found.proofs.newest()
    if head is None:
        raise EvidenceError("the ledger has no leaf yet, so there is nothing to sign")
    found.proofs.deliverer.deliver_due()
    late = found.proofs.late()
    if out is not None:
        out.write_text(head.text, encoding="utf-8")
    if as_json:
        shown = {**_head(head), "new": made is not None, "late": [vars(each) for each in late]}
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(head.text, nl=False)
        for each in late:
            click.secho(each.sentence(), fg="yellow", err=True)
    return 1 if late else 0


def _head(head: Checkpoint) -> dict[str, Any]:
    return {"origin": head.origin, "size": head.size, "root": head.root.hex(), "checkpoint": head.text}


@group.command()
@click.argument("leaf")
@click.option("--checkpoint", "file", type=FILE, help="The checkpoint to prove it against; the newest by default.")
@LEDGER
@REGISTRY
@JSON
def prove(leaf: str, file: Path | None, ledger: str | None, registry: str | None, as_json: bool) -> int:
    """Prove that LEAF (a leaf's number, or a request's id) is in the ledger below a checkpoint.

    With --json the proof is complete: leaf, path and checkpoint, for any verifier of RFC 6962 logs.
    """
    from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint

    found = opened(ledger, registry)
    head = read_outside_checkpoint(file).head if file is not None else found.proofs.newest()
    named = found.leaves(start=int(leaf)) if leaf.isdecimal() else found.leaves(request=leaf)
    rows = []
    for each in named:
        if leaf.isdecimal() and each.sequence != int(leaf):
            break
        proof = found.proofs.inclusion(each.sequence, head)
        rows.append((each, proof))
        if leaf.isdecimal():
            break
    if not rows:
        raise EvidenceError(f"the ledger has no leaf {leaf}", next="`aims gate history MODEL --json` shows request ids")
    if as_json:
        shown = [
            {
                "sequence": each.sequence,
                "leaf": base64.b64encode(each.data).decode(),
                "leaf_hash": proof.leaf_hash.hex(),
                "path": [step.hex() for step in proof.path],
                "proved": proof.holds(),
                **_head(proof.checkpoint),
            }
            for each, proof in rows
        ]
        click.echo(json.dumps({"proofs": shown}, indent=2))
    for each, proof in () if as_json else rows:
        about = f" of {name}" if (name := each.content.get("model_name")) else ""
        state = "is proved" if proof.holds() else "is NOT proved"
        over = f"the checkpoint over {proof.checkpoint.size:,} leaves of {proof.checkpoint.origin}"
        click.echo(f"leaf {each.sequence} ({each.content['type']}{about}) {state} below {over}")
    return 0 if all(proof.holds() for _, proof in rows) else 1


@group.command()
@SINCE
@ROOT
@STAMP_ROOT
@LEDGER
@REGISTRY
@JSON
def verify(
    since: tuple[Path, ...],
    roots: tuple[str, ...],
    stamps: tuple[Path, ...],
    ledger: str | None,
    registry: str | None,
    as_json: bool,
) -> int:
    """Verify the whole ledger; with --since, also against an earlier checkpoint of yours.

    A change since that checkpoint is named: rewritten, deleted, reordered, truncated, inserted late. In an anchor's
    folder, which has the leaves' hashes, each changed leaf is named. Exit status 1 if there is any problem.
    """
    from aims_mlflow.cli.reporting import show

    return show(whole(auditor_inputs(since, roots, stamps), ledger, registry), as_json=as_json)


def whole(brought: AuditorInputs, ledger: str | None, registry: str | None) -> Report:
    """Verify the whole ledger and return the report."""
    from aims_mlflow.audit.whole_ledger import verify_ledger

    found = opened(ledger, registry)
    tick = progress("verifying leaf")
    report = verify_ledger(
        found,
        f"ledger {_plain(found.uri)}",
        outside=brought.checkpoints,
        root=brought.roots,
        stamp_roots=brought.stamp_roots,
        tick=lambda count: tick(f"{count:,}"),
    )
    progress_done()
    return report


def _plain(uri: str) -> str:
    from sqlalchemy.engine import make_url

    shown: str = make_url(uri).render_as_string(hide_password=True)
    return shown


@group.command()
@click.option("--state", type=FILE, help="File with the last checkpoint, which the next watch must extend.")
@LEDGER
@REGISTRY
@JSON
def watch(state: Path | None, ledger: str | None, registry: str | None, as_json: bool) -> int:
    """Detect late deliveries, leaves without a checkpoint, and a head that does not extend the previous one.

    With --state FILE the newest checkpoint must extend the one in the file, and then replaces it. Only a few rows are
    read, so that it can run every minute. Exit status 1 if there is any problem.
    """
    from aims_mlflow.audit.watch import look

    found = opened(ledger, registry)
    seen = look(found, state)
    if as_json:
        shown = {**(_head(seen.head) if seen.head else {}), "leaves": seen.leaves, "findings": seen.findings}
        click.echo(json.dumps(shown, indent=2))
    else:
        for finding in seen.findings:
            click.secho(f"✗ {finding}", fg="red")
        over = f"checkpoint over {seen.head.size:,}" if seen.head else "no checkpoint"
        click.echo(f"{seen.leaves:,} leaves, {over}" + (f", continues {seen.before:,}" if seen.before else ""))
    return 1 if seen.findings else 0


@group.command()
@click.argument("target")
@click.option("--reason", required=True, help="Reason for adding ungated evidence.")
@LEDGER
@REGISTRY
@JSON
def ingest(target: str, reason: str, ledger: str | None, registry: str | None, as_json: bool) -> int:
    """Seal the evidence of TARGET, an ungated run or model, or a folder with sessions.

    Each whole session becomes one leaf that names its envelopes. Exit status 1 when a session does not verify by the
    keyring in force: nothing is then sealed.
    """
    from aims_mlflow.evidence.run_source import open_source
    from aims_mlflow.lifecycle.ingest import ingest as take_in
    from aims_mlflow.lifecycle.ingest import keyring_now

    if not reason.strip():
        raise ConfigError("evidence that is added past a gate needs a reason", next="--reason 'why'")
    found = opened(ledger, registry, signing=True)
    source = open_source(target, keyring_now(found).find)
    done = take_in(found, source.sessions, target, reason)
    if as_json:
        click.echo(json.dumps({"sealed": done.sealed, "known": done.known}, indent=2))
        return 0
    for session, sequence in done.sealed.items():
        click.echo(f"session {session} is leaf {sequence}")
    click.echo(f"{how_many(len(done.sealed), 'session')} sealed, {len(done.known)} were there already")
    return 0
