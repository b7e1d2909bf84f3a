"""The files that `aims init` writes: aims.yaml, and a pack that extends another."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aims_mlflow.records.pack import Pack, Task
    from aims_mlflow.records.system import ReadingOptions


@dataclass(frozen=True, kw_only=True)
class FirstSystem:
    """A system as its first aims.yaml describes it.

    Attributes:
        id: Id of the system.
        owner: Person responsible for it; empty if not known, and the file then says TODO.
        intended_use: Empty if not given; the file then contains a comment instead.
        groups: The groups of people that it affects; empty as above.
        proposed_groups: Groups found in the table, shown in the comment.
        target: The column that is predicted.
        task: What is predicted.
        labels: The labels of the target, as text; empty where a number is predicted.
        favourable: The label that is favourable for a person; None if not given.
        sensitive: The columns by which groups are compared.
        identifiers: The columns that only name a row.
        reading: How the table was read, where that was said.
    """

    id: str
    owner: str
    intended_use: str
    groups: tuple[str, ...]
    proposed_groups: tuple[str, ...]
    target: str
    task: Task
    labels: tuple[str, ...]
    favourable: str | None
    sensitive: tuple[str, ...]
    identifiers: tuple[str, ...]
    reading: ReadingOptions = AS_FOUND


def config_text(system: FirstSystem) -> str:
    """Return aims.yaml with a comment on every entry; unknown values are comments to fill in."""
    use = (
        f"intended_use: {_line(system.intended_use)}"
        if system.intended_use
        else '# intended_use: "What the model is for, in a sentence or two."'
    )
    if system.groups:
        affected = f"affected_groups: {_line(system.groups)}"
    else:
        affected = f"# affected_groups: {_line(system.proposed_groups or ['the people that its output affects'])}"
    names = (
        f"\n  # Columns that only name a row: no check learns from them.\n  identifiers: {_line(system.identifiers)}"
        if system.identifiers
        else ""
    )
    return f"""# What this repository trains, and what its data mean. Found from the training script's folder upwards.
system:
  id: {_line(system.id)}
  # Who answers for the system.
  owner: {_line(system.owner or "TODO")}
  # The training gate asks for both: what the model is for, and whom it affects.
  {use}
  {affected}
  # Asked for later: foreseeable_misuse, human_oversight, limitations, roles: [provider, deployer],
  # objectives: {{fairness: high}} (Annex C priorities), production_alias: champion (each training is compared
  # with the version that has this alias).

data:
  target: {_line(system.target)}
{_outcome(system)}
  # Groups are compared by these columns; they need not be features.
  sensitive: {_line(system.sensitive)}{names}{_reading(system.reading)}
  # Where the data come from; @aims.acquires("NAME") refers to it.
  # sources:
  #   NAME: {{uri: ..., owner: ..., licence: ..., rights: ..., subjects: ..., selection_reason: ..., retention: ...,
  #     purpose: ..., personal_data: [columns that are personal]}}
  # Folders of images, texts or audio that the table is about; `column` names each row's file.
  # files:
  #   images: {{folder: images, column: path}}

