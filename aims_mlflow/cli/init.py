"""`aims init`: a first aims.yaml and pack, from a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

SHOWN_GROUPS = 6


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The column that is predicted.")
@click.option("--favourable", help="The label that is good for a person.")
@click.option("--sensitive", help="Columns to compare groups by, with commas between; guessed by name otherwise.")
@click.option("--system", "system_id", help="Id of the system; the file's name by default.")
@click.option("--owner", help="Who answers for the system; git's user.email by default.")
@click.option("--intended-use", help="What the model is for, in a sentence or two.")
@click.option("--affected-group", "groups", multiple=True, help="A group of people that it affects; repeatable.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to write; here by default."
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(
    table: Path,
    target: str,
    favourable: str | None,
    sensitive: str | None,
    system_id: str | None,
    owner: str | None,
    intended_use: str | None,
    groups: tuple[str, ...],
    folder: Path,
    force: bool,
) -> None:
    """Write a commented aims.yaml and a first pack, inferred from TABLE (CSV or parquet), ready to run.

    Asks for what is missing on a terminal. Elsewhere, what only a person can say is left as a comment to fill in:
    the training gate asks for it.
    """
    from aims_mlflow.adapters.tables import read_file, require_columns
    from aims_mlflow.checks.profiling.infer import infer_expectations
    from aims_mlflow.checks.profiling.profile import profile, suggest_sensitive
    from aims_mlflow.checks.tables.validation import make_dataset

    frame = read_file(table)
    named = [c.strip() for c in (sensitive or "").split(",") if c.strip()]
    require_columns(frame, (target, *named), table)
    columns = profile(frame, target)
    guessed = named or [c for c in suggest_sensitive(frame.columns) if c != target and not frame[c].isna().all()]
    favourable = favourable or _asked_label(frame, target)
    data = make_dataset(
        "train", frame.dropna(axis=1, how="all"), target=target, favourable=favourable, sensitive=guessed
    )
    system = (
        system_id or "".join(c if c.isalnum() or c in "._-" else "-" for c in table.stem).strip("-._") or "my-system"
    )
    owner = owner or _asked("Owner of the system", _git_email())
    intended_use = intended_use or _asked("What is the model for", "")
    proposed = _proposed_groups(frame, guessed)
    groups = groups or tuple(g for g in [_asked("Whom does it affect", "; ".join(proposed))] if g)
    identifiers = [c.name for c in columns if c.kind == "identifier"]
    config = _config(system, owner, intended_use, groups, proposed, target, data.favourable or "", guessed, identifiers)
    expectations = infer_expectations(frame, target, guessed)
    _write(
        folder,
        {"aims.yaml": config, f"checks/{system}/pack.yaml": _pack(system, table.name, expectations)},
        force=force,
    )
    left_out = [f"{c.name} ({c.reason})" for c in columns if not c.use and c.kind not in ("target", "identifier")]
    click.echo(
        f"wrote {folder / 'aims.yaml'} and {folder / 'checks' / system / 'pack.yaml'} "
        f"({len(expectations)} expectations)"
    )
    if not named and guessed:
        click.echo(f"guessed as sensitive by their names, correct that: {', '.join(guessed)}")
    for text in left_out:
        click.echo(f"look at {text}")
    if not intended_use or not groups:
        click.echo("fill in intended_use and affected_groups in aims.yaml: the training gate asks for both")
    click.echo(f'next: @aims.trains("{system}") on the function that fits your model')


def _asked(question: str, default: str) -> str:
    """Ask on a terminal; elsewhere nothing is made up but a default that the machine knows."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return str(click.prompt(question, default=default, show_default=bool(default))).strip()
    return default if question.startswith("Owner") else ""


def _asked_label(frame: pd.DataFrame, target: str) -> str | None:
    from aims_mlflow.checks.statistics.labels import distinct_labels

    labels = list(distinct_labels(frame[target]).values())
    if len(labels) != 2 or set(labels) == {"0", "1"} or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    return str(click.prompt(f"Which label of {target} is good for a person", type=click.Choice(labels)))


