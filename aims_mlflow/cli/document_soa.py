"""`aims document soa` and `aims document coverage`: the statement of applicability, and other frameworks beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.cli.document_findings import draft_notice
from aims_mlflow.cli.options import FILE, JSON, LEDGER, REGISTRY, opened
from aims_mlflow.cli.system import FOLDER
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aims_mlflow.gates.combined_status import ControlStatus
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import ApplicabilityDocument

FORMATS = ("html", "md", "csv", "xlsx")
EVIDENCE = click.option(
    "--evidence",
    multiple=True,
    metavar="TARGET",
    help="A run, a model version or a folder whose control states stand in the statement; repeatable.",
)


@click.command("soa")
@click.argument("statement", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), help="By the ending of --output, else md.")
@click.option("--output", type=FILE, help="The file to write; printed by default.")
@click.option("--compare", "earlier", type=FILE, metavar="FILE", help="Show what changed since this earlier version.")
@click.option("--drafts", is_flag=True, help="Take the files of the folder, whatever is published.")
@EVIDENCE
@FOLDER
@LEDGER
@REGISTRY
def soa_command(
    statement: str | None, form: str | None, output: Path | None, earlier: Path | None, drafts: bool,
    evidence: tuple[str, ...], folder: Path | None, ledger: str | None, registry: str | None,
) -> int:  # fmt: skip
    """Render the statement of applicability (its id, or the newest one) with computed states beside each decision.

    The published statement is rendered, beside published documents: those that the ledger sealed, else those of
    MLFLOW_TRACKING_URI. Where no server is named, and with --drafts, it is a draft, and says so. Something speaks
    against a decision where the register, a risk or the computed state contradicts it: exit status 1.
    """
    from aims_mlflow.management.applicability.formats import rendered
    from aims_mlflow.management.applicability.statement import NOT_ASSESSED, computed_statement, newest_statement
    from aims_mlflow.management.findings.gathering import read_state
    from aims_mlflow.management.folder import find_folder, read_folder
    from aims_mlflow.registry.reading import ledger_address

    read = read_folder(find_folder(folder))
    named = opened(ledger, registry) if not drafts and ledger_address(ledger, registry) else None
    state = read_state(read, named, drafts=drafts)
    written = newest_statement(state, statement)
    if earlier is not None:
        return _print_changes(_earlier(earlier), written)
    now = datetime.now(UTC)
    whole = computed_statement(
        written, state, _states(state, evidence, now, ledger, registry), now.strftime("%Y-%m-%dT%H:%M:%S")
    )
    content = rendered(whole, form or (output.suffix.lstrip(".").lower() if output else "md"))
    if output is None:
        click.echo(content, nl=False)
    else:
        try:
            output.write_bytes(content)
        except OSError as exc:
            raise Unreachable(f"cannot be written ({exc.strerror})", where=str(output)) from None
    click.echo(whole.sentence(), err=True)
    elsewhere = sum(row.state == NOT_ASSESSED for row in whole.rows)
    if elsewhere:
        some = how_many(elsewhere, "control")
        click.echo(f"{some} judged for each version: add --evidence models:/NAME/VERSION", err=True)
    notice = draft_notice(state, drafts=drafts)
    if notice:
        click.echo(notice, err=True)
    for broken in read.unreadable:
        click.echo(f"{broken.path}: left out, it cannot be read as a document", err=True)
    return 1 if any(row.against for row in whole.rows) else 0


def _states(
    state: ManagementState, evidence: Sequence[str], now: datetime, ledger: str | None, registry: str | None
) -> Mapping[str, Sequence[tuple[str, ControlStatus]]]:
    from aims_mlflow.cli.evidence_controls import judged_subject
    from aims_mlflow.management.applicability.states import ORGANISATION, organisation_subject, states_of

    models = [(target, judged_subject(target, (), ledger, registry)) for target in evidence]
    return states_of([(ORGANISATION, organisation_subject(state, now)), *models], now)


def _earlier(path: Path) -> ApplicabilityDocument:
    from aims_mlflow.management.folder import UnreadableDocument, read_document
    from aims_mlflow.records.documents.risk import ApplicabilityDocument

    read = read_document(path)
    if isinstance(read, UnreadableDocument):
        raise ConfigError("\n".join(p.sentence() for p in read.problems))
    if not isinstance(read.written, ApplicabilityDocument):
        raise ConfigError(f"this is a document of kind {read.written.kind}, not soa", where=str(path))
    return read.written


def _print_changes(before: ApplicabilityDocument, after: ApplicabilityDocument) -> int:
    from aims_mlflow.management.applicability.statement import changes

    found = changes(before, after)
    for change in found:
        click.echo(f"{change.control} {change.field}: {change.before} -> {change.after}")
    click.echo(
        f"{how_many(len(found), 'change')} in {how_many(len({c.control for c in found}), 'control')}, "
        f"version {before.version} to version {after.version}"
    )
    return 0


@click.command("coverage")
@click.option("--framework", required=True, help="nist-ai-rmf, eu-ai-act, iso-27001, soc-2, nist-csf or hitrust.")
@EVIDENCE
@FOLDER
@LEDGER
@REGISTRY
@JSON
def coverage_command(
    framework: str, evidence: tuple[str, ...], folder: Path | None, ledger: str | None, registry: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show, for each requirement of another framework, the states of the controls that the crosswalk relates to it.

    A row relates a whole clause or group of controls. It is related, not equal, and not verified: nothing follows
    from it for conformity with the other framework.
    """
    from aims_mlflow.catalog.loader import crosswalk
    from aims_mlflow.gates.control_coverage import MET
    from aims_mlflow.management.applicability.coverage import FRAMEWORKS, framework_rows, outside_the_crosswalk
    from aims_mlflow.management.findings.gathering import read_state
    from aims_mlflow.management.folder import find_folder, read_folder
    from aims_mlflow.registry.reading import ledger_address

    named, now = opened(ledger, registry) if ledger_address(ledger, registry) else None, datetime.now(UTC)
    state = read_state(read_folder(find_folder(folder)), named)
    rows = framework_rows(framework, _worst(_states(state, evidence, now, ledger, registry)))
    if as_json:
        content = [_plain(row) for row in rows]
        more = {"not_in_the_crosswalk": outside_the_crosswalk(), "relation": "related, not verified"}
        click.echo(json.dumps({"framework": FRAMEWORKS[framework], "rows": content, **more}, indent=2))
        return
    click.echo(f"{FRAMEWORKS[framework]}, by: {crosswalk().source} (related, not equal; not verified)")
    for row in rows:
        said = row.requirement or "the source has none"
        click.secho(f"{said}  <- all of {row.element} {row.title}", bold=True)
        unmet = sorted(((n, s) for s, n in row.states.items() if s not in MET), reverse=True)
        annex = [m.startswith("A.") for m in row.members]
        of = "controls" if all(annex) else "controls and clauses" if any(annex) else "clauses"
        click.echo("; ".join([f"  {row.coverage.met_text(of)}", *(f"{n} {s}" for n, s in unmet)]))
    click.echo(f"no row is about {', '.join(outside_the_crosswalk())}", err=True)


def _worst(states: Mapping[str, Sequence[tuple[str, ControlStatus]]]) -> dict[str, ControlStatus]:
    """Return the worst state of each control over its subjects; one that is assessed nowhere keeps that word."""
    from aims_mlflow.gates.combined_status import WORST_FIRST

    return {
        control: min((s for _, s in found), key=lambda status: WORST_FIRST.index(status.state))
        for control, found in states.items()
    }


def _plain(row: Any) -> dict[str, Any]:
    return {
        "requirement": row.requirement, "element": row.element, "title": row.title, "controls": list(row.members),
        "states": dict(row.states), "met": row.coverage.met, "of": row.coverage.total,
        "conditions_by_machine": row.coverage.machine, "conditions_by_a_person": row.coverage.person,
    }  # fmt: skip
