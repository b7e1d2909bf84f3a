"""The rows of `aims document list`: files of the folder, and what is published beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.gates.person_statements import approving_role
from aims_mlflow.management.states import state_in_folder, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.legal_forms import PointOrigin
    from aims_mlflow.management.published import PublishedShelf
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.records.documents.base import WrittenDocument


def document_rows(
    around: LintContext, ledger: str | None, registry: str | None, *, drafts: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for each file of the folder, then for each published document that no file of it has.

    Raises:
        Unreachable: the ledger, or the MLflow that is configured, does not answer.
    """
    from aims_mlflow.cli.options import opened
    from aims_mlflow.management.published import file_states, published_shelf
    from aims_mlflow.registry.reading import ledger_address

    named = opened(ledger, registry) if not drafts and ledger_address(ledger, registry) else None
    known = None if drafts else published_shelf(named)
    for file in file_states(around.folder, known, around.today):
        same = file.published is not None and file.published.document.sha256 == file.document.sha256
        run = file.published.record.evidence.mlflow.run_id if file.published is not None and same else None
        more: dict[str, Any] = {"run": run} if run else {}
        if known is not None and file.published is not None and not same:
            there = known.shelf.in_force(file.document.id, around.today) or file.published
            of_it = state_of(known.shelf, there, around.today)
            more["published"] = {"version": there.statement.version, "state": of_it}
        yield {**file_row(file.document, around), "state": file.state, **more}
    if known is not None:
        yield from _elsewhere(known, {d.id for d in around.folder.documents}, around.today)


def file_row(document: FolderDocument, around: LintContext) -> dict[str, Any]:
    """Return the row of a file that nobody looked up."""
    written = document.written
    return {
        "id": document.id,
        "kind": written.kind,
        "title": written.title,
        "version": written.version,
        "system": written.system,
        "owner": written.owner,
        "state": state_in_folder(written, around.today),
        "review_by": written.review_by,
        "path": str(document.path),
        "sha256": document.sha256,
    }


def state_text(row: Mapping[str, Any]) -> str:
    """Return the state of a row; of a file that was changed after it was published, that of the published one too."""
    there = row.get("published")
    return f"{row['state']} (version {there['version']} {there['state']})" if there else str(row["state"])


def still_needed(written: WrittenDocument, state: str) -> list[str]:
    """Return what *met* needs still of a file in a state, beside what lint finds: publication, approval, a review."""
    out = ["a day of its review that lies ahead (review_by)"] if state == "overdue" else []
    if state in ("draft", "overdue", "superseded", "withdrawn"):
        out.append(f"publication: aims document publish {written.id}")
    if state not in ("approved", "due"):
        role = approving_role(written.kind)
        out.append(f"approval by a key with the role {role}: aims approve document:{written.id}")
    return out


def row_of(document: FolderDocument, around: LintContext) -> dict[str, Any]:
    """Return the row of a file as `aims document list` has it; by the file alone where MLflow does not answer."""
    try:
        return next(row for row in document_rows(around, None, None, drafts=False) if row["path"] == str(document.path))
    except Unreachable as exc:
        click.echo(f"the state is that of the file alone: {exc.sentence()}", err=True)
        return file_row(document, around)


def _elsewhere(known: PublishedShelf, here: set[str], today: str) -> Iterator[dict[str, Any]]:
    for publication, written in known.in_force(today):
        if written.id in here:
            continue
        yield {
            "id": written.id, "kind": written.kind, "title": written.title, "version": written.version,
            "system": written.system, "owner": written.owner, "state": state_of(known.shelf, publication, today),
            "review_by": written.review_by, "path": None, "sha256": publication.statement.sha256,
            "run": publication.record.evidence.mlflow.run_id,
        }  # fmt: skip


def shown_points(forms: Mapping[str, Sequence[PointOrigin]], document: str) -> str:
    """Return the tables of the legal forms that a document has, in Markdown.

    Raises:
        ConfigError: it has none.
    """
    from aims_mlflow.management.legal_forms import FORMS, as_table

    if not forms:
        raise ConfigError(
            f"{document} has no legal form", next="`aims document new KIND --system ID --form NAME` adds one"
        )
    return "\n\n".join(f"## {FORMS[name].title}\n\n{as_table(points)}" for name, points in forms.items())


def print_kinds(as_json: bool) -> None:
    """Print the kinds of documents, with the controls that each is for."""
    from aims_mlflow.catalog.loader import controls_for_kind, kinds
    from aims_mlflow.records.documents import KINDS

    rows = [
        {
            "kind": name,
            "description": kinds()[name].description,
            "about": model.ABOUT,
            "controls": [c for c, _ in controls_for_kind(name)],
        }
        for name, model in sorted(KINDS.items())
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['kind']:<28} {', '.join(row['controls']):<28} {row['description']}")