def _git_email() -> str:
    try:
        done = subprocess.run(["git", "config", "user.email"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "owner@example.org"
    return done.stdout.strip() or "owner@example.org"


def _proposed_groups(frame: pd.DataFrame, sensitive: list[str]) -> list[str]:
    out = []
    for name in sensitive:
        counts = frame[name].dropna().astype("str").value_counts()
        frequent = [v for v, n in counts.items() if n >= 20][:SHOWN_GROUPS]
        out.append(f"people by {name}" + (f": {', '.join(frequent)}" if 1 < len(frequent) < SHOWN_GROUPS else ""))
    return out


def _config(
    system: str,
    owner: str,
    intended_use: str,
    groups: tuple[str, ...],
    proposed: list[str],
    target: str,
    favourable: str,
    sensitive: list[str],
    identifiers: list[str],
) -> str:
    """Return aims.yaml with a comment on every entry."""
    use = (
        f"intended_use: {_q(intended_use)}"
        if intended_use
        else '# intended_use: "What the model is for, in a sentence or two."'
    )
    if groups:
        affected = f"affected_groups: {_q(list(groups))}"
    else:
        affected = f"# affected_groups: {_q(proposed or ['the people that its output affects'])}"
    names = (
        f"\n  # Columns that only name a row: no check learns from them.\n  identifiers: {_q(identifiers)}"
        if identifiers
        else ""
    )
    return f"""# What this repository trains, and what its data mean. Found from the training script's folder upwards.
system:
  id: {_q(system)}
  # Who answers for the system.
  owner: {_q(owner)}
  # The training gate asks for both: what the model is for, and whom it affects.
  {use}
  {affected}
  # Asked for later: foreseeable_misuse, human_oversight, limitations, roles: [provider, deployer],
  # objectives: {{fairness: high}} (Annex C priorities), production_alias: champion (each training is compared
  # with the version that has this alias).

data:
  target: {_q(target)}
  # The label that is good for a person.
  favourable: {_q(favourable)}
  # Groups are compared by these columns; they need not be features.
  sensitive: {_q(sensitive)}{names}
  # Where the data come from; @aims.acquires("NAME") refers to it.
  # sources:
  #   NAME: {{uri: ..., owner: ..., licence: ..., rights: ..., subjects: ..., selection_reason: ..., retention: ...,
  #     personal_data: [columns that are personal]}}
  # Folders of images, texts or audio that the table is about; `column` names each row's file.
  # files:
  #   images: {{folder: images, column: path}}

# The checks: a folder beside this file, yours to change. Each limit says why it is there.
pack: {_q(f"checks/{system}")}
"""


def _q(value: Any) -> str:
    """Return a value in YAML on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()


def _pack(system: str, source: str, expectations: list[dict[str, Any]]) -> str:
    """Return the shipped pack with the inferred expectations in place of its own."""
    from aims_mlflow.checks.packs import load_pack

    pack = load_pack("tabular-classification").model_dump(mode="json", exclude_none=True)
    pack.update(
        name=system,
        version="1",
        description=f"First checks, inferred from {source}: replace them with what must be true.",
    )
    pack["data_quality"]["expectations"] = expectations
    head = "# Expectations are spelled as in Great Expectations. Severity: blocking stops a training, failing is\n"
    head += "# refused at registration, warning is shown. Give every limit your own reason under `why`.\n"
    return head + str(yaml.safe_dump(pack, sort_keys=False, allow_unicode=True, width=110))


def _write(folder: Path, files: dict[str, str], *, force: bool) -> None:
    """Write all files or none."""
    existing = [str(folder / name) for name in files if (folder / name).exists()]
    if existing and not force:
        raise ConfigError(f"{existing[0]} exists already", next="--force replaces it, --dir writes elsewhere")
    parts = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(text, encoding="utf-8")
        parts.append((part, path))
    for part, path in parts:
        part.replace(path)
