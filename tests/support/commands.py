"""`aims` commands, run in the process of the test."""

from click.testing import CliRunner

from aims_mlflow.cli.main import cli, run_command
from aims_mlflow.errors import AimsError


def aims(*args):
    """Run a command as a person does; returns what it printed."""
    return run_command(*args)


def command(*args):
    """Return (exit status, what an `aims` command printed)."""
    done = CliRunner().invoke(cli, args, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value or 0, done.stdout


def run(*args, status=0):
    result = CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False)
    if result.exception is not None:
        if isinstance(result.exception, AimsError) and result.exception.exit_status == status:
            return result.exception.sentence()
        raise result.exception
    assert (result.return_value or 0) == status, result.output
    return result.stdout
