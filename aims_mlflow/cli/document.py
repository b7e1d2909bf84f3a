"""`aims document`: drafts, list, view and lint of the documents that people write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.document_findings import findings_command
from aims_mlflow.cli.document_report import report_command
from aims_mlflow.cli.document_soa import coverage_command, soa_command
from aims_mlflow.cli.document_verify import verify_command
from aims_mlflow.cli.options import FILE, LEDGER, REGISTRY, opened
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.management.rules.base import LintContext

FOLDER = click.option(
    "--folder", type=FILE, help="The management folder; AIMS_FOLDER, or aims/ here or further up, by default."
)
EVIDENCE = click.option(
    "--evidence",
    multiple=True,
    metavar="TARGET",
    help="A run, a model version or a folder whose evidence documents may cite; repeatable.",
)


@click.group()
def group() -> None:
    """Write, check and publish the documents of the management system, and judge them.

    `aims approve document:ID` approves one.
    """


for _each in (findings_command, soa_command, coverage_command, report_command, verify_command):
    group.add_command(_each)


@group.command()
@click.argument("kind")
@click.option("--system", help="The system that it is about.")
@click.option("--author", help="Who writes it; the owner of this account's key by default.")
@click.option("--print", "only_print", is_flag=True, help="Print the draft, and write no file.")
@click.option(
    "--form",
    metavar="NAME",
    help="Add what a law asks, point by point: fria, annex-iv or instructions; to the document that is there, if any.",
)
@FOLDER
@EVIDENCE
@LEDGER
@REGISTRY
def new(
    kind: str, system: str | None, author: str | None, only_print: bool, form: str | None, folder: Path | None,
    evidence: tuple[str, ...], ledger: str | None, registry: str | None,
) -> None:  # fmt: skip
    """Write a draft of KIND: what register and evidence know is filled in, and each gap is a TODO.

    A TODO asks what an auditor would ask there; lint refuses a document that has one. The inputs of a management review
    are written from the ledger too, where one is named.
    """
    from aims_mlflow.management.draft import drafted, new_draft
    from aims_mlflow.management.draft_sources import with_ledger, with_publications
    from aims_mlflow.management.surroundings import gather
    from aims_mlflow.records.documents import document_model
    from aims_mlflow.registry.reading import ledger_address

    document_model(kind)
    around = with_publications(gather(folder, evidence, make=not only_print, for_print=only_print))
    if kind == "review-inputs" and ledger_address(ledger, registry):
        around = with_ledger(around, opened(ledger, registry))
    by = author or own_name(around)
    if only_print:
        click.echo(new_draft(kind, system, by, around, form)[1], nl=False)
        return
    path, text = drafted(kind, system, by, around, form)
    path.write_text(text, encoding="utf-8")
    click.echo(f"{path} has {how_many(text.count('TODO'), 'gap')}; `aims document lint {path}` lists what is left")


def own_name(around: LintContext) -> str | None:
    """Return the owner of this account's key by the keyring; None where it has none: an account is no person."""
    from aims_mlflow.errors import AimsError
    from aims_mlflow.signing.key_sources import signing_key

    if around.keyring is None:
        return None
    try:
        entry = around.keyring.find(signing_key().key_id)
    except AimsError:
        return None
    return entry.owner if entry else None


