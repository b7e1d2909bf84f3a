"""Packs: read from the folders that ship here, or from a team's own folder, and checked before they are used."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import require_control
from aims_mlflow.checks import metrics
from aims_mlflow.checks.expectations import KNOWN, PLACEHOLDERS, ROLES, placeholders_in
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.evidence.canonical import digest_of
from aims_mlflow.records.pack import Limit, Pack
from aims_mlflow.strict_yaml import Document, parse, read

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "pack.yaml"


def shipped_packs() -> list[str]:
    """Return the names of the packs that come with the package."""
    here = resources.files(__package__)
    return sorted(entry.name for entry in here.iterdir() if entry.is_dir() and entry.joinpath(FILE).is_file())


def load_pack(name_or_folder: str, base: Path | None = None) -> Pack:
    """Return the pack in the folder `base / name_or_folder`, else the shipped pack of that name.

    A folder comes first, so that a team's copy under the shipped name is what applies.

    Raises:
        ConfigError: there is no such pack, or it is not valid: with file and line.
        Unreachable: it cannot be read.
    """
    path = (base or Path.cwd()) / Path(name_or_folder).expanduser() / FILE
    if path.is_file():
        document = read(path)
    elif name_or_folder in shipped_packs():
        text = resources.files(__package__).joinpath(name_or_folder, FILE).read_text(encoding="utf-8")
        document = parse(text, f"shipped pack {name_or_folder}")
    else:
        hint = did_you_mean(name_or_folder, shipped_packs())
        raise ConfigError(
            f"there is no pack {name_or_folder!r}" + (f", {hint}" if hint else ""),
            where=str(path),
            next=f"name a shipped pack ({', '.join(shipped_packs())}) or a folder with a {FILE}",
        )
    return check_pack(document)


def check_pack(document: Document) -> Pack:
    """Return a document as a pack.

    Raises:
        ConfigError: an unknown key, control, metric, expectation or data role, with the nearest known one.
    """
    pack = document.validate(Pack)
    for section in ("data_quality", "representativeness", "fairness", "performance", "drift", "monitor", "leakage"):
        for i, control in enumerate(getattr(pack, section).controls):
            require_control(control, where=document.where(section, "controls", i))
    _check_limits(document, "representativeness", pack.representativeness.limits, metrics.REPRESENTATIVENESS)
    _check_limits(document, "fairness", pack.fairness.limits, metrics.FAIRNESS_OF[pack.task])
    _check_limits(document, "performance", pack.performance.limits, metrics.PERFORMANCE_OF[pack.task])
    for i, expectation in enumerate(pack.data_quality.expectations):
        at = ("data_quality", "expectations", i)
        _check_name(expectation.type, KNOWN, "expectation", document.where(*at, "type"))
        for role in expectation.roles:
            _check_name(role, ROLES, "data role", document.where(*at, "roles"))
        known = [*PLACEHOLDERS, *(f"${name}" for name in pack.data_quality.groups)]
        for name in sorted(placeholders_in(expectation.kwargs)):
            if not name.endswith("$"):  # a regular expression may end so, and start so hardly ever
                _check_name(name, known, "column group", document.where(*at, "kwargs"))
    return pack


def _check_limits(document: Document, section: str, limits: Iterable[Limit], known: Iterable[str]) -> None:
    for i, limit in enumerate(limits):
        _check_name(limit.metric, known, f"{section} metric", document.where(section, "limits", i, "metric"))


def _check_name(name: str, known: Iterable[str], what: str, where: str) -> None:
    known = list(known)
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(f"there is no {what} {name!r}" + (f", {hint}" if hint else ""), where=where)


def pack_digest(pack: Pack) -> str:
    """Return the sha256 (hex) of the pack's canonical JSON (RFC 8785): what was checked, and with which limits."""
    return digest_of(pack.model_dump(mode="json"))
