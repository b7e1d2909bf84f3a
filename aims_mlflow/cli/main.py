"""The command `aims`: loads and runs a subcommand, and reports errors as one sentence and an exit status."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from typing import Any

import click

from aims_mlflow import __version__
from aims_mlflow.errors import AimsError, Unreachable, did_you_mean

HOW_TO_INSTALL = (
    "pip install './skinny[ledger]' in the checkout for a ledger's database, and aims_mlflow in place of "
    "aims_mlflow_skinny for anything else"
)
NEWEST_NEEDED = ">=3.17"  # what setup.cfg asks for: all commands run with it
# command -> (module, attribute, help line shown without importing the module)
COMMANDS = {
    "demo": ("demo", "command", "Demonstrate training, refusal, mitigation and approval on this machine."),
    "init": ("init", "command", "Write a first aims.yaml and pack from a CSV, parquet, Excel or JSON file."),
    "check": ("check", "group", "Run checks on a table, propose expectations for it, list checks and packs."),
    "monitor": ("monitor", "group", "Compare data in operation with the baseline of a model's training."),
    "evidence": ("evidence", "group", "List and show the evidence of a run, a model or a folder."),
    "document": ("document", "group", "Write, check and publish the documents that people write, and judge them."),
    "rule": ("rule", "command", "Explain a rule for documents."),
    "gate": ("gate", "group", "Explain decisions; set up, operate and review a gated registry."),
    "system": ("system", "group", "List and show the AI systems of the register; scan for those that it lacks."),
    "approve": ("approve", "approve", "Approve a model for one stage, or a published document."),
    "waive": ("waive", "waive", "Sign an expiring waiver of named failures of one model."),
    "ledger": ("ledger", "group", "Checkpoint, prove, verify and watch a ledger; add evidence from ungated runs."),
    "bundle": ("bundle", "group", "Create an evidence bundle (one file) for an auditor, and verify a bundle offline."),
    "verify": ("verify", "command", "Verify a run, a model version, a folder, a ledger or a bundle."),
    "keys": ("keys", "group", "Create, export, trust, list, revoke and rotate keys."),
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is fast."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        del ctx
        module, attribute, _ = COMMANDS[cmd_name]
        loaded = importlib.import_module(f"aims_mlflow.cli.{module}")
        command: click.Command = getattr(loaded, attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}" + (f", {hint}" if hint else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version=__version__, prog_name="aims")
def cli() -> None:
    """ISO/IEC 42001 lifecycle evidence for MLflow.

    Exit status: 0 yes or done; 1 the answer is no (refused, not verified, a limit missed, something
    open or different); 2 wrong usage, or a setting, a key or data that cannot be used; 3 a server or
    file that cannot be reached or read.
    """


def run_command(*args: str) -> str:
    """Run one `aims` command in this process and return its output.

    Raises:
        AimsError: The error that the command would report.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli.main(args=list(args), standalone_mode=False)
    return printed.getvalue()


def _what_lacks(exc: ImportError) -> str:
    """Return what is not installed here, and what to install; an error of this package itself is raised again."""
    name = (exc.name or "").partition(".")[0]
    if name in ("", "aims_mlflow") or not (isinstance(exc, ModuleNotFoundError) or name == "mlflow"):
        raise exc
    if name != "mlflow" or exc.name == "mlflow":
        return f"this needs {exc.name}, which is not installed here. Next: {HOW_TO_INSTALL}"
    return f"this needs a newer MLflow than is installed here ({exc}). Next: install mlflow{NEWEST_NEEDED}"


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with the contract's status."""
    try:
        status: Any = cli.main(args=args, standalone_mode=False)
    except AimsError as exc:
        click.echo(f"Error: {exc.shown()}", err=True)
        sys.exit(exc.exit_status)
    except click.ClickException as exc:
        exc.show()
        sys.exit(2)
    except click.exceptions.Exit as exc:
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except ImportError as exc:
        click.echo(f"Error: {_what_lacks(exc)}", err=True)
        sys.exit(AimsError.exit_status)
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        click.echo(f"Error: {where}cannot be read or written ({exc.strerror or type(exc).__name__})", err=True)
        sys.exit(Unreachable.exit_status)
    sys.exit(status if isinstance(status, int) else 0)
