"""Each `aims` command in the documentation exists, with its options and as many arguments as it takes."""

import re
import shlex
from pathlib import Path

import click
import pytest

from aims_mlflow.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "checks").glob("*.md")])
FENCE = re.compile(r"^```sh.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(aims [^`]+)`", re.DOTALL)


def lines_of(page):
    """Return the command lines of a page: whole ones from its scripts, and those within its sentences."""
    text = page.read_text()
    scripts = [line for block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    whole = [re.split(r" [#>&]", line)[0] for line in scripts if line.startswith("aims ")]
    return [(line, True) for line in whole] + [(line, False) for line in INLINE.findall(FENCE.sub("", text))]


def problem(line, whole):
    """Return what is wrong with a command line, or None; one within a sentence may leave out what is required."""
    if any(mark in line for mark in ("|", "…", "...", "[")):
        line = re.split(r"[\[|…]|\.\.\.", line)[0].replace('"', "")
        whole = False
    command: click.Command = cli
    words, context = shlex.split(line)[1:], click.Context(cli, info_name="aims")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0).strip(",;")
        if command is cli and name not in COMMANDS:
            return f"there is no command {name!r}"
        found = command.get_command(context, name)
        if found is None:
            return f"{context.command_path} has no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    known = {
        option for parameter in command.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
    }
    wrong = [word for word in words if word.startswith("-") and word not in known]
    if wrong:
        return f"{context.command_path} has no option {wrong[0]!r}"
    if whole and not isinstance(command, click.Group):
        try:
            command.make_context(context.info_name, list(words), parent=context.parent, resilient_parsing=False)
        except click.UsageError as error:
            if not isinstance(error, click.BadParameter) or isinstance(error, click.MissingParameter):
                return error.format_message()
    return None


def test_every_command_line_can_be_used():
    lines = [(page, line, whole) for page in PAGES for line, whole in lines_of(page)]
    assert len(lines) > 100
    wrong = [
        f"{page.relative_to(ROOT)}: {line.strip()}: {text}"
        for page, line, whole in lines
        if (text := problem(line, whole))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("aims verfy runs:/1", "there is no command 'verfy'"),
        ("aims gate expound models:/a/1", "aims gate has no command 'expound'"),
        ("aims keys add key.pem --role trainer", "Missing option '--owner'."),
        ("aims verify runs:/1 --strict", "aims verify has no option '--strict'"),
    ],
)
def test_what_does_not_exist_is_found(line, words):
    assert problem(line, True) == words
