"""`aims document findings`: what an auditor would find in the management system, before the audit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import JSON, LEDGER, REGISTRY, opened
from aims_mlflow.cli.rule import no_rule
from aims_mlflow.cli.system import FOLDER, print_findings, require_system
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.management.findings.accepted import Acceptance
    from aims_mlflow.management.findings.rules import ManagementFinding
    from aims_mlflow.management.findings.state import ManagementState


@click.command("findings")
@click.option("--system", help="Only findings about this system.")
@click.option("--rule", help="Only findings of this rule, such as S1.")
@click.option("--drafts", is_flag=True, help="Judge the files of the folder as if they were published.")
@click.option("--seal", is_flag=True, help="Seal new findings in the ledger, and close there what is gone.")
@FOLDER
@LEDGER
@REGISTRY
@JSON
def findings_command(
    system: str | None, rule: str | None, drafts: bool, seal: bool, folder: Path | None, ledger: str | None,
    registry: str | None, as_json: bool,
) -> int:  # fmt: skip
    """List what an auditor would find in the documents of the management system, before the audit.

    Published documents are judged: those that the ledger sealed, else those of MLFLOW_TRACKING_URI. A file of the
    folder that nobody published is a finding of its own, and counts for nothing. Where no server is named, the files
    are judged as drafts. Each finding has the same id on every run. Exit status 1 if there is any that no risk accepts:
    an approved risk register names it in `findings` of an accepted risk, until the day in `accepted_until`. No finding
    is no conformity: these rules look at what they look at, and the auditor judges.
    """
    from aims_mlflow.management.findings.accepted import acceptances
    from aims_mlflow.management.findings.every import findings
    from aims_mlflow.management.findings.gathering import read_state
    from aims_mlflow.management.folder import find_folder, read_folder
    from aims_mlflow.registry.reading import ledger_address

    rule = _require_rule(rule) if rule is not None else None
    read = read_folder(find_folder(folder))
    opened_ledger = opened(ledger, registry, signing=seal) if seal or ledger_address(ledger, registry) else None
    if drafts and seal:
        raise ConfigError("drafts are no evidence: findings about them are not sealed", next="leave out --drafts")
    state = read_state(read, opened_ledger, drafts=drafts)
    if seal and state.inventory is None:
        raise ConfigError(
            "without a scan, findings of earlier scans would be closed unseen", next="aims system scan --write"
        )
    every = findings(state, datetime.now(UTC))
    known = [*state.systems, *(d.system for d in state.documents), *(f.system for f in every)]
    require_system(system, [*known, *(file.document.written.system for file in state.files)])
    if seal and opened_ledger is not None:
        from aims_mlflow.management.findings.sealing import seal_findings

        new, gone = seal_findings(opened_ledger, every)
        click.echo(f"{how_many(len(new), 'finding')} sealed as new, {len(gone)} as gone", err=True)
    chosen = [f for f in every if system in (None, f.system) and rule in (None, f.rule)]
    aside = acceptances(chosen, state, f"{datetime.now(UTC):%Y-%m-%d}")
    shown = [f for f in chosen if f not in [a.finding for a in aside]]
    _print(shown, aside, as_json)
    for sentence in _left_out(state, drafts=drafts):
        click.echo(sentence, err=True)
    for broken in read.unreadable:
        click.echo(f"{broken.path}: left out, it cannot be read as a document", err=True)
    return 1 if shown else 0


def _require_rule(name: str) -> str:
    """Return the id of a rule of findings.

    Raises:
        ConfigError: there is none, or it is a rule of lint alone.
    """
    from aims_mlflow.management.findings.rules import RULES
    from aims_mlflow.management.rules import rules

    wanted = name.upper()
    if wanted in RULES:
        return wanted
    if wanted in rules():
        raise ConfigError(f"{wanted} is a rule of lint", next="aims document lint")
    raise no_rule(name, RULES)


def draft_notice(state: ManagementState, *, drafts: bool) -> str | None:
    """Return what the files of a folder count where they were judged; None where the published documents were."""
    if drafts:
        return "the files were judged as if published (--drafts); what is published was not looked at"
    if state.published is None:
        return "the files of the folder were judged as drafts: no server was named that knows what is published"
    return None


def _left_out(state: ManagementState, *, drafts: bool) -> list[str]:
    """Return what was not judged, and why, one sentence each."""
    out = [f"not read: {what}" for what in state.unread]
    notice = draft_notice(state, drafts=drafts)
    out += [notice] if notice else []
    if state.deployed is None:
        out.append("no ledger was read: what is in use, and who signed sampled records, was not compared")
    silent = [d.id for d in state.documents if d.TEXT and d.id not in state.texts]
    if silent:
        some = how_many(len(silent), "document")
        out.append(f"of {some} only the fields were judged, as their words are not here: {silent[0]}")
    return out


def _print(shown: list[ManagementFinding], aside: list[Acceptance], as_json: bool) -> None:
    if as_json:
        accepted = [
            {**a.finding.plain(), "accepted": {"risk": a.risk, "by": a.by, "until": a.until, "reason": a.reason}}
            for a in aside
        ]
        click.echo(json.dumps({"findings": [f.plain() for f in shown], "accepted": accepted}, indent=2))
        return
    print_findings(shown)
    for each in aside:
        click.echo(f"{each.finding.of.id} {each.finding.control}: {each.finding.fact}\n  {each.sentence()}")
    majors = sum(f.of.grade == "major" for f in shown)
    more = f"; {len(aside)} accepted until a day" if aside else ""
    click.echo(f"{how_many(len(shown), 'finding')}, {majors} major{more}")