# The checks: a folder beside this file, yours to change. Each limit says why it is there.
pack: {_line(f"checks/{system.id}")}
"""


def _reading(reading: ReadingOptions) -> str:
    """Return the lines of aims.yaml on how files are read; none where their form says it."""
    said = reading.model_dump(mode="json", exclude_none=True)
    about = "How files of this table are read; every command and the decorators read them so."
    return f"\n  # {about}\n  reading: {_line(said)}" if said else ""


def _outcome(system: FirstSystem) -> str:
    """Return the lines of aims.yaml about the outcome that is favourable for a person."""
    if system.favourable is not None:
        return f"  # The label that is good for a person.\n  favourable: {_line(system.favourable)}"
    if system.task == "regression":
        about = "The number from which on a person is selected, if there is one; groups are then compared by selection."
        return f"  # {about}\n  # threshold: ..."
    if system.task == "multiclass-classification":
        about = "The label that is good for a person, if there is one; groups are then compared by selection."
    else:
        about = f"The label that is good for a person, one of {_line(system.labels)}. The training gate asks for it."
    return f"  # {about}\n  # favourable: ..."


def unsaid(system: FirstSystem) -> list[str]:
    """Return one sentence for each entry that aims.yaml lacks and the training gate requires."""
    out = [] if system.owner else ["fill in owner in aims.yaml, where TODO stands: who answers for the system"]
    if system.favourable is None and system.task == "binary-classification":
        labels = " or ".join(map(repr, system.labels))
        out.append(f"fill in favourable in aims.yaml, {labels}: the training gate asks which is good for a person")
    if not system.intended_use or not system.groups:
        out.append("fill in intended_use and affected_groups in aims.yaml: the training gate asks for both")
    return out


def extends_line(pack: str, folder: Path) -> str:
    """Return the reference of a pack in `folder` to its parent: name of a shipped pack, or relative path of another.

    Raises:
        ConfigError: the parent is that folder itself.
    """
    parent = Path(pack).expanduser()
    if not (parent / "pack.yaml").is_file():
        return pack
    if parent.resolve() == folder.resolve():
        raise ConfigError(f"the pack {pack!r} would extend itself", next="name another pack, or give --system")
    return Path(os.path.relpath(parent.resolve(), folder.resolve())).as_posix()


def added_expectations(parent: Pack, target: str, inferred: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the inferred expectations that the parent lacks, so that the limits of the parent are kept."""
    from aims_mlflow.checks.packs.inherit import IDENTITY

    identity = IDENTITY["expectations"]
    kept = set()
    for line in parent.data_quality.model_dump(mode="json")["expectations"]:
        column = line["kwargs"].get("column")
        kwargs = {**line["kwargs"], "column": target} if column == "$target" else line["kwargs"]
        kept.add(identity({**line, "kwargs": kwargs}))
    return [entry for entry in inferred if identity(entry) not in kept]


def pack_text(
    system: FirstSystem,
    source: str,
    extends: str,
    parent: Pack,
    columns: Iterable[Any],
    added: Sequence[Mapping[str, Any]],
) -> str:
    """Return a pack that extends `parent` by the expectations in `added`; what is added by hand later is the owner's.

    Its first lines say who set which limit, as the fields `set_by` do.

    Lines of the parent about columns that the table does not have are left out.
    """
    absent = _absent(parent, {str(column) for column in columns})
    head = {
        "name": system.id,
        "version": "1",
        "description": f"First checks, inferred from {source}: replace them with what must be true.",
        "extends": extends,
        "set_by": system.owner,
        "set_on": utc_text()[:10],
    }
    if not system.owner:
        del head["set_by"], head["set_on"]
    text = (
        f"# Every line of the pack {parent.name} holds. A line here replaces the line on the same metric or column,\n"
    )
    text += "# or is added. Expectations are spelled as in Great Expectations. Severity: blocking stops a training,\n"
    text += "# failing is refused at registration, warning is shown. Give every limit your own reason under `why`.\n"
    text += _set_by_whom(system.owner, inferred=bool(added))
    text += _block(head)
    if absent:
        text += (
            "# The table does not have these columns; rename them here or in the data if they are called otherwise.\n"
        )
        text += _block({"without": absent})
    return text + _block({"data_quality": {"expectations": [*added]}}) if added else text


def _set_by_whom(owner: str, *, inferred: bool) -> str:
    """Return the comment on `set_by`: who set the limits that are added by hand, and that nobody set the others."""
    text = "# `set_by` and `set_on` under `extends` are about each limit here that has none of its own.\n"
    if not owner:
        text = "# Add `set_by` and `set_on` under `extends`: they are about each limit here that has none of its own.\n"
    if inferred:
        text += "# The limits below say `set_by: inferred from ...`. Write a name there once a person decided on one:\n"
        text += "# until then every page says that no person set it.\n"
    return text


def _absent(parent: Pack, columns: set[str]) -> list[str]:
    """Return the parent's expectations about missing columns, in the form of `without`."""
    found = [(line.type, line.kwargs.get("column")) for line in parent.data_quality.expectations]
    names = [
        f"data_quality.{kind}:{column}"
        for kind, column in found
        if isinstance(column, str) and not column.startswith("$") and column not in columns
    ]
    return list(dict.fromkeys(names))


def _line(value: Any) -> str:
    """Return a value in YAML on one line."""
    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()


def _block(value: dict[str, Any]) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110))
