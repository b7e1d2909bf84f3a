"""Pages that are made from the code, for the site and for the checkout.

MkDocs calls `on_files` for the site (`hooks` in mkdocs.yml). `python docs/site_pages.py` writes docs/reference again.
"""

from __future__ import annotations

import configparser
import importlib
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import types

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


PUBLIC = ("aims_mlflow", "aims_mlflow.checks.own_check", "aims_mlflow.errors")
IN_THE_SITE = "The site has all of that on one page: `tox -e docs` writes `build/site/reference/{}.html`."
EXTRAS = {
    "postgresql": "a registry, a ledger or a table in PostgreSQL",
    "duckdb": "tables in DuckDB",
    "polars": "tables of polars",
    "excel": "workbooks as tables, and the statement of applicability as a workbook",
    "report": "`aims document report` as PDF and docx",
    "spark": "tables of Spark (needs Java)",
    "s3": "anchors in a bucket of S3, and models in one",
    "awskms": "keys in AWS KMS",
    "azurekms": "keys in Azure Key Vault",
    "gcpkms": "keys in Google Cloud KMS",
    "hsm": "keys in a hardware token (PKCS#11)",
    "vault": "keys in HashiCorp Vault",
    "metrics": "the counters of the gate on MLflow's `/metrics`",
    "timestamps": "anchors at a time-stamping authority (RFC 3161)",
    "ledger": "reading a ledger's database where models are loaded",
}


def cli() -> str:
    """Return the page of all commands with their options, from the commands themselves."""
    import click

    from aims_mlflow.cli.main import cli as aims

    lines = ["# Command line", ""]

    def describe(command: click.Command, name: str, parent: click.Context | None) -> None:
        context = click.Context(command, info_name=name, parent=parent)
        path = context.command_path
        paragraphs = [" ".join(part.split()) for part in (command.help or "").replace("\b", "").split("\n\n")]
        lines.extend([f"{'##' if path.count(' ') < 2 else '###'} {path}", "", "\n\n".join(paragraphs), ""])
        lines.extend(["```text", " ".join([path, *command.collect_usage_pieces(context)]), "```", ""])
        records = [r for p in command.get_params(context) if (r := p.get_help_record(context)) and "--help" not in r[0]]
        if records:
            lines.extend(["| option | meaning |", "|---|---|"])
            lines.extend(f"| `{cell(option)}` | {cell(meaning)} |" for option, meaning in records)
            lines.append("")
        for child in command.list_commands(context) if isinstance(command, click.Group) else ():
            describe(command.get_command(context, child), child, context)

    describe(aims, "aims", None)
    return "\n".join(lines)


def commands() -> str:
    """Return the page of all commands as the checkout has it: what each is for, without its options."""
    import click

    from aims_mlflow.cli.main import cli as aims

    lines = ["# Command line", "", "`--help` after a command prints its options."]
    lines += [IN_THE_SITE.format("cli"), ""]
    lines += ["| command | what it does |", "|---|---|"]

    def describe(command: click.Command, name: str, parent: click.Context | None) -> None:
        context = click.Context(command, info_name=name, parent=parent)
        first = " ".join((command.help or "").split("\n\n")[0].split())
        lines.append(f"| `{context.command_path}` | {cell(first)} |")
        for child in command.list_commands(context) if isinstance(command, click.Group) else ():
            describe(command.get_command(context, child), child, context)

    describe(aims, "aims", None)
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return a text that can stand in a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def settings() -> str:
    """Return the page of environment variables, from `aims_mlflow.settings.SETTINGS`."""
    lines = ["# Settings", "", "Each setting is an environment variable. It is read when it is needed.", ""]
    lines += [
        settings_table(),
        "",
        "The password or PIN of a key is in the key's variable with `_PASSWORD` at its end.",
        "",
        *extras(),
    ]
    return "\n".join(lines)


def extras() -> list[str]:
    """Return the table of extras, with what each is for and what it installs."""
    lines = [
        "## Extras",
        "",
        "`pip install '.[postgresql,report]'` in the checkout installs the package with extras.",
        "",
    ]
    lines += ["| extra | what it is for | installs |", "|---|---|---|"]
    for folder, before in (("", ""), ("skinny", "`./skinny` ")):
        read = configparser.ConfigParser()
        read.read(Path(__file__).parents[1] / folder / "setup.cfg", encoding="utf-8")
        for name, needs in read["options.extras_require"].items():
            if name != "test":
                packages = ", ".join(f"`{line}`" for line in needs.split())
                lines.append(f"| {before}`{name}` | {EXTRAS[name]} | {packages} |")
    return lines


