"""Finds and reads aims.yaml, and lists the entries that the training gate requires."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.callables import plain_function
from aims_mlflow.catalog.loader import require_objective
from aims_mlflow.checks.packs import load_pack, pack_digest, with_references
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.system import AimsConfig
from aims_mlflow.settings import CONFIG, config_path, working_folder
from aims_mlflow.strict_yaml import Document, read

if TYPE_CHECKING:
    from aims_mlflow.records.pack import Pack
    from aims_mlflow.records.system import Source

FILE = "aims.yaml"
# Entries of `system` that are not needed to read the file, and are to train.
NEEDED = {
    "intended_use": "what the model is for, in a sentence or two",
    "affected_groups": "the groups of people that its output affects",
}
MINIMAL = "system: {id: my-system, owner: me@example.org}\ndata: {target: my-label}"


@dataclass(frozen=True)
class Setup:
    """aims.yaml as read, the folder that it is in, and its pack."""

    config: AimsConfig
    document: Document
    folder: Path
    pack: Pack
    pack_digest: str


def find_config(function: Callable[..., Any] | None = None) -> Path:
    """Return the aims.yaml that applies: `AIMS_CONFIG`, the script's folder upwards, the working directory upwards.

    Raises:
        ConfigError: there is none.
    """
    path = config_path()
    if path is not None:
        path = path / FILE if path.is_dir() else path
        if not path.is_file():
            raise ConfigError(f"{CONFIG} names {path}, which is no file", next=f"correct {CONFIG}")
        return path
    starts = [*_script_folders(function), working_folder()]
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / FILE).is_file():
                return folder / FILE
    raise ConfigError(
        f"no {FILE} found from {starts[0]} upwards",
        next=f"run `aims init DATA.csv --target COLUMN`, or write one with\n{MINIMAL}",
    )


def _script_folders(function: Callable[..., Any] | None) -> list[Path]:
    """Return the folder of the file that defines `function`, or of the running script; none in a notebook."""
    code = getattr(plain_function(function), "__code__", None) if function is not None else None
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    files = [code.co_filename if code else None, main]
    return [Path(f).resolve().parent for f in files if f and Path(f).is_file() and "ipykernel" not in f]


def load_setup(
    config: str | Path | Mapping[str, Any] | None, function: Callable[..., Any] | None, system: str | None
) -> Setup:
    """Read aims.yaml (a path, a mapping, or found) and its pack; `system` None takes any system.

    Raises:
        ConfigError: it is not valid, or is about another system than `system`.
        Unreachable: it cannot be read.
    """
    if isinstance(config, Mapping):
        document, folder = Document(dict(config), {}, "config="), working_folder()
    else:
        path = Path(config) if config is not None else find_config(function)
        path = path / FILE if path.is_dir() else path
        document, folder = read(path), path.resolve().parent
    if not isinstance(document.data, dict):
        raise ConfigError(f"the file holds no settings; the least is\n{MINIMAL}", where=document.name)
    parsed = document.validate(AimsConfig)
    if system is not None and parsed.system.id != system:
        raise ConfigError(
            f"the code says system {system!r}, the file says {parsed.system.id!r}",
            where=document.where("system", "id"),
            next="make them the same"
            + (f" ({did_you_mean(system, [parsed.system.id])})" if did_you_mean(system, [parsed.system.id]) else ""),
        )
    for objective in parsed.system.objectives:
        require_objective(objective, where=document.where("system", "objectives", objective))
    pack = with_references(load_pack(parsed.pack, folder), parsed.data)
    return Setup(parsed, document, folder, pack, pack_digest(pack))


def unstated(setup: Setup) -> list[str]:
    """Return the entries of aims.yaml that the training gate requires and that are missing."""
    system = setup.config.system
    return [f"system.{key}: {what}" for key, what in NEEDED.items() if not "".join(getattr(system, key) or ()).strip()]


def source_statement(name: str, *sources: Source) -> SourceStatement:
    """Return what is stated about the source of a data set; a later statement replaces an earlier one."""
    stated: dict[str, Any] = {}
    for source in sources:
        stated |= source.model_dump(mode="json", exclude_none=True)
    return SourceStatement(name=name).changed(**stated)