@group.command("list")
@click.option(
    "--kinds", "of_kinds", is_flag=True, help="List the kinds of documents, with the controls that each is for."
)
@click.option("--kind", help="Only documents of this kind.")
@click.option("--system", help="Only documents about this system.")
@click.option("--drafts", is_flag=True, help="Ask no server: each file is a draft, or overdue by its own review date.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@FOLDER
@LEDGER
@REGISTRY
def list_documents(
    of_kinds: bool, kind: str | None, system: str | None, drafts: bool, as_json: bool, folder: Path | None,
    ledger: str | None, registry: str | None,
) -> None:  # fmt: skip
    """List the documents of the management folder with their state, and those that are published and not in it.

    A state is draft, published, approved, due (approved, and its review is within 30 days), overdue, superseded or
    withdrawn, by the ledger, else by MLFLOW_TRACKING_URI. A file that was changed after it was published is a draft
    beside the version that is in force. Where no server is named, each file is a draft, or overdue by its own review
    date.
    """
    from aims_mlflow.cli.document_rows import document_rows, print_kinds, state_text

    if of_kinds:
        print_kinds(as_json)
        return
    from aims_mlflow.cli.system import require_system
    from aims_mlflow.management.surroundings import gather
    from aims_mlflow.records.documents import document_model

    if kind is not None:
        document_model(kind)
    around = gather(folder)
    every = list(document_rows(around, ledger, registry, drafts=drafts))
    for file in around.folder.unreadable:
        click.echo(f"{file.path}: cannot be read as a document ({how_many(len(file.problems), 'problem')})", err=True)
    require_system(system, (row["system"] for row in every))
    rows = [row for row in every if kind in (None, row["kind"]) and system in (None, row["system"])]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        about = row["system"] or "the organisation"
        click.echo(f"{row['id']:<32} {row['kind']:<26} v{row['version']:<6} {state_text(row):<10} {about}")
    here = sum(row["path"] is not None for row in rows)
    more = f", {len(rows) - here} published and not in it" if len(rows) > here else ""
    broken = how_many(len(around.folder.unreadable), "file")
    click.echo(f"{how_many(here, 'document')} in {around.folder.root}{more}; {broken} cannot be read", err=True)


@group.command()
@click.argument("document")
@FOLDER
@EVIDENCE
@click.option("--table", "as_table", is_flag=True, help="Print only the tables of its legal forms, as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(document: str, folder: Path | None, evidence: tuple[str, ...], as_table: bool, as_json: bool) -> None:
    """Show DOCUMENT (its id or file): state, where each field comes from, what *met* needs still, and what lint says.

    A field is machine-made where register and evidence (--evidence) say the same, a person's word, both, or open. Of
    each point of a legal form it shows which statements the evidence makes, which a person wrote and where, or what an
    auditor would ask.
    """
    from aims_mlflow.cli.document_rows import row_of, shown_points, state_text, still_needed
    from aims_mlflow.management.field_origins import field_origins
    from aims_mlflow.management.legal_forms import point_origins
    from aims_mlflow.management.lint import lint
    from aims_mlflow.management.surroundings import gather

    around = gather(folder, evidence)
    found = around.folder.find(document)
    forms = point_origins(found, around)
    if as_table:
        click.echo(shown_points(forms, found.id))
        return
    results, origins = lint(around, [found.id]), field_origins(found, around)
    row = row_of(found, around)
    needed = still_needed(found.written, row["state"])
    if as_json:
        said = [{"rule": r.rule.id, "line": r.line, "text": r.text} for r in results]
        points = {name: [p.plain() for p in listed] for name, listed in forms.items()}
        content = {**row, "needed": needed, "fields": found.fields, "origins": origins, "forms": points, "lint": said}
        click.echo(json.dumps(content, indent=2))
        return
    click.secho(f"{row['title']} ({row['kind']}, version {row['version']}): {state_text(row)}", bold=True)
    click.echo(f"  about: {row['system'] or 'the organisation'}")
    for name in ("path", "sha256", "owner", "review_by"):
        click.echo(f"  {name}: {row[name] or 'not stated'}")
    for need in needed:
        click.echo(f"  met still needs: {need}")
    for field, origin in origins.items():
        click.echo(f"  field {field}: {origin}")
    for point in (p for listed in forms.values() for p in listed):
        click.echo(f"  point {point.point}: {point.sentence}")
    for result in results:
        click.echo(f"  {result.line}: {result.rule.id} {result.rule.severity}: {result.text}")


@group.command("lint")
@click.argument("path", metavar="[DOCUMENT|PATH]", required=False, type=FILE)
@FOLDER
@EVIDENCE
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="Form of the results.",
)
def lint_documents(path: Path | None, folder: Path | None, evidence: tuple[str, ...], form: str) -> int:
    """Check all documents, or one DOCUMENT (its id or file), or a folder PATH; exit status 1 where an error is left.

    A result is set aside in `ignored.yaml` of the folder, with a reason and an end date; it stays listed.
    """
    from aims_mlflow.management import lint as linting
    from aims_mlflow.management.surroundings import gather

    single = path if path is not None and path.is_file() else None
    named = path is not None and not path.exists()
    around = gather(folder or (path if path and not (single or named) else None) or _around(single), evidence)
    if named:
        single = around.folder.find(str(path)).path
    results = linting.lint(around)
    if single is not None:
        results = [r for r in results if r.path.resolve() == single.resolve()]
    unread = around.evidence.unread
    shown = {
        "text": lambda: linting.as_text(results, unread),
        "json": lambda: linting.as_json(results, unread),
        "sarif": lambda: linting.as_sarif(results),
        "github": lambda: linting.as_github(results),
    }[form]()
    click.echo(shown)
    return 1 if linting.stops(results) else 0


def _around(file: Path | None) -> Path | None:
    """Return the management folder that a file lies in; None where it lies in none by that name."""
    if file is None:
        return None
    return next((p for p in file.resolve().parents if p.name == "aims"), file.resolve().parent)


@group.command()
@click.argument("document", nargs=-1, required=True)
@FOLDER
@EVIDENCE
def publish(document: tuple[str, ...], folder: Path | None, evidence: tuple[str, ...]) -> None:
    """Sign each DOCUMENT (its id or file), and keep it in MLflow; then another person approves it.

    What lint refuses is not published. Figures are resolved to the evidence of --evidence; without it, to that of the
    registered models that the system's register entry names.
    """
    from aims_mlflow.cli import document_actions

    for name in document:
        document_actions.publish(name, folder, evidence)


@group.command()
@click.argument("document")
@FOLDER
def diff(document: str, folder: Path | None) -> int:
    """Compare DOCUMENT in the folder with its published version; exit status 1 where they differ."""
    from aims_mlflow.cli import document_actions

    return document_actions.diff(document, folder)


@group.command()
@click.argument("document")
@click.argument("citation")
@click.option("--reason", required=True, help="Why the citation still holds.")
@EVIDENCE
def review(document: str, citation: str, reason: str, evidence: tuple[str, ...]) -> None:
    """Clear a suspect CITATION (its mark, such as e1) of the published DOCUMENT, with a signed reason.

    It clears what speaks against it now: evidence that comes later makes it suspect again.
    """
    from aims_mlflow.cli import document_actions

    document_actions.review(document, citation, reason, evidence)


@group.command()
@click.argument("document")
@click.option("--reason", required=True, help="Why it no longer applies.")
def withdraw(document: str, reason: str) -> None:
    """Withdraw the published DOCUMENT: it meets no control any more, until it is published again."""
    from aims_mlflow.cli import document_actions

    document_actions.withdraw(document, reason)
