"""`aims init`: write a first aims.yaml and pack from a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.checks.column_names import suggest_sensitive
from aims_mlflow.cli.init_files import FirstSystem, added_expectations, config_text, extends_line, pack_text, unsaid
from aims_mlflow.cli.options import DATA_OPTIONS, READ, reading_of, table_to_profile
from aims_mlflow.errors import ConfigError, set_elsewhere
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from aims_mlflow.checks.profiling.profile import ColumnProfile
    from aims_mlflow.records.pack import Pack, Task
    from aims_mlflow.records.system import ReadingOptions

SHOWN_GROUPS = 6
NO_GROUPS = (
    "no column's name says a characteristic of people, so no groups would be compared: name the columns under "
    "sensitive in aims.yaml (they need not be features), or the reason why there are none under not_compared"
)


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="Column to predict.")
@click.option("--pack", help="Pack to extend: a shipped one or a folder; chosen by the target by default.")
@click.option("--favourable", help="The label that is favourable for a person.")
@click.option("--sensitive", help="Sensitive columns, separated by commas; guessed from the names by default.")
@click.option("--system", "system_id", help="Id of the system; the file's name by default.")
@click.option("--owner", help="Owner responsible for the system; git's user.email by default.")
@click.option("--intended-use", help="Intended use of the model, in one or two sentences.")
@click.option("--affected-group", "groups", multiple=True, help="A group of people affected by the system; repeatable.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="Output folder; the current by default."
)
@READ
@click.option("--force", is_flag=True, help="Replace existing files.")
def command(
    table: Path,
    target: str,
    pack: str | None,
    favourable: str | None,
    sensitive: str | None,
    system_id: str | None,
    owner: str | None,
    intended_use: str | None,
    groups: tuple[str, ...],
    folder: Path,
    read: tuple[str, ...],
    force: bool,
) -> None:
    """Write a commented aims.yaml and a first pack, inferred from TABLE (CSV, parquet, Excel or JSON), ready to run.

    The pack extends the one that --pack names, such as credit or tabular-regression (`aims check list` shows all).
    Without --pack: tabular-classification for two labels, tabular-multiclass for more, tabular-regression for a number.

    Asks for what is missing on a terminal. Elsewhere, what only a person can say is left as a comment to fill in:
    the training gate asks for it.
    """
    from aims_mlflow.checks.profiling.profile import profile

    named, reading = _names_in(sensitive), reading_of(read, AS_FOUND)
    frame, parent = _table_and_pack(table, reading, pack, target, named)
    columns = profile(frame, target, parent.task)
    guessed = named or [c for c in suggest_sensitive(frame.columns) if c != target and not frame[c].isna().all()]
    labels, good = _labels(frame, target, favourable, guessed, parent.task)
    proposed = _proposed_groups(frame, guessed)
    system = FirstSystem(
        id=system_id or _id_of(table),
        owner=owner or _asked("Owner of the system", _git_email()),
        intended_use=intended_use or _asked("What is the model for", ""),
        groups=groups or tuple(g for g in [_asked("Whom does it affect", "; ".join(proposed))] if g),
        proposed_groups=proposed,
        target=target,
        task=parent.task,
        labels=labels,
        favourable=good,
        sensitive=tuple(guessed),
        identifiers=tuple(c.name for c in columns if c.kind == "identifier"),
        reading=reading,
    )
    own, added = folder / "checks" / system.id / "pack.yaml", _added(frame, parent, system, table.name)
    text = pack_text(system, table.name, extends_line(pack or parent.name, own.parent), parent, frame.columns, added)
    _write({folder / "aims.yaml": config_text(system), own: text}, force=force)
    more = how_many(len(added), "expectation")
    click.echo(f"wrote {folder / 'aims.yaml'} and {own} ({parent.name}, and {more} of its own)")
    fits = f"extends {parent.name}, which fits {target!r}: --pack names another"
    chosen = _needs(parent, len(frame)) if pack else [fits]
    seen = [*chosen, *_guessed(named, guessed), *_without_label(frame[target]), *_doubtful(columns)]
    _print_hints([*seen, *_supposed(system, favourable), *unsaid(system)], system.id)


def _added(frame: pd.DataFrame, parent: Pack, system: FirstSystem, source: str) -> list[dict[str, Any]]:
    from aims_mlflow.checks.profiling.infer import infer_expectations

    inferred = infer_expectations(frame, system.target, system.sensitive, parent.task, source=source)
    return added_expectations(parent, system.target, inferred)


def _needs(pack: Pack, rows: int) -> list[str]:
    """Return for which tables a pack is meant, as its own description says it, beside the rows that are there."""
    _, meant, size = pack.description.partition("For held-out tables")
    told = f"{pack.name} is for held-out tables {size.strip(' .')}; this table has {rows:,} rows in all"
    return [told] if meant else []


def _guessed(named: list[str], guessed: list[str]) -> list[str]:
    if named:
        return []
    if guessed:
        return [f"guessed as sensitive by their names, correct that: {', '.join(guessed)}"]
    return [NO_GROUPS]


def _without_label(target: pd.Series) -> list[str]:
    """Return how many rows have no label, and what to do about them."""
    lacking = int(target.isna().sum())
    if not lacking:
        return []
    rows = f"{lacking:,} of {len(target):,} rows have no {str(target.name)!r}"
    return [f"{rows}: nothing can be learned from them, nor measured; leave them out by @aims.prepares(why=...)"]


def _table_and_pack(
    table: Path, reading: ReadingOptions, pack: str | None, target: str, sensitive: list[str]
) -> tuple[pd.DataFrame, Pack]:
    """Return the table and the pack: the given one, or the one for the type of the target."""
    from aims_mlflow.adapters.reading.files import require_columns
    from aims_mlflow.checks.packs import load_pack
    from aims_mlflow.checks.profiling.infer import suggest_pack

    named = load_pack(pack) if pack else None
    frame = table_to_profile(table, reading)
    require_columns(frame, (target, *sensitive), str(table))
    return frame, named or load_pack(suggest_pack(frame[target]))


def _names_in(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _print_hints(hints: list[str], system_id: str) -> None:
    for hint in hints:
        click.echo(hint)
    click.echo(f'next: @aims.trains("{system_id}") on the function that fits your model')


def _doubtful(columns: list[ColumnProfile]) -> list[str]:
    """Return one warning for each column that a model should not use; identifiers are in aims.yaml."""
    return [
        f"look at {column.name} ({column.reason})"
        for column in columns
        if not column.use and column.kind not in ("target", "identifier")
    ]


def _id_of(table: Path) -> str:
    """Return a system id made from the file's name."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in table.stem).strip("-._") or "my-system"


