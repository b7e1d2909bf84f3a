"""`aims document report`: the auditor's pages about a system as one document for paper."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aims_mlflow.cli.options import FILE, LEDGER, REGISTRY, opened
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("html", "pdf", "docx")


@click.command("report")
@click.option("--system", required=True, help="Id of the system: of the register, aims.yaml or policy.yaml.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="By the ending of --output, else html.")
@click.option("--output", type=FILE, help="The file to write; SYSTEM-report.FORMAT by default.")
@LEDGER
@REGISTRY
def report_command(
    system: str, form: str | None, output: Path | None, ledger: str | None, registry: str | None
) -> None:
    """Write what the ledger has about a system as one document: states, decisions, measured values, risks, documents.

    PDF and docx need the extra `report`. Nothing is fetched from a network. An existing file is kept.
    """
    from pathlib import Path

    from aims_mlflow.exports.report.content import system_report
    from aims_mlflow.exports.report.html import as_html
    from aims_mlflow.exports.report.pdf import as_pdf
    from aims_mlflow.exports.report.word import as_word

    ending = output.suffix.lstrip(".").lower() if output else ""
    wanted = form or (ending if ending in FORMATS else "html")
    path = output or Path(f"{system}-report.{wanted}")
    if path.exists():
        raise ConfigError("the file exists", where=str(path), next="name another with --output")
    made = system_report(opened(ledger, registry), system, datetime.now(UTC))
    content = {"html": as_html, "pdf": as_pdf, "docx": as_word}[wanted](made)
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise Unreachable(f"cannot be written ({exc.strerror})", where=str(path)) from None
    click.echo(f"wrote {path}: {how_many(len(made.parts), 'part')}, {len(content):,} bytes")