def settings_table(but: str = "") -> str:
    """Return the table of settings without those that `but` sets; docs/gate.md has one, which a test compares."""
    from aims_mlflow.settings import SETTINGS

    rows = [s for s in SETTINGS if s.set_by != but]
    lines = ["| variable | set by | meaning | without it |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| `{s.name}` | {s.set_by} | {s.meaning} | {s.default} |" for s in rows)])


def api() -> str:
    """Return the page of what is public in Python: the names in `__all__` of three modules."""
    lines = ["# Python", "", "What this page lists is public. Other names can change in any release.", ""]
    for name in PUBLIC:
        module = importlib.import_module(name)
        lines += [f"## `{name}`", "", (module.__doc__ or "").split("\n\n")[0], ""]
        for public in module.__all__:
            lines += [f"::: {home_of(module, public)}", ""]
    lines += ["## Sessions", "", "`aims.training` returns this object.", ""]
    lines += ["::: aims_mlflow.capture.training.Training", "    options:", "      inherited_members: false"]
    return "\n".join(lines)


def names() -> str:
    """Return the page of what is public in Python as the checkout has it: each name with its first sentence."""
    lines = ["# Python", "", "These names are public. Other names can change in any release."]
    lines += ["`python -m pydoc aims_mlflow.trains` prints what one of them takes, returns and raises."]
    lines += [IN_THE_SITE.format("api"), ""]
    for name in PUBLIC:
        module = importlib.import_module(name)
        lines += [f"## `{name}`", "", (module.__doc__ or "").split("\n\n")[0], "", "| name | what it is |", "|---|---|"]
        for public in module.__all__:
            first = " ".join((getattr(module, public).__doc__ or "").split("\n\n")[0].split())
            lines.append(f"| `{public}` | {cell(first)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def home_of(module: types.ModuleType, name: str) -> str:
    """Return the full name of the place where a public name is defined."""
    value = getattr(module, name)
    return f"{getattr(value, '__module__', module.__name__)}.{name}"


PAGES = {
    "reference/cli.md": cli,
    "reference/settings.md": settings,
    "reference/api.md": api,
    **runpy.run_path(str(Path(__file__).with_name("yaml_pages.py")))["PAGES"],
}
# What the checkout has in their place: the same, or where that is long or made by MkDocs, each name with its purpose.
CHECKOUT = {**PAGES, "reference/cli.md": commands, "reference/api.md": names}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add every decision record to the menu, behind their index."""
    explanation = next(section["Explanation"] for section in config.nav or [] if "Explanation" in section)
    decisions = next(entry["Decisions"] for entry in explanation if "Decisions" in entry)
    decisions += [f"adr/{path.name}" for path in sorted(Path(config.docs_dir, "adr").glob("0*.md"))]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the generated pages in the place of those in docs/."""
    from mkdocs.structure.files import File

    for path, page in PAGES.items():
        if (stub := files.get_file_from_path(path)) is not None:
            files.remove(stub)
        files.append(File.generated(config, path, content=page()))
    return files


AT_THE_ROOT = re.compile(r"^\[([A-Z]+\.md)\]\([./]+/\1\).*$", re.MULTILINE)


# A link to a file of the checkout that is no page of the site.
ELSEWHERE = re.compile(r"\[([^\]]+)\]\((?!\w+:|#|docs/)[^)]+\)")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Show a file of the checkout's root in place of the link to it, with links that lead from the page, or none."""
    up = "../" * page.file.src_uri.count("/")

    def shown(found: re.Match[str]) -> str:
        text = ELSEWHERE.sub(r"\1", Path(found[1]).read_text(encoding="utf-8"))
        return text.replace("](docs/", f"]({up}")

    return AT_THE_ROOT.sub(shown, markdown)


if __name__ == "__main__":
    for path, page in CHECKOUT.items():
        Path(__file__).with_name("reference").joinpath(Path(path).name).write_text(page() + "\n", encoding="utf-8")