@set_elsewhere(DATA_OPTIONS.get)
def _labels(
    frame: pd.DataFrame, target: str, favourable: str | None, sensitive: list[str], task: Task
) -> tuple[tuple[str, ...], str | None]:
    """Return the target's labels and the favourable one, if it was given or follows from the labels.

    Raises:
        ConfigError: a favourable label was given, and the pack is for numbers.
        DataError: no check could be run on the table.
    """
    from aims_mlflow.checks.statistics.labels import distinct_labels
    from aims_mlflow.checks.tables.task import PredictionTask
    from aims_mlflow.checks.tables.validation import make_dataset

    if favourable is not None and task == "regression":
        raise ConfigError(
            "--favourable names a label, and the pack is for numbers", next="leave it out, or give --pack"
        )
    labels = {} if task == "regression" else distinct_labels(frame[target])
    # Any label will do to try the table: whether the favourable one was said is another matter.
    tried = favourable or next(iter(labels.values()), None)
    filled = frame.dropna(axis=1, how="all")
    make_dataset("train", filled, PredictionTask(task, target, tried), sensitive=sensitive)
    if favourable is None and task == "binary-classification":
        favourable = _asked_label(target, labels)
    return tuple(labels.values()), favourable


def _asked(question: str, default: str) -> str:
    """Prompt for the value on a terminal; elsewhere return the default, if there is one."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return str(click.prompt(question, default=default, show_default=bool(default))).strip()
    return default if question.startswith("Owner") else ""


def _asked_label(target: str, labels: Mapping[str, str]) -> str | None:
    """Ask on a terminal which label is good for a person; elsewhere take 1 of 0 and 1, which `_supposed` then tells."""
    usual = labels["1"] if set(labels) == {"0", "1"} else None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return usual
    question = f"Which label of {target} is good for a person"
    return str(click.prompt(question, type=click.Choice(list(labels.values())), default=usual))


def _supposed(system: FirstSystem, favourable: str | None) -> list[str]:
    """Return that a favourable label was supposed, where nobody named or was asked for it."""
    if favourable is not None or system.favourable is None or (sys.stdin.isatty() and sys.stdout.isatty()):
        return []
    wanted = f"favourable: {system.favourable} is supposed, since the labels are 0 and 1"
    return [f"{wanted}: where that is what a person wants to avoid, such as an illness, name the other in aims.yaml"]


def _git_email() -> str:
    """Return git's user.email; empty where git knows none, since nobody is made up as an owner."""
    try:
        done = subprocess.run(["git", "config", "user.email"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _proposed_groups(frame: pd.DataFrame, sensitive: list[str]) -> tuple[str, ...]:
    out = []
    for name in sensitive:
        counts = frame[name].dropna().astype("str").value_counts()
        frequent = [v for v, n in counts.items() if n >= 20][:SHOWN_GROUPS]
        out.append(f"people by {name}" + (f": {', '.join(frequent)}" if 1 < len(frequent) < SHOWN_GROUPS else ""))
    return tuple(out)


def _write(files: dict[Path, str], *, force: bool) -> None:
    """Write all files or none."""
    existing = [str(path) for path in files if path.exists()]
    if existing and not force:
        raise ConfigError(f"{existing[0]} exists already", next="--force replaces it, --dir writes elsewhere")
    parts = []
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(text, encoding="utf-8")
        parts.append((part, path))
    for part, path in parts:
        part.replace(path)
